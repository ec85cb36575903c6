import type { FrameSourceError } from '../errors.js';
import type { Session } from '../session/provider.js';
import { Bookmark, type Taken } from './bookmark.js';
import type { Position } from './cursor.js';
import { mediaDigest } from './digest.js';
import { isTransientPoll } from './failure.js';
import type { FragmentName } from './follower-messages.js';
import type { FollowerOptions } from './follower-options.js';
import {
  fetchAgain,
  FragmentFetch,
  TooSlow,
  type FetchDependencies,
  type HandedFragment,
} from './fragment-fetch.js';
import type { Fragment, FragmentBytes, LostFragments } from './fragment.js';
import { InitCache } from './init-cache.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { linked } from './linked.js';
import { sumOf, withLoss } from './losses.js';
import { fetchedAt, isRepeat, type Mark } from './mark.js';
import { mediaStartMs } from './media-time.js';
import { UNKNOWN_STALL_LIMIT_MS } from './rhythm.js';
import { elapsedMs, notBeforeMs } from './sightings.js';
import { SkipRow } from './skip-row.js';
import { Succession } from './succession.js';
import { Track, type TrackDependencies } from './track.js';
import { VariantChoice } from './variant-choice.js';
import { VariantSwitch } from './variant-switch.js';

/** Fragments handed over that can be fetched again. */
const MAX_RECENT = 8;
interface Fetched {
  fragment: Fragment;
  mark: Mark;
  source: HandedFragment;
}

/** KVS's number, as text: it does not fit a double. */
function fragmentNumber(url: string): string | null {
  const number = new URL(url).searchParams.get('FragmentNumber');
  return number !== null && /^\d{1,128}$/.test(number) ? number : null;
}

/**
 * Follows the playlists of one session after another and yields every fragment once and in order.
 *
 * It remembers the last fragment it handed over. In a later session (whose numbers begin afresh) that fragment is
 * found by its date, or else by what it holds, so sessions join without loss or repetition as far as their lists overlap.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #trackWith: TrackDependencies;
  readonly #fetchWith: FetchDependencies;
  readonly #inits: InitCache;
  readonly #bookmark: Bookmark;
  /** Last fragment handed over. */
  #handed: Position | null;
  /** Where the next run goes on: behind the last fragment handed over and those given up since. */
  #resume: Mark;
  #fetching: FragmentFetch | null = null;
  /**
   * When the session was asked for the first fragment of a row that left the list one after another because requests for
   * them failed, monotonic; `null` while there is no such row: if it brings them, gives them up, or has nothing listed.
   */
  #askedSinceMs: number | null = null;
  /** A fragment is taken, and neither fetched nor put back yet. */
  #isUnderWay = false;
  readonly #skips = new SkipRow();
  #recent: HandedFragment[] = [];
  readonly #succession: Succession;
  readonly #variants: VariantSwitch;
  #running: AbortController | null = null;
  #floorMs = -Infinity;

  constructor(options: FollowerOptions) {
    const { loader, clock, logger, random, fragmentsPerSecond = Infinity } = options;
    this.#options = options;
    const choice = new VariantChoice();
    const { onPlaylist, onDownload } = options.hooks ?? {};
    const { maxPlaylistEntries, maxQueuedBytes } = options.limits ?? DEFAULT_LIMITS;
    const told = { choice, fragmentsPerSecond, onPlaylist, variantLimits: options, maxPlaylistEntries };
    this.#trackWith = { loader, clock, logger, random, ...told };
    this.#inits = new InitCache(loader);
    this.#fetchWith = { loader, inits: this.#inits, clock, random, maxKeptBytes: maxQueuedBytes, onDownload };
    const start = { fragmentsBehind: options.startFragmentsBehind ?? 0, at: options.startAt ?? 'edge' };
    this.#handed = options.position ?? null;
    this.#bookmark = new Bookmark(start, this.#handed, this.#fetchWith);
    this.#resume = this.#bookmark.at;
    this.#variants = new VariantSwitch(choice, this.#bookmark, clock);
    this.#succession = new Succession({
      bookmark: this.#bookmark,
      trackWith: this.#trackWith,
      adopt: (track) => this.#adopt(track),
      isUnderWay: () => this.#isUnderWay,
    });
  }

  /**
   * From now on fragments that end before `dateMs` (Unix ms) are not fetched any more, but counted as lost to `policy`; those
   * without a date are, and so is the newest of a live list: whoever sets the floor learns by it that a clock was set. `-Infinity`: all are fetched, as at first.
   */
  setFloor(dateMs: number): void {
    this.#floorMs = dateMs;
  }

  /** The last fragment handed over: all that another follower needs to go on. */
  get position(): Position | null {
    return this.#handed;
  }

  /** How long the session in use may list nothing new until `HLS_STALLED`, in ms; 30,000 while none is followed. */
  get stallLimitMs(): number {
    return this.#bookmark.track?.stallLimitMs ?? UNKNOWN_STALL_LIMIT_MS;
  }

  /**
   * Yields fragments until the list ends. While the consumer works on one, the next is being fetched. After a throw it
   * may be called again, with the same or a new session, and goes on where it was.
   *
   * @returns what is lost behind the last fragment; `null` if nothing is. If it is called again after all, the first
   *   fragment of that run tells it once more
   * @throws HlsStreamError when the session is of no more use; the signal's reason once it is aborted
   */
  async *run(
    session: Session,
    signal: AbortSignal,
  ): AsyncGenerator<Fragment, LostFragments | null, undefined> {
    if (this.#running !== null) throw new Error('Follower is running already');
    const { controller, unlink } = linked(signal);
    this.#running = controller;
    try {
      this.#bookmark.close(this.#resume);
      this.#inits.distrust();
      const track = new Track(session, this.#trackWith);
      await track.open(controller.signal);
      await this.#bookmark.examine(track, controller.signal);
      this.#adopt(track);
      let ahead = this.#next(controller.signal);
      for (;;) {
        const fetched = await ahead;
        if (fetched === null) {
          this.#resume = this.#bookmark.at;
          return sumOf(this.#resume.lost);
        }
        // Before the next is looked for: what is given up from here on comes behind this one.
        this.#resume = fetched.mark;
        this.#handed = fetched.mark.position;
        this.#recent = [...this.#recent, fetched.source].slice(-MAX_RECENT);
        ahead = this.#next(controller.signal);
        // Its failure is seen when it is awaited, after the consumer is done with this one.
        ahead.catch(() => {});
        yield fetched.fragment;
      }
    } finally {
      controller.abort(new Error('The follower has ended'));
      unlink();
      this.#running = null;
      this.#bookmark.close(this.#resume);
      this.#fetching = null;
      this.#isUnderWay = false;
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
    return this.#succession.offer(session, signal, this.#running.signal);
  }

  /**
   * Fetches one of the last {@link MAX_RECENT} fragments handed over once more, with its init section, past all caches.
   * One try of at most 10 s.
   *
   * @returns `null` if they can't be had any more
   * @throws the signal's reason once it is aborted
   */
  async again(of: FragmentName, signal: AbortSignal): Promise<FragmentBytes | null> {
    const handed = this.#recent.findLast(
      ({ track, entry }) =>
        track.session.id === of.sessionId &&
        entry.sequence === of.sequence &&
        (of.dateMs === undefined || entry.dateMs === of.dateMs),
    );
    return handed === undefined ? null : fetchAgain(handed, this.#options, signal);
  }

  /** Makes a track the one that is followed. */
  #adopt(track: Track, why = 'another session'): void {
    const old = this.#bookmark.track;
    this.#bookmark.moveTo(track);
    this.#skips.onSession();
    this.#askedSinceMs = null;
    track.variants.use(why);
    if (this.#bookmark.by === 'edge') {
      this.#options.logger.warn(
        `Session ${track.session.id} has nothing in common with the last fragment; continuing where it stands`,
      );
    }
    this.#options.logger.debug(
      `Following session ${track.session.id}, its place found by ${this.#bookmark.by}`,
    );
    old?.retire();
  }

  /** A track is of no more use: whether a session that was offered, or else another variant, takes over. */
  async #replace(track: Track, error: unknown, signal: AbortSignal): Promise<boolean> {
    if (await this.#succession.replace(track, error, signal)) return true;
    const other = await this.#variants.instead(track, error, signal);
    if (this.#bookmark.track !== track) return true;
    if (other !== null) this.#adopt(other.track, other.why);
    return other !== null;
  }

  /** The next fragment, fetched; `null` at the end of the list. */
  async #next(signal: AbortSignal): Promise<Fetched | null> {
    let isBoundary = true;
    for (;;) {
      signal.throwIfAborted();
      const track = this.#bookmark.track!;
      if (isBoundary) {
        isBoundary = false;
        if (await this.#changeVariant(track, signal)) continue;
      }
      const taken = this.#bookmark.take();
      if (taken !== null && this.#isPassedOver(track, taken)) continue;
      this.#isUnderWay = taken !== null;
      try {
        if (taken === null) {
          if (track.list.ended) return null;
          // A silence of the camera is none of the session.
          this.#askedSinceMs = null;
          await track.advance(signal);
          await this.#bookmark.follow(track, signal);
          continue;
        }
        const fetched = await this.#fetch(track, taken, signal);
        this.#isUnderWay = false;
        if (fetched !== null) return fetched;
      } catch (error) {
        signal.throwIfAborted();
        this.#isUnderWay = false;
        if (taken !== null) this.#bookmark.putBack(taken);
        if (this.#bookmark.track !== track) continue;
        isBoundary = error instanceof TooSlow;
        if (isBoundary) continue;
        if (taken !== null) await this.#onFailure(track, taken, error, signal);
        else if (!(await this.#replace(track, error, signal))) throw error;
      }
    }
  }

  /** Goes over to a variant that suits the bandwidth better, if there is one; not while another session is about to take over. */
  async #changeVariant(track: Track, signal: AbortSignal): Promise<boolean> {
    if (this.#succession.isPending) return false;
    const other = await this.#variants.better(track, signal);
    if (this.#bookmark.track !== track) return true;
    if (other !== null) this.#adopt(other.track, other.why);
    return other !== null;
  }

  /** Whether a fragment is not to be had, or not wanted any more. */
  #isPassedOver(track: Track, taken: Taken): boolean {
    const { gap, dateMs, durationMs } = taken.entry;
    if (gap) this.#skip(track, taken, null, 'window-slid');
    else if (dateMs === null || dateMs + durationMs >= this.#floorMs) return false;
    else if (this.#bookmark.isAtEnd && !track.list.ended) return false;
    else this.#skip(track, taken, null, 'policy');
    return true;
  }

  /** A fragment could not be had: waits, skips it, or throws, as the policy says. */
  async #onFailure(track: Track, taken: Taken, error: unknown, signal: AbortSignal): Promise<void> {
    const verdict = this.#fetching!.judge(error);
    if (verdict.kind === 'again') {
      await this.#beforeAgain(track, verdict, signal);
    } else if (verdict.kind === 'throw') {
      if (!(await this.#replace(track, error, signal))) throw error;
    } else {
      this.#askedSinceMs = null;
      const { isAtFault, rewind } = this.#skips.onGivenUp(verdict.cause, taken.before, track.list.ended);
      if (isAtFault) {
        if (rewind !== null) {
          this.#resume = rewind;
          this.#bookmark.rewind(rewind);
        }
        if (!(await this.#replace(track, error, signal))) throw error;
        return;
      }
      const again = this.#bookmark.take();
      if (again !== null) this.#skip(track, again, error as FrameSourceError, verdict.cause);
    }
  }

  /** Waits until a fragment may be asked for again, and looks whether it is still listed. */
  async #beforeAgain(
    track: Track,
    { afterMs, listFirst }: { afterMs: number; listFirst: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await track.pause(afterMs, signal);
      if (track.list.ended || !(listFirst || track.isDue)) return;
      await track.refresh(signal);
      await this.#bookmark.follow(track, signal);
    } catch (error) {
      signal.throwIfAborted();
      // How long this may go on is for the fragment's own tries to say.
      if (this.#bookmark.track !== track || isTransientPoll(error)) return;
      if (!(await this.#replace(track, error, signal))) throw error;
    }
  }

  #skip(track: Track, taken: Taken, error: FrameSourceError | null, cause: LostFragments['cause']): void {
    if (taken.entry.discontinuity) this.#inits.distrust();
    this.#bookmark.skip(taken, cause);
    this.#resume = this.#bookmark.at;
    const { sequence, dateMs, durationMs } = taken.entry;
    const [level, why] =
      cause === 'policy' && error === null
        ? (['debug', 'too old'] as const)
        : (['warn', 'EXT-X-GAP'] as const);
    this.#options.logger[level](
      `Fragment ${sequence} of session ${track.session.id} is lost: ${error?.message ?? why}`,
    );
    this.#options.hooks?.onSkip?.({ sessionId: track.session.id, sequence, dateMs, durationMs, error });
  }

  /** Tries to fetch a fragment; `null` if it is the one before, listed once more. */
  async #fetch(track: Track, taken: Taken, signal: AbortSignal): Promise<Fetched | null> {
    const { entry, placed, before, position } = taken;
    if (!this.#fetching?.isOf(track, entry)) {
      if (entry.discontinuity || placed.broken) this.#inits.distrust();
      const media = this.#bookmark.bytesOf(entry);
      // Fragments that leave the list one after another, none of them fetched, must not begin the session's time anew.
      this.#askedSinceMs ??= this.#options.clock.monotonic();
      this.#fetching = new FragmentFetch(track, entry, this.#fetchWith, media, this.#askedSinceMs);
    }
    const whole = await this.#fetching.load(signal);
    // A run that has ended meanwhile must not move on.
    signal.throwIfAborted();
    const { container, init, media } = whole;
    if (this.#bookmark.track === track && !this.#variants.isProved(taken, track, whole)) {
      this.#bookmark.putBack(taken);
      const back = await this.#variants.back(track, signal);
      if (back !== null && this.#bookmark.track === track) this.#adopt(back.track, back.why);
      return null;
    }
    this.#fetching = null;
    this.#askedSinceMs = null;
    this.#skips.onFetched();
    // Where fragments are told apart by their dates, it only has to tell a repetition.
    const digest = mediaDigest(media, container, entry.dateMs === null ? 'whole' : 'sampled');
    if (isRepeat(before, entry, digest)) {
      this.#options.logger.debug(
        `Fragment ${entry.sequence} of session ${track.session.id} repeats the last`,
      );
      this.#resume = { ...before, position, lost: withLoss(before.lost, taken.lost) };
      this.#bookmark.pass(this.#resume);
      return null;
    }
    const lost = sumOf(withLoss(before.lost, taken.lost));
    const isUnproved = placed.by === 'sibling' && this.#variants.isUnproved(track);
    const sighting = track.sightingOf(entry.sequence);
    const fragment: Fragment = {
      container,
      init,
      media,
      dateMs: entry.dateMs,
      durationMs: entry.durationMs,
      sequence: entry.sequence,
      number: fragmentNumber(entry.url),
      sessionId: track.session.id,
      variant: track.variants.info,
      discontinuity: entry.discontinuity || placed.broken || lost !== null || isUnproved,
      isAdjacent: taken.isAdjacent && lost === null,
      lost,
      elapsedMs: elapsedMs(before.notBeforeMs, sighting, track.list),
      receivedAtMs: this.#options.clock.now(),
    };
    const startMs = track.variants.areSeveral && entry.dateMs === null ? mediaStartMs(whole) : null;
    const seen = { sighting, notBeforeMs: notBeforeMs(before.notBeforeMs, sighting, track.list) };
    const mark = fetchedAt(before, position, digest, seen, startMs && startMs + entry.durationMs);
    this.#bookmark.pass(mark);
    return { fragment, mark, source: { track, entry } };
  }
}
