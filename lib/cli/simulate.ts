import { once } from 'node:events';
import { systemClock } from '../clock.js';
import { ConfigError } from '../errors.js';
import {
  type CatalogueFault,
  faultByName,
  faultCatalogue,
  fileCamera,
  type Simulator,
  startSimulator,
  testCamera,
} from '../simulator/index.js';
import { firstFragments } from './first-fragments.js';
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
  fault?: string[];
  faultAfter?: number;
  listFaults?: boolean;
  json?: boolean;
}

/** When faults that happen to a playing reader begin, in s after the first session, if the flags do not say. */
const defaultFaultAfterSeconds = 5;

/** `kvs-frames simulate`: runs until it is interrupted. Answers the exit code. */
export async function simulate(flags: SimulateFlags): Promise<number> {
  const output = new Output(flags.json === true);
  if (flags.listFaults === true) {
    listFaults(flags.json === true);
    return 0;
  }
  const faults = (flags.fault ?? []).map(faultByName);
  if (flags.faultAfter !== undefined && faults.length === 0) {
    throw new ConfigError('--fault-after says when a --fault begins; there is none');
  }
  const names = flags.streamName ?? ['front-door'];
  const { width, height, fps, codec, fragmentSeconds, bFrames, input } = flags;
  const interruption = new AbortController();
  const interrupted = interruption.signal;
  onTermination(() => interruption.abort());
  const schedule = new FaultSchedule(faults, flags.faultAfter, output);
  const simulator = await startSimulator({
    intercept: (request, response) => {
      if (request.kind === 'GetHLSStreamingSessionURL' && response.status === 200) schedule.sessionMade();
      return response;
    },
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
  output.line('Waiting for the first fragments; Ctrl-C ends it');
  const streams = names.map((name) => simulator.stream(name));
  for (const words of await firstFragments(streams, systemClock, interrupted)) output.note(words);
  if (interrupted.aborted) {
    await simulator.close();
    return 0;
  }
  const { endpoint, environment } = simulator;
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${value}`);
  output.say(
    'simulator',
    { endpoint, environment, streams: names },
    `Kinesis Video Streams look-alike on ${endpoint} with ${names.join(', ')}. In another terminal:\n\n` +
      `${exports.join('\n')}\nkvs-frames read --stream-name ${names[0] ?? ''} --region ${flags.region}\n\n` +
      'Ctrl-C ends it.',
  );
  schedule.simulatorStarted(simulator);
  await once(interrupted, 'abort');
  schedule.end();
  await simulator.close();
  return 0;
}

/** The catalogue as a table, or as one JSON object a line. */
function listFaults(isJson: boolean): void {
  const width = Math.max(...faultCatalogue.map(({ name }) => name.length));
  for (const { name, group, summary, containers, startsAt } of faultCatalogue) {
    const line = isJson
      ? JSON.stringify({ name, group, summary, containers, startsAt })
      : `${name.padEnd(width)}  ${summary}`;
    process.stdout.write(`${line}\n`);
  }
}

/** Sets the chosen faults once, at the time they are for. */
class FaultSchedule {
  readonly #faults: readonly CatalogueFault[];
  readonly #afterSeconds: number | null;
  readonly #output: Output;
  #simulator: Simulator | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(faults: readonly CatalogueFault[], afterSeconds: number | undefined, output: Output) {
    this.#faults = faults;
    // A fault of the opening would not be seen by a reader that plays.
    const isOfOpening = faults.some(({ startsAt }) => startsAt === 'opening');
    this.#afterSeconds = afterSeconds ?? (isOfOpening ? null : defaultFaultAfterSeconds);
    this.#output = output;
  }

  simulatorStarted(simulator: Simulator): void {
    this.#simulator = simulator;
    if (this.#faults.length > 0 && this.#afterSeconds === null) this.#begin();
  }

  sessionMade(): void {
    if (this.#faults.length === 0 || this.#afterSeconds === null) return;
    this.#timer ??= setTimeout(() => this.#begin(), this.#afterSeconds * 1000);
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #begin(): void {
    this.#simulator?.setFaults(this.#faults.map(({ script }) => script));
    const names = this.#faults.map(({ name }) => name);
    this.#output.say('faults', { names }, `From now on: ${names.join(', ')}`);
  }
}
