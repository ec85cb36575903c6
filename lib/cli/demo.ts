import { Registry } from 'prom-client';
import { startSimulator, testCamera } from '../simulator/index.js';
import { KvsHlsFrameSource } from '../source.js';
import { stderrLogger } from './log.js';
import { Output } from './output.js';
import { watchOptions, type WatchFlags } from './read.js';
import { onTermination } from './signals.js';
import { watch } from './watch.js';

const STREAM = 'front-door';
/** `kvs-frames demo`: a simulator with a test camera, and a reader on it through the AWS SDK. Answers the exit code. */
export async function demo(flags: WatchFlags): Promise<number> {
  const output = new Output(flags.json === true);
  const simulator = await startSimulator({ streams: [{ name: STREAM, camera: testCamera() }] });
  try {
    const { endpoint, region, environment } = simulator;
    output.say(
      'simulator',
      { endpoint, streams: [STREAM] },
      `A local Kinesis Video Streams on ${endpoint}; its test camera "${STREAM}" starts. Ctrl-C ends the demo.`,
    );
    // Ctrl-C before the first fragment: there is nothing to report yet.
    let stopListening = (): void => {};
    const interrupted = new Promise<'interrupted'>((resolve) => {
      stopListening = onTermination(() => resolve('interrupted'));
    });
    const first = await Promise.race([simulator.stream(STREAM).untilVisible(), interrupted]);
    stopListening();
    if (first === 'interrupted') return 0;
    const registry = new Registry();
    const source = new KvsHlsFrameSource({
      streamName: STREAM,
      region,
      endpoint,
      credentials: {
        accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
      registry,
      ...(flags.verbose ? { logger: stderrLogger } : {}),
    });
    return await watch(source, watchOptions(flags), output, registry);
  } finally {
    await simulator.close();
  }
}
