import { sleep, type Clock } from './clock.js';
import { FrameSourceError } from './errors.js';
import type { Fragment, LostFragments } from './hls/fragment.js';
import type { Logger } from './logger.js';
import type { Gap } from './policy/gap.js';
import type { FragmentSource } from './session-loop.js';
import type { Session, SessionProvider } from './session/provider.js';

/** A hole this short may be a wrong length in the playlist: a fragment is at least 200 ms long (kvs-hls §13). */
const MIN_HOLE_MS = 200;
/** Tries in a row, with nothing read between, after which the rest of a hole is given up. */
const MAX_TRIES = 3;
/** Pause before a further try. */
const RETRY_MS = 500;

/** Fragments of a recording; made for one hole. */
export interface Archive {
  run(session: Session, signal: AbortSignal): AsyncGenerator<Fragment, LostFragments | null>;
  close(): Promise<void>;
}

export interface CatchUpOptions {
  /** Of a longer hole only the newest part of this length is read, ms. */
  maxMs: number;
  provider: SessionProvider;
  openArchive(): Archive;
  clock: Clock;
  logger: Logger;
  cameraId: string;
  /** So much of a hole was read after all. */
  onRecovered(gap: Omit<Gap, 'recovered'>): void;
  /** The recording has nothing for the rest of the hole: nobody sent anything. */
  onSilence(): void;
}

/** A dated stretch of media time, Unix ms. */
interface Hole {
  fromMs: number;
  toMs: number;
}

/** What the dates leave out between two fragments of a live stream, or `null`. */
export function holeBetween(before: Fragment | undefined, after: Fragment): Hole | null {
  if (before === undefined || before.dateMs === null || after.dateMs === null) return null;
  const fromMs = before.dateMs + before.durationMs;
  const isHole = after.dateMs - fromMs > Math.max(MIN_HOLE_MS, before.durationMs / 2);
  return isHole ? { fromMs, toMs: after.dateMs } : null;
}

/**
 * A live stream whose holes are read from the stream's recording, each with a session of its own, before it goes on.
 *
 * The live session waits meanwhile. If its list moves on without being read, that is another hole, and is filled likewise.
 */
export class CatchUp implements FragmentSource {
  readonly #live: FragmentSource;
  readonly #options: CatchUpOptions;
  /** The newest fragment handed over, across sessions. */
  #last: Fragment | undefined;

  constructor(live: FragmentSource, options: CatchUpOptions) {
    this.#live = live;
    this.#options = options;
  }

  async *run(session: Session, signal: AbortSignal): AsyncGenerator<Fragment, LostFragments | null> {
    const fragments = this.#live.run(session, signal);
    try {
      for (;;) {
        const { value, done } = await fragments.next();
        if (done) return value;
        const hole = holeBetween(this.#last, value);
        const rest = hole === null ? value.lost : yield* this.#fill(hole, value, signal);
        this.#last = withoutBytes(value);
        yield rest === value.lost ? value : { ...value, lost: rest };
      }
    } finally {
      await fragments.return(null);
    }
  }

  offer(session: Session, signal: AbortSignal): Promise<void> {
    return this.#live.offer(session, signal);
  }

  /** Yields what the recording has of a hole; returns what `after` still has to say of it. */
  async *#fill(
    hole: Hole,
    after: Fragment,
    signal: AbortSignal,
  ): AsyncGenerator<Fragment, LostFragments | null> {
    const { maxMs, clock, logger, cameraId } = this.#options;
    const beginMs = Math.max(hole.fromMs, hole.toMs - maxMs);
    let cut: LostFragments | null =
      beginMs > hole.fromMs
        ? { count: 0, ms: beginMs - hole.fromMs, cause: after.lost?.cause ?? 'outage' }
        : null;
    const found = { fragments: 0, ms: 0, fromMs: 0, toMs: beginMs };
    logger.info(
      `${cameraId}: reading ${Math.round(hole.toMs - beginMs)} ms that were missed from the recording`,
    );
    let isComplete = false;
    for (let tries = 0; tries < MAX_TRIES && !isComplete; tries++) {
      if (tries > 0) await sleep(clock, RETRY_MS, signal);
      try {
        for await (const fragment of this.#read({ fromMs: found.toMs, toMs: hole.toMs }, signal)) {
          if (found.fragments === 0) found.fromMs = fragment.dateMs ?? found.toMs;
          found.fragments += 1;
          found.ms += fragment.durationMs;
          found.toMs = (fragment.dateMs ?? found.toMs) + fragment.durationMs;
          tries = 0;
          this.#last = withoutBytes(fragment);
          yield cut === null ? fragment : { ...fragment, lost: cut };
          cut = null;
        }
        isComplete = true;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof FrameSourceError)) throw error;
        if (error.code === 'KVS_EMPTY_RANGE') isComplete = true;
        else logger.warn(`${cameraId}: the recording could not be read: ${error.message}`);
      }
    }
    if (found.fragments > 0) {
      const { fragments, ms, fromMs, toMs } = found;
      this.#options.onRecovered({ cause: after.lost?.cause ?? 'outage', fromMs, toMs, ms, fragments });
    }
    if (!isComplete) return after.lost;
    this.#options.onSilence();
    return cut;
  }

  /** The recorded fragments that begin in a stretch, none that was handed over already. */
  async *#read({ fromMs, toMs }: Hole, signal: AbortSignal): AsyncGenerator<Fragment, void> {
    const { provider } = this.#options;
    const archive = this.#options.openArchive();
    try {
      let nextMs = fromMs;
      // A list may end before the stretch does: it holds only so many fragments.
      for (let count = 1; count > 0 && nextMs < toMs;) {
        count = 0;
        // Dates are rounded: the first fragment may be dated 1 ms before the end of the one before it.
        const session = await provider.acquire({ signal, range: { fromMs: Math.floor(nextMs) - 1, toMs } });
        const fragments = archive.run(session, signal);
        for await (const fragment of fragments) {
          if (fragment.dateMs === null || fragment.dateMs >= toMs) continue;
          if (fragment.dateMs < nextMs - fragment.durationMs / 2) continue;
          count += 1;
          nextMs = fragment.dateMs + fragment.durationMs;
          // What the recording skips is not measured by the clock of this host.
          yield { ...fragment, lost: null, elapsedMs: null };
        }
      }
    } finally {
      await archive.close();
    }
  }
}

const NO_BYTES = new Uint8Array(0);

/** Remembered for its date: its bytes are the decoder's. */
function withoutBytes(fragment: Fragment): Fragment {
  return { ...fragment, init: null, media: NO_BYTES };
}
