import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SoakCameraName } from './cameras';
import { Judge, type CameraResult } from './judge';
import type { LoopDelays, Order, ReaderMessage, Vitals, WorldMessage } from './messages';
import { coursesOf, left, type FigureCourse } from './figures';
import { Samples } from './steadiness';

export interface SoakOptions {
  minutes: number;
  seed: string;
  say: (line: string) => void;
}

/** What `build/soak.json` has. */
export interface SoakResult {
  seed: string;
  minutes: number;
  startedAt: string;
  /** Empty if all is well. */
  violations: string[];
  violationCount: number;
  cameras: Record<SoakCameraName, CameraResult>;
  figures: FigureCourse[];
  before: Vitals;
  after: Vitals;
  delays: LoopDelays;
  counts: Record<string, number>;
  /** Of the reader, and of the simulators with their faults: processor seconds per second. */
  samples: readonly Vitals[];
}

/** A camera that a reader takes for silent is looked for every 7 s; a gate that throttling closed opens after a minute, or two. */
const CALM_MS = 30_000;
/** What was sent last is visible after a moment, read, decoded, told. */
const DRAIN_MS = 6_000;
const OPENING_MS = 180_000;
const ENDING_MS = 60_000;
const SAMPLES = 1_000;
const SAY_EVERY_MS = 60_000;

/** Runs a soak: about so many minutes, calm at the end included. */
export async function runSoak({ minutes, seed, say }: SoakOptions): Promise<SoakResult> {
  const startedAt = new Date().toISOString();
  const judge = new Judge(say);
  const samples = new Samples<Vitals>(SAMPLES);
  const world = new Child<WorldMessage>('world.js', [seed], judge);
  const reader = new Child<ReaderMessage>('reader.js', [seed], judge);
  world.onMessage = (message) => {
    if (message.type === 'sent' || message.type === 'fault') judge.world(message);
  };
  let last: Vitals | undefined;
  reader.onMessage = (message) => {
    if (message.type === 'vitals') samples.add((last = message.vitals));
    else if (message.type === 'began' || message.type === 'seen' || message.type === 'ended')
      judge.reader(message);
  };
  const looking = setInterval(() => judge.look(), 1_000);
  const saying = setInterval(() => say(progress(last, judge)), SAY_EVERY_MS);
  try {
    const { doors } = await world.next('open', OPENING_MS);
    reader.send({ type: 'begin', doors });
    world.send({ type: 'begin', doors });
    await Promise.race([sleep(Math.max(1, minutes * 60_000 - CALM_MS - DRAIN_MS)), world.died, reader.died]);
    // In the calm all cameras are read at once: more sockets than under faults, and no leak.
    const underFaults = [...samples.all];
    reader.send({ type: 'calm' });
    world.send({ type: 'calm' });
    await world.next('calm', ENDING_MS + 60_000);
    await Promise.race([sleep(CALM_MS), reader.died]);
    judge.expectSilence();
    world.send({ type: 'end' });
    await world.next('silent', ENDING_MS);
    await Promise.race([sleep(DRAIN_MS), reader.died]);
    judge.checkEnds();
    reader.send({ type: 'end' });
    const { before, after, delays, counts } = await reader.next('done', ENDING_MS);
    const cameras = judge.finish();
    const figures = coursesOf(underFaults, minutes * 60);
    for (const { name, course, allowedRise } of figures) {
      if (course.rise > allowedRise) {
        judge.complain(`${name} rose by ${course.rise.toFixed(1)} in the run, ${allowedRise} are allowed`);
      }
    }
    for (const text of left(before, after)) judge.complain(text);
    const { violations, violationCount } = judge;
    return {
      ...{ seed, minutes, startedAt, violations, violationCount, cameras, figures },
      ...{ before, after, delays, counts, samples: samples.all },
    };
  } finally {
    clearInterval(looking);
    clearInterval(saying);
    reader.end();
    world.end();
  }
}

function progress(vitals: Vitals | undefined, judge: Judge): string {
  if (vitals === undefined) return 'nothing is read yet';
  const { atSeconds, rssMiB, heapMiB, threads, descriptors } = vitals;
  return (
    `${Math.round(atSeconds)} s: ${rssMiB.toFixed(0)} MiB resident, ${heapMiB.toFixed(1)} MiB of heap, ${threads} threads, ` +
    `${descriptors} descriptors; ${judge.violationCount} violations`
  );
}

/** One of the two processes, which tell by messages what they do. */
class Child<Message extends { type: string }> {
  onMessage: (message: Message) => void = () => {};
  /** Rejects when the process ends before its time. */
  readonly died: Promise<never>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, (message: Message) => void>();
  #isOver = false;

  constructor(file: string, args: string[], judge: Judge) {
    this.#child = fork(join(__dirname, file), args, {
      execArgv: ['--expose-gc', '--enable-source-maps'],
      // The SDK warns once per process that its later versions need a later Node.
      env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    });
    this.#child.on('message', (message: Message & { text?: string }) => {
      if (message.type === 'trouble') judge.complain(`${file}: ${message.text ?? ''}`);
      this.onMessage(message);
      this.#waiting.get(message.type)?.(message);
    });
    this.died = new Promise((_, reject) => {
      this.#child.once('exit', (code, signal) => {
        if (!this.#isOver) reject(new Error(`${file} ended with ${code ?? signal}`));
      });
    });
    this.died.catch(() => undefined);
  }

  send(order: Order): void {
    this.#child.send(order);
  }

  /** The next message of that type. */
  async next<Type extends Message['type']>(
    type: Type,
    withinMs: number,
  ): Promise<Extract<Message, { type: Type }>> {
    const timeout = new AbortController();
    const late = sleep(withinMs, undefined, { signal: timeout.signal }).then(() => {
      throw new Error(`No ${type} came within ${withinMs} ms`);
    });
    const coming = new Promise<Message>((resolve) => this.#waiting.set(type, resolve));
    try {
      return (await Promise.race([coming, this.died, late])) as Extract<Message, { type: Type }>;
    } finally {
      late.catch(() => undefined);
      timeout.abort();
    }
  }

  /** It may go. */
  end(): void {
    this.#isOver = true;
    if (this.#child.connected) this.#child.disconnect();
    const child = this.#child;
    setTimeout(() => child.kill('SIGKILL'), ENDING_MS).unref();
  }
}
