import { Worker } from 'node:worker_threads';
import { join } from 'node:path';
import { ConfigError, type Frame, type FrameSource, type FrameSourceError } from '../../lib/index';
import type { SoakCameraName } from './cameras';
import type { Studio } from './studio';
import { stampOf, type Reading } from './witness';
import type { Shown } from './stamp-worker';

/** How long one source is read before the loop is left and another one made. */
const LIFE_MS = [20_000, 80_000] as const;
/** Before another one is tried where one gave up. */
const AFTER_FAILURE_MS = 1_000;
/** Of a list that nobody renews: then a program asks for another one. */
const NOTHING_FOR_MS = 12_000;

type Read = (reading: Reading, isDone: () => boolean) => Promise<void>;

/** One source after the other, each read until its time is up, it gives up, or all is over. */
async function inLives(
  studio: Studio,
  name: SoakCameraName,
  open: () => FrameSource | Promise<FrameSource>,
  read: Read,
  lifeMs?: number,
): Promise<void> {
  const { chance, calm, over, witness, sources } = studio;
  while (!over.aborted) {
    let source: FrameSource;
    try {
      source = await open();
    } catch (error) {
      // The service refuses a URL for now.
      witness.count('openings refused');
      if (error instanceof ConfigError) witness.complain(`${name}: ${error.message}`);
      await studio.pause(AFTER_FAILURE_MS);
      continue;
    }
    const reading = witness.begin(name, source);
    sources.add(source);
    const untilMs = performance.now() + (lifeMs ?? chance.between(...LIFE_MS));
    let failure: unknown;
    try {
      await read(reading, () => !calm.aborted && performance.now() > untilMs);
    } catch (error) {
      if (!over.aborted) failure = error;
    }
    await reading.end(failure);
    sources.delete(source);
    if (failure !== undefined) await studio.pause(AFTER_FAILURE_MS);
  }
}

/** Takes the frames of `delivery` `latest`, or not older than so much, for which it is mostly too slow. */
export function readInTime(studio: Studio, name: SoakCameraName): Promise<void> {
  const pace = studio.pace(name === 'latest' ? 150 : 400);
  return inLives(
    studio,
    name,
    () => studio.kvs(name),
    async ({ source, saw }, isDone) => {
      for await (const frame of source.frames({ signal: studio.over })) {
        saw(frame);
        await pace();
        if (isDone()) break;
      }
    },
  );
}

/** Takes every frame of one source until all is over; of another one only if that ended by an error. */
export function readThroughout(studio: Studio, name: SoakCameraName): Promise<void> {
  return inLives(
    studio,
    name,
    () => studio.kvs(name),
    async ({ source, saw }) => {
      for await (const frame of source.frames({ signal: studio.over })) saw(frame);
    },
    Infinity,
  );
}

/** Keeps frames for up to seconds, and looks whether they still show what they showed. */
export function readAndRetain(studio: Studio): Promise<void> {
  const { chance, calm, over, witness } = studio;
  return inLives(
    studio,
    'retained',
    () => studio.kvs('retained'),
    async ({ source, saw }, isDone) => {
      const kept: { frame: Frame; stamp: number }[] = [];
      const letGo = (): void => {
        const { frame, stamp } = kept.splice(Math.floor(chance.between(0, kept.length)), 1)[0]!;
        if (stampOf(frame) !== stamp) witness.complain(`retained: frame ${frame.index} was overwritten`);
        frame.release();
        witness.count('frames retained and found unchanged');
      };
      for await (const frame of source.frames({ signal: over })) {
        saw(frame);
        if (kept.length < 6 && chance.happens(0.3))
          kept.push({ frame: frame.retain(), stamp: stampOf(frame) });
        while (kept.length > 0 && (calm.aborted || kept.length > 5 || chance.happens(0.25))) letGo();
        if (isDone()) break;
      }
      // Leases outlive the source.
      while (kept.length > 0) letGo();
    },
  );
}

/** Asks frame by frame, and not for long. */
export function readWithTimeout(studio: Studio): Promise<void> {
  return inLives(studio, 'filled', () => studio.kvs('filled'), oneByOne(studio, 300, Infinity));
}

/** Reads a session's URL, and asks for another one where that gives nothing any more. */
export function readUrl(studio: Studio, name: SoakCameraName): Promise<void> {
  const pace = name === 'hls-slow' ? studio.pace(120) : () => Promise.resolve();
  const read = oneByOne(studio, 1_000, NOTHING_FOR_MS, pace);
  return inLives(studio, name, () => studio.hls(name), read);
}

function oneByOne(
  studio: Studio,
  timeoutMs: number,
  patienceMs: number,
  pace = () => Promise.resolve(),
): Read {
  const { over, witness } = studio;
  return async ({ source, saw }, isDone) => {
    let lastMs = performance.now();
    while (!over.aborted && !isDone() && performance.now() - lastMs < patienceMs) {
      const frame = await source.read({ timeoutMs, signal: over }).catch((error: FrameSourceError) => {
        if (error.code !== 'READ_TIMEOUT') throw error;
        witness.count('reads that timed out');
      });
      if (frame === null) return;
      if (frame === undefined) continue;
      lastMs = performance.now();
      saw(frame);
      await pace();
    }
  };
}

/** Hands frames to a worker, which holds them for a while; the worker is replaced now and then, whatever it holds. */
export async function readInWorker(studio: Studio): Promise<void> {
  const { chance, calm, over, witness } = studio;
  let outstanding = new Set<number>();
  const newWorker = (): Worker => {
    const mine = (outstanding = new Set<number>());
    const worker = new Worker(join(__dirname, 'stamp-worker.js'));
    worker.on('message', ({ key, expected, stamp }: Shown) => {
      mine.delete(key);
      witness.count('frames read by a worker');
      if (stamp !== expected) witness.complain(`shared: a worker read ${stamp} where ${expected} was`);
    });
    worker.on('error', (error) =>
      witness.complain(`shared: the worker failed: ${error.stack ?? error.message}`),
    );
    return worker;
  };
  let worker = newWorker();
  let keys = 0;
  await inLives(
    studio,
    'shared',
    () => studio.kvs('shared'),
    async ({ source, saw }, isDone) => {
      for await (const frame of source.frames({ signal: over })) {
        saw(frame);
        if (outstanding.size < 4) {
          const key = (keys += 1);
          outstanding.add(key);
          const holdMs = calm.aborted ? 0 : chance.between(0, 300);
          worker.postMessage({ key, expected: stampOf(frame), holdMs, handle: frame.share({ worker }) });
        }
        if (!calm.aborted && chance.happens(0.004)) {
          void worker.terminate();
          witness.count('workers ended while they held frames');
          worker = newWorker();
        }
        if (isDone()) break;
      }
    },
  );
  await worker.terminate();
}
