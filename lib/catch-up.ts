import { deadline, sleep, type Clock } from './clock.js';
import { FrameSourceError, KvsConnectionError } from './errors.js';
import type { Fragment, LostFragments } from './hls/fragment.js';
import type { Logger } from './logger.js';
import { classify } from './policy/fault.js';
import type { Gap } from './policy/gap.js';
import type { FragmentSource } from './session-loop.js';
import type { Session, SessionProvider } from './session/provider.js';

/** A hole this short may be a wrong length in the playlist: a fragment is at least 200 ms long (kvs-hls §13). */
const MIN_HOLE_MS = 200;
/** A hole is no longer than the time that went by, and this: the fragment before may have waited in the list. */
const CLOCK_SLACK_MS = 60_000;
/** Tries in a row, with nothing read between, after which the rest of a hole is given up. */
const MAX_TRIES = 3;
/** Pause before a further try. */
const RETRY_MS = 500;
/** A session for a recording is waited for no longer than this, since the live list moves on meanwhile. */
const ACQUIRE_MS = 10_000;

/** Fragments of a recording; made for one hole. */
export interface Archive {
  run(session: Session, signal: AbortSignal): AsyncGenerator<Fragment, LostFragments | null>;
  close(): Promise<void>;
}

/** Where recordings come from. */
export interface CatchUpSource {
  /** Of a longer hole only the newest part of this length is read, ms. */
  maxMs: number;
  /** Fragments that one recorded list holds at most. */
  listLength: number;
  openArchive(): Archive;
}

export interface CatchUpOptions extends CatchUpSource {
  provider: SessionProvider;
  /** Whether a fragment bears a date that can be believed. */
  isDated(fragment: Fragment): boolean;
  clock: Clock;
  logger: Logger;
  cameraId: string;
  /** So much of a hole was read after all. */
  onRecovered(gap: Omit<Gap, 'recovered'>): void;
  /** The recording has nothing for the rest of the hole: nobody sent anything. */
  onSilence(): void;
  /** The recording, or part of it, could not be read. */
  onError(error: FrameSourceError): void;
}

/** A dated stretch of media time, Unix ms. */
interface Hole {
  fromMs: number;
  toMs: number;
}

/** What is remembered of the newest dated fragment. */
type Newest = Pick<Fragment, 'durationMs' | 'receivedAtMs'> & {
  dateMs: number;
  /** It was handed over then, monotonic ms. */
  atMs: number;
};

/**
 * A live stream whose holes are read from the stream's recording, each with a session of its own, before it goes on.
 *
 * The live session waits meanwhile. If its list moves on without being read, that is another hole, and is filled likewise.
 */
export class CatchUp implements FragmentSource {
  readonly #live: FragmentSource;
  readonly #options: CatchUpOptions;
  /** The newest fragment handed over by date, across sessions: nothing up to its end is ever read again. */
  #newest: Newest | undefined;
  /** The last fragment handed over bore no date to be believed: where it stands in a recording can't be told. */
  #isLost = false;

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
        const hole = this.#holeBefore(value);
        const rest = hole === null ? value.lost : yield* this.#fill(hole, value, signal);
        this.#remember(value);
        yield rest === value.lost ? value : { ...value, lost: rest };
      }
    } finally {
      await fragments.return(null);
    }
  }

  offer(session: Session, signal: AbortSignal): Promise<void> {
    return this.#live.offer(session, signal);
  }

  /**
   * What the live list has lost before a fragment, as dates tell. What its own server shows it right behind the one before
   * is no hole to be read: there is nothing more. Nor is one longer than the time that went by: that is a clock that was set.
   */
  #holeBefore(after: Fragment): Hole | null {
    const before = this.#newest;
    if (before === undefined || this.#isLost || after.isAdjacent) return null;
    // Passed over because it is too old: it would be no younger from the recording.
    if (after.lost?.cause === 'policy') return null;
    if (after.dateMs === null || !this.#options.isDated(after)) return null;
    const fromMs = before.dateMs + before.durationMs;
    const holeMs = after.dateMs - fromMs;
    // Who reads late takes them closer together than they came; a host's clock that was set back tells less still.
    const elapsedMs = Math.max(
      after.receivedAtMs - before.receivedAtMs,
      this.#options.clock.monotonic() - before.atMs,
    );
    if (holeMs <= Math.max(MIN_HOLE_MS, before.durationMs / 2) || holeMs > elapsedMs + CLOCK_SLACK_MS)
      return null;
    return { fromMs, toMs: after.dateMs };
  }

  #remember(fragment: Fragment): void {
    const { dateMs, durationMs, receivedAtMs } = fragment;
    this.#isLost = dateMs === null || !this.#options.isDated(fragment);
    if (dateMs === null || this.#isLost) return;
    if (this.#newest !== undefined && dateMs < this.#newest.dateMs) return;
    this.#newest = { dateMs, durationMs, receivedAtMs, atMs: this.#options.clock.monotonic() };
  }

  /** Yields what the recording has of a hole; returns what `after` still has to say of it. */
  async *#fill(
    hole: Hole,
    after: Fragment,
    signal: AbortSignal,
  ): AsyncGenerator<Fragment, LostFragments | null> {
    const { maxMs, clock, logger, cameraId } = this.#options;
    const cause = after.lost?.cause ?? 'outage';
    const beginMs = Math.max(hole.fromMs, hole.toMs - maxMs);
    // How long the part is that is left out, the dates tell.
    let cut: LostFragments | null = beginMs > hole.fromMs ? { count: 0, ms: 0, cause } : null;
    const found = { fragments: 0, ms: 0, fromMs: 0, toMs: beginMs };
    logger.info(
      `${cameraId}: reading ${Math.round(hole.toMs - beginMs)} ms that were missed from the recording`,
    );
    let rest: LostFragments | null | undefined;
    for (let tries = 0; tries < MAX_TRIES && rest === undefined; tries++) {
      try {
        if (tries > 0) await sleep(clock, RETRY_MS, signal);
        const fragments = this.#read({ fromMs: found.toMs, toMs: hole.toMs }, signal);
        for (;;) {
          const { value, done } = await fragments.next();
          if (done) {
            rest = value;
            break;
          }
          if (found.fragments === 0) found.fromMs = value.dateMs;
          found.fragments += 1;
          found.ms += value.durationMs;
          found.toMs = value.dateMs + value.durationMs;
          tries = 0;
          this.#remember(value);
          yield cut === null ? value : { ...value, lost: cut };
          cut = null;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof FrameSourceError)) throw error;
        if (error.code === 'KVS_EMPTY_RANGE') {
          rest = null;
          break;
        }
        logger.warn(`${cameraId}: the recording could not be read: ${error.message}`);
        this.#options.onError(error);
        // What waiting mends may be mended by now; for the rest the live stream must not wait.
        if (!['network', 'media', 'expired'].includes(classify(error))) break;
      }
    }
    if (found.fragments > 0) {
      const { fragments, ms, fromMs, toMs } = found;
      this.#options.onRecovered({ cause, fromMs, toMs, ms, fragments });
    }
    // Of a hole that was read in part, only the dates tell the rest.
    if (rest === undefined) return found.fragments === 0 ? after.lost : { count: 0, ms: 0, cause };
    if (rest === null && cut === null) this.#options.onSilence();
    return rest ?? cut;
  }

  /** The recorded fragments that begin in a stretch; returns what is lost behind the last of them. */
  async *#read(
    { fromMs, toMs }: Hole,
    signal: AbortSignal,
  ): AsyncGenerator<Fragment & { dateMs: number }, LostFragments | null> {
    const { listLength } = this.#options;
    const archive = this.#options.openArchive();
    try {
      let nextMs = fromMs;
      for (;;) {
        const fragments = archive.run(await this.#acquire(nextMs, toMs, signal), signal);
        let count = 0;
        for (;;) {
          const { value, done } = await fragments.next();
          if (done) {
            // A list may end before the stretch does: it holds only so many fragments.
            if (count < listLength || nextMs >= toMs) return value;
            break;
          }
          count += 1;
          const { dateMs, durationMs } = value;
          if (dateMs === null || dateMs >= toMs || dateMs < nextMs - durationMs / 2) continue;
          nextMs = dateMs + durationMs;
          // When the recording is read tells nothing of when it was made.
          yield { ...value, dateMs, elapsedMs: null };
        }
      }
    } finally {
      await archive.close();
    }
  }

  async #acquire(fromMs: number, toMs: number, signal: AbortSignal): Promise<Session> {
    const { clock, provider } = this.#options;
    const tooLong = (): Error =>
      new KvsConnectionError('KVS_THROTTLED', `No session for the recording within ${ACQUIRE_MS} ms`);
    using limit = deadline(clock, ACQUIRE_MS, tooLong, signal);
    // Dates are rounded: the first fragment may be dated 1 ms before the end of the one before it.
    return await provider.acquire({ signal: limit.signal, range: { fromMs: Math.floor(fromMs) - 1, toMs } });
  }
}
