import type { Clock } from '../clock.js';
import { HlsStreamError, type FrameSourceError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Session } from '../session/provider.js';
import { checkFragment } from './boxes.js';
import { canTakeOver, place, type Placement, type Position, type StartRule } from './cursor.js';
import type { Fragment } from './fragment.js';
import { InitCache } from './init-cache.js';
import type { Loader } from './loader.js';
import type { ListedFragment } from './playlist.js';
import { Track, type TrackDependencies } from './track.js';
import type { VariantLimits } from './variant.js';

/** A fragment that is given up, for the ledger of what was lost. */
export interface SkippedFragment {
  sessionId: number;
  sequence: number;
  dateMs: number | null;
  durationMs: number;
  /** Why, or `null` if the playlist itself says that it is missing (`EXT-X-GAP`). */
  error: FrameSourceError | null;
}

/** News for metrics and logs; none of them may throw. */
export interface FollowerHooks {
  /** A listed fragment is given up; the next one handed over counts it in `missed`. */
  onSkip?: (skipped: SkippedFragment) => void;
  /** A media playlist was read. */
  onPlaylist?: TrackDependencies['onPlaylist'];
}

export interface FollowerOptions extends VariantLimits {
  loader: Loader;
  clock: Clock;
  logger: Logger;
  /** Spreads pauses; answers 0 ≤ n < 1. */
  random: () => number;
  /**
   * Fragments before the newest at which a live list is entered. Default 0: the newest whole fragment. More only
   * makes the first frames older; nothing is gained in continuity, since nothing is played to a clock.
   */
  startFragmentsBehind?: number;
  /** Fragment requests a second and session, at most. KVS allows 20. Default: no limit. */
  fragmentsPerSecond?: number;
  /** Where another follower of the same stream was: this one goes on behind it. Default `null`: enters the list afresh. */
  position?: Position | null;
  /** `beginning` enters a list at its first fragment (LIVE_REPLAY). Lists that have ended always are. Default `edge`. */
  startAt?: StartRule['at'];
  hooks?: FollowerHooks;
}

/** Fragments skipped in a row after which the session, not the fragment, is at fault. */
const MAX_SKIPPED = 3;

/** A session that waits to take over, and what ends its wait. */
interface Candidate {
  track: Track;
  stop: AbortController;
}

/** A fragment taken from a list, with what is needed to put it back. */
interface Taken {
  entry: ListedFragment;
  position: Position;
  before: Position | null;
  placed: Placement;
}

interface Fetched {
  fragment: Fragment;
  position: Position;
}

/** Whether only this fragment is affected: it is gone, or its bytes are no good. */
function isFragmentsOwnFault(error: unknown): error is HlsStreamError {
  if (!(error instanceof HlsStreamError)) return false;
  if (error.code === 'HLS_STATUS') return error.status === 404 || error.status === 410;
  return error.code === 'HLS_TRUNCATED' || error.code === 'HLS_TOO_LARGE';
}

/** KVS's number, as text: it does not fit a double. */
function fragmentNumber(url: string): string | null {
  const number = new URL(url).searchParams.get('FragmentNumber');
  return number !== null && /^\d{1,128}$/.test(number) ? number : null;
}

function linked(...parents: AbortSignal[]): { controller: AbortController; unlink: () => void } {
  const controller = new AbortController();
  const onAbort = (event: Event): void => controller.abort((event.target as AbortSignal).reason);
  for (const parent of parents) {
    if (parent.aborted) controller.abort(parent.reason);
    parent.addEventListener('abort', onAbort, { once: true });
  }
  const unlink = (): void => parents.forEach((parent) => parent.removeEventListener('abort', onAbort));
  return { controller, unlink };
}

/**
 * Follows the playlists of one session after another and yields every fragment once and in order.
 *
 * It remembers the last fragment it handed over. In a later session (whose numbers begin afresh) that fragment is
 * found by its date, so sessions join without loss or repetition as far as their lists overlap.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #trackWith: TrackDependencies;
  readonly #start: StartRule;
  readonly #inits: InitCache;
  /** Last fragment handed over: survives failed sessions. */
  #handed: Position | null;
  /** Last fragment taken from a list: at most one ahead of `#handed`. */
  #taken: Position | null = null;
  #track: Track | null = null;
  #placed: Placement = { index: 0, missed: 0, broken: false, by: 'start' };
  /** Fragments given up since the last that was fetched: all of them, those that came damaged, those whose request failed. */
  #lost = { count: 0, damaged: 0, inRow: 0 };
  #candidate: Candidate | null = null;
  #running: AbortController | null = null;

  constructor(options: FollowerOptions) {
    const { loader, clock, logger, random, maxHeight, maxBandwidth } = options;
    this.#options = options;
    const limits = {
      ...(maxHeight !== undefined && { maxHeight }),
      ...(maxBandwidth !== undefined && { maxBandwidth }),
    };
    const onPlaylist = options.hooks?.onPlaylist;
    const fragmentsPerSecond = options.fragmentsPerSecond ?? Infinity;
    this.#trackWith = {
      loader,
      clock,
      logger,
      random,
      limits,
      fragmentsPerSecond,
      ...(onPlaylist && { onPlaylist }),
    };
    this.#start = { fragmentsBehind: options.startFragmentsBehind ?? 0, at: options.startAt ?? 'edge' };
    this.#inits = new InitCache(loader);
    this.#handed = options.position ?? null;
  }

  /** The last fragment handed over: all that another follower needs to go on. */
  get position(): Position | null {
    return this.#handed;
  }

  /**
   * Yields fragments until the list ends. While the consumer works on one, the next is being fetched. After a throw it
   * may be called again, with the same or a new session, and goes on where it was.
   *
   * @throws HlsStreamError when the session is of no more use; the signal's reason once it is aborted
   */
  async *run(session: Session, signal: AbortSignal): AsyncGenerator<Fragment, void, undefined> {
    if (this.#running !== null) throw new Error('Follower is running already');
    const { controller, unlink } = linked(signal);
    this.#running = controller;
    try {
      this.#taken = this.#handed;
      this.#inits.distrust();
      this.#lost = { count: 0, damaged: 0, inRow: 0 };
      const track = new Track(session, this.#trackWith);
      await track.open(controller.signal);
      this.#adopt(track);
      let ahead = this.#next(controller.signal);
      for (;;) {
        const taken = await ahead;
        if (taken === null) return;
        ahead = this.#next(controller.signal);
        // Its failure is seen when it is awaited, after the consumer is done with this one.
        ahead.catch(() => {});
        this.#handed = taken.position;
        yield taken.fragment;
      }
    } finally {
      controller.abort(new Error('The follower has ended'));
      unlink();
      this.#running = null;
      this.#track = null;
    }
  }

  /**
   * Lets another session take over from the running one: opens it while the old one plays, waits until both lists
   * overlap, then switches. If the old one fails meanwhile, the new one takes over as it stands.
   *
   * @returns once the new session is being followed
   * @throws HlsStreamError if the new session can't be opened or followed; the old one goes on
   */
  async offer(session: Session, signal: AbortSignal): Promise<void> {
    if (this.#running === null) throw new Error('Nothing is running that a session could take over from');
    if (this.#candidate !== null) throw new Error('Another session waits to take over already');
    const track = new Track(session, this.#trackWith);
    const { controller, unlink } = linked(signal, this.#running.signal);
    this.#candidate = { track, stop: controller };
    try {
      await track.open(controller.signal);
      while (this.#track !== track) {
        if (this.#track !== null && canTakeOver(track.list, session.url, this.#taken)) {
          this.#adopt(track);
          return;
        }
        await track.advance(controller.signal);
      }
    } catch (error) {
      if (this.#track !== track) throw error;
    } finally {
      unlink();
      this.#candidate = null;
    }
  }

  /** Makes a track the one that is followed. */
  #adopt(track: Track): void {
    const old = this.#track;
    this.#track = track;
    this.#locate();
    if (this.#placed.by === 'edge') {
      this.#options.logger.warn(
        `Session ${track.session.id} has nothing in common with the last fragment; continuing where it stands`,
      );
    }
    this.#options.logger.debug(
      `Following session ${track.session.id} from fragment ${this.#placed.index} of its list`,
    );
    old?.retire();
  }

  /** The old session is of no more use: whether one that was offered takes over. */
  #replace(track: Track, error: unknown): boolean {
    if (this.#track !== track) return true;
    const candidate = this.#candidate;
    if (candidate === null || !candidate.track.isOpen) return false;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.logger.info(`Session ${track.session.id} failed while being replaced: ${reason}`);
    this.#adopt(candidate.track);
    candidate.stop.abort(new Error('This session has taken over'));
    return true;
  }

  #locate(): void {
    const { list, session } = this.#track!;
    this.#placed = place(list, session.url, this.#taken, this.#start);
  }

  /** The next fragment, fetched; `null` at the end of the list. */
  async #next(signal: AbortSignal): Promise<Fetched | null> {
    for (;;) {
      signal.throwIfAborted();
      const track = this.#track!;
      const taken = this.#take(track);
      try {
        if (taken !== null) {
          const fragment = await this.#fetch(track, taken, signal);
          this.#lost = { count: 0, damaged: 0, inRow: 0 };
          return { fragment, position: taken.position };
        }
        if (track.list.ended) return null;
        await track.advance(signal);
        if (this.#track === track) this.#locate();
      } catch (error) {
        signal.throwIfAborted();
        if (taken !== null) this.#putBack(taken);
        if (this.#track !== track) continue;
        if (taken !== null && isFragmentsOwnFault(error)) await this.#giveUp(track, taken, error, signal);
        else if (!this.#replace(track, error)) throw error;
      }
    }
  }

  /** Takes what comes next from the list; `null` if it is not listed yet. */
  #take(track: Track): Taken | null {
    const { list, session } = track;
    for (;;) {
      const placed = this.#placed;
      const entry = list.fragments[placed.index];
      if (entry === undefined) return null;
      const before = this.#taken;
      const { sequence, dateMs, durationMs } = entry;
      const position = { feed: session.url, sequence, dateMs, durationMs, windowStart: list.mediaSequence };
      this.#taken = position;
      this.#placed = { index: placed.index + 1, missed: 0, broken: false, by: 'sequence' };
      const taken = { entry, position, before, placed };
      if (!entry.gap) return taken;
      this.#skip(track, taken, null);
    }
  }

  #putBack(taken: Taken): void {
    this.#taken = taken.before;
    this.#locate();
  }

  /** A fragment can't be had: skips it, unless the list no longer has it or it is one of too many. */
  async #giveUp(track: Track, taken: Taken, error: HlsStreamError, signal: AbortSignal): Promise<void> {
    const isGone = error.code === 'HLS_STATUS';
    if (isGone && !track.list.ended) {
      try {
        await track.refresh(signal);
      } catch (listError) {
        signal.throwIfAborted();
        if (!this.#replace(track, listError)) throw listError;
      }
      if (this.#track !== track) return;
      this.#locate();
    }
    const next = track.list.fragments[this.#placed.index];
    if (next?.sequence !== taken.entry.sequence) return;
    if (++this.#lost.inRow > MAX_SKIPPED) {
      if (this.#replace(track, error)) return;
      throw error;
    }
    const again = this.#take(track);
    if (again !== null) this.#skip(track, again, error);
  }

  #skip(track: Track, taken: Taken, error: HlsStreamError | null): void {
    this.#lost.count += taken.placed.missed + 1;
    if (error !== null && error.code !== 'HLS_STATUS') this.#lost.damaged += 1;
    const { sequence, dateMs, durationMs } = taken.entry;
    this.#options.logger.warn(
      `Fragment ${sequence} of session ${track.session.id} is lost: ${error?.message ?? 'EXT-X-GAP'}`,
    );
    this.#options.hooks?.onSkip?.({ sessionId: track.session.id, sequence, dateMs, durationMs, error });
  }

  async #fetch(track: Track, { entry, placed }: Taken, signal: AbortSignal): Promise<Fragment> {
    const { loader, clock } = this.#options;
    const { origin, session } = track;
    const { controller, unlink } = linked(signal);
    let container = entry.container;
    const check = (bytes: Uint8Array): void => {
      container = checkFragment(bytes);
    };
    try {
      await track.admitFragment(controller.signal);
      if (entry.discontinuity || placed.broken) this.#inits.distrust();
      const [init, { bytes: media }] = await Promise.all([
        entry.init === null ? null : this.#inits.get(entry.init, origin, controller.signal),
        loader.load({
          url: entry.url,
          byteRange: entry.byteRange,
          kind: 'fragment',
          origin,
          signal: controller.signal,
          check,
        }),
      ]);
      if (container === 'fmp4' && init === null) {
        throw new HlsStreamError(
          'HLS_UNSUPPORTED',
          'Fragments are fMP4, but the playlist names no init section (EXT-X-MAP)',
          {
            resource: 'playlist',
          },
        );
      }
      const missed = placed.missed + this.#lost.count;
      return {
        container,
        init: container === 'fmp4' ? init : null,
        media,
        dateMs: entry.dateMs,
        durationMs: entry.durationMs,
        sequence: entry.sequence,
        number: fragmentNumber(entry.url),
        sessionId: session.id,
        discontinuity: entry.discontinuity || placed.broken || missed > 0,
        missed,
        damaged: this.#lost.damaged,
        receivedAtMs: clock.now(),
      };
    } finally {
      unlink();
      // Where one of the two failed, the other is of no use.
      controller.abort(new Error('Not needed any more'));
    }
  }
}
