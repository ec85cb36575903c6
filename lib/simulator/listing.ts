import type { InitSection } from './mp4-init.js';
import type { FragmentStore, StoredFragment } from './fragment-store.js';
import type { SessionParameters } from './session-parameters.js';

/** One entry of a session's media playlist. */
export interface ListedFragment {
  readonly fragment: StoredFragment;
  /** Text of `FragmentNumber` in its URL. */
  readonly number: string;
  /** Media sequence number. */
  readonly sequence: number;
  /** Which of the session's init sections it needs. */
  readonly initSequence: number;
  /** Start by the session's choice of timestamps, Unix ms with fractions. */
  readonly startMs: number;
  /** It does not go on where the entry before it ended, or needs another init section. */
  readonly isDiscontinuous: boolean;
}

/** What a media playlist shows at one moment. */
export interface ListingWindow {
  readonly entries: readonly ListedFragment[];
  /** Nothing will follow. */
  readonly isComplete: boolean;
  /** Longest fragment the session has listed so far, in ms. */
  readonly longestMs: number;
}

/** Above this, two neighbouring fragments don't join (AWS's figure for ON_DISCONTINUITY). */
const joinToleranceMs = 50;
/** A playlist of recorded media starts here, as captured ON_DEMAND playlists do; live ones start at 0. */
const firstRecordedSequence = 1;

/**
 * The fragments of one session, in the order and with the numbers that the session gave them once and
 * for all.
 */
export class Listing {
  readonly #store: FragmentStore;
  readonly #parameters: SessionParameters;
  readonly #realNumbers: boolean;
  readonly #inits: InitSection[] = [];
  #entries: ListedFragment[] = [];
  #count = 0;
  #lastIndex = -1;
  #last: ListedFragment | null = null;
  #first: ListedFragment | null = null;
  #longestMs = 0;
  /** LIVE_REPLAY: clock time of the first load, and media time listed since. */
  #startedAtMs: number | null = null;
  #pacedMs = 0;

  /** @param liveNumbers what `FragmentNumber` is outside ON_DEMAND: counted in the session, or KVS's own */
  constructor(store: FragmentStore, parameters: SessionParameters, liveNumbers: 'session' | 'global') {
    this.#store = store;
    this.#parameters = parameters;
    this.#realNumbers = liveNumbers === 'global' || parameters.playbackMode === 'ON_DEMAND';
  }

  /** The first fragment that the session listed; `null` before its first playlist. */
  get first(): ListedFragment | null {
    return this.#first;
  }

  /** An init section by its number; without one, the newest. */
  init(initSequence: number | null): InitSection | undefined {
    return initSequence === null ? this.#inits.at(-1) : this.#inits[initSequence];
  }

  /** An entry by its `FragmentNumber`, also after it left the window, while its fragment is kept. */
  find(number: string): ListedFragment | undefined {
    return this.#entries.find((entry) => entry.number === number && this.#store.has(entry.fragment));
  }

  /** Brings the listing up to date and answers what the media playlist shows. */
  window(nowMs: number): ListingWindow {
    const { maxFragments, playbackMode } = this.#parameters;
    if (playbackMode === 'LIVE') this.#followLive(nowMs);
    else if (playbackMode === 'LIVE_REPLAY') this.#followReplay(nowMs);
    else if (this.#count === 0) this.#append(this.inRange(nowMs).slice(0, maxFragments));
    this.prune(false);
    return {
      entries: this.#entries.slice(-maxFragments),
      isComplete: playbackMode === 'ON_DEMAND' || this.#replayIsOver(nowMs),
      longestMs: this.#longestMs,
    };
  }

  /** What the media playlist of a live session showed at a time past, as far as its fragments are kept. */
  asOf(pastMs: number): ListingWindow {
    const entries = this.#entries.filter((entry) => entry.fragment.visibleAtMs <= pastMs);
    return {
      entries: entries.slice(-this.#parameters.maxFragments),
      isComplete: false,
      longestMs: this.#longestMs,
    };
  }

  /** Lets go of fragments that the stream no longer keeps, or of all when the session is over. */
  prune(isOver: boolean): void {
    this.#entries = this.#entries.filter((entry) => !isOver && this.#store.has(entry.fragment));
  }

  /** The visible fragments that the request selects, by start, each producer time once. */
  inRange(nowMs: number): StoredFragment[] {
    const { startMs, endMs, timestamps } = this.#parameters;
    const chosen = this.#store.visible(nowMs).filter((fragment) => {
      const start = this.#startOf(fragment);
      return start >= (startMs ?? -Infinity) && start <= (endMs ?? Infinity);
    });
    if (timestamps === 'SERVER_TIMESTAMP') return chosen;
    const newest = new Map(chosen.map((fragment) => [Math.round(fragment.producerMs), fragment]));
    return [...newest.values()].sort((a, b) => a.producerMs - b.producerMs);
  }

  #followLive(nowMs: number): void {
    const visible = this.#store.visible(nowMs).filter((fragment) => fragment.index > this.#lastIndex);
    this.#append(this.#count === 0 ? visible.slice(-this.#parameters.maxFragments) : visible);
  }

  /**
   * Starts with as many fragments as the playlist may hold, then adds one whenever as much time has gone by as it
   * lasts, into the live ones if there is no end. (Documented only as "added as the duration of the next
   * fragment elapses"; the length of the start is our reading.)
   */
  #followReplay(nowMs: number): void {
    const pending = this.inRange(nowMs).filter((fragment) => fragment.index > this.#lastIndex);
    if (this.#startedAtMs === null) {
      this.#startedAtMs = nowMs;
      this.#append(pending.splice(0, this.#parameters.maxFragments));
    }
    for (const fragment of pending) {
      if (this.#pacedMs + fragment.durationMs > nowMs - this.#startedAtMs) return;
      this.#pacedMs += fragment.durationMs;
      this.#append([fragment]);
    }
  }

  #replayIsOver(nowMs: number): boolean {
    const { endMs } = this.#parameters;
    if (endMs === null || endMs > nowMs) return false;
    return !this.#store.all.some(
      (fragment) => fragment.index > this.#lastIndex && this.#startOf(fragment) <= endMs,
    );
  }

  #append(fragments: readonly StoredFragment[]): void {
    const firstSequence = this.#parameters.playbackMode === 'ON_DEMAND' ? firstRecordedSequence : 0;
    for (const fragment of fragments) {
      // A live session counts what the stream took in, also what left it before the session looked.
      if (this.#parameters.playbackMode === 'LIVE' && this.#first !== null) {
        this.#count = fragment.index - this.#first.fragment.index;
      }
      let initSequence = this.#inits.findLastIndex((init) => init.bytes.equals(fragment.init.bytes));
      if (initSequence < 0) initSequence = this.#inits.push(fragment.init) - 1;
      const startMs = this.#startOf(fragment);
      const last = this.#last;
      const jumpMs = last === null ? 0 : startMs - (last.startMs + last.fragment.durationMs);
      const entry: ListedFragment = {
        fragment,
        number: this.#realNumbers ? fragment.number : String(this.#count),
        sequence: firstSequence + this.#count,
        initSequence,
        startMs,
        isDiscontinuous:
          last !== null && (initSequence !== last.initSequence || Math.abs(jumpMs) > joinToleranceMs),
      };
      this.#entries.push(entry);
      this.#count += 1;
      this.#lastIndex = Math.max(this.#lastIndex, fragment.index);
      this.#last = entry;
      this.#first ??= entry;
      this.#longestMs = Math.max(this.#longestMs, fragment.durationMs);
    }
  }

  #startOf(fragment: StoredFragment): number {
    return this.#parameters.timestamps === 'PRODUCER_TIMESTAMP' ? fragment.producerMs : fragment.serverMs;
  }
}
