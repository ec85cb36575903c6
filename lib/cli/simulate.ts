import { fileCamera, startSimulator, testCamera } from '../simulator/index.js';
import { Output } from './output.js';
import { onTermination } from './signals.js';

export interface SimulateFlags {
  streamName?: string[];
  region: string;
  port: number;
  host: string;
  input?: string;
  codec: 'h264' | 'h265';
  width: number;
  height: number;
  fps: number;
  fragmentSeconds: number;
  bFrames: number;
  sessionLifetime?: number;
  json?: boolean;
}

/** `kvs-frames simulate`: runs until it is interrupted. Answers the exit code. */
export async function simulate(flags: SimulateFlags): Promise<number> {
  const output = new Output(flags.json === true);
  const names = flags.streamName ?? ['front-door'];
  const { width, height, fps, codec, fragmentSeconds, bFrames, input } = flags;
  const interrupted = new Promise<void>((resolve) => onTermination(resolve));
  const simulator = await startSimulator({
    region: flags.region,
    port: flags.port,
    host: flags.host,
    ...(flags.sessionLifetime === undefined ? {} : { sessionLifetimeSeconds: flags.sessionLifetime }),
    streams: names.map((name) => ({
      name,
      camera:
        input === undefined
          ? testCamera({ width, height, fps, codec, fragmentSeconds, bFrames })
          : fileCamera({ input, loop: true }),
    })),
  });
  const { endpoint, environment } = simulator;
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${value}`);
  output.say(
    'simulator',
    { endpoint, environment, streams: names },
    `Kinesis Video Streams look-alike on ${endpoint} with ${names.join(', ')}. In another terminal:\n\n` +
      `${exports.join('\n')}\nkvs-frames read --stream-name ${names[0] ?? ''} --region ${flags.region}\n\n` +
      'Ctrl-C ends it.',
  );
  await interrupted;
  await simulator.close();
  return 0;
}
