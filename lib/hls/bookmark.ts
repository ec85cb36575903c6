import {
  canTakeOver,
  isAdjacent,
  isInOrder,
  place,
  type Placement,
  type Position,
  type StartRule,
} from './cursor.js';
import type { FetchDependencies } from './fragment-fetch.js';
import type { LostFragments } from './fragment.js';
import { NO_LOSSES } from './losses.js';
import { BEGINNING, lossBefore, skippedAt, type Mark } from './mark.js';
import { Overlap } from './overlap.js';
import type { ListedFragment } from './playlist.js';
import type { Track } from './track.js';

/** A fragment taken from a list, with what is needed to put it back. */
export interface Taken {
  readonly entry: ListedFragment;
  readonly position: Position;
  readonly before: Mark;
  readonly placed: Placement;
  /** The list shows it right behind the one taken before. */
  readonly isAdjacent: boolean;
  /** What is lost right before it. */
  readonly lost: LostFragments | null;
}

function positionOf({ variants, list }: Track, { sequence, dateMs, durationMs }: ListedFragment): Position {
  const { mediaSequence: windowStart, fragments } = list;
  return { feed: variants.feed, sequence, dateMs, durationMs, windowStart, inOrder: isInOrder(fragments) };
}

/** How much further than time went by dates may be ahead, in ms: what a fragment needs to become visible varies. */
const CLOCK_SLACK_MS = 10_000;

/** Where reading stands: in which session's list, and what comes next there. */
export class Bookmark {
  readonly #start: StartRule;
  readonly #fetchWith: FetchDependencies;
  readonly #overlaps = new WeakMap<Track, Overlap>();
  #at: Mark;
  /** When the last fragment was taken, ms of the monotonic clock. */
  #takenAtMs = -Infinity;
  #track: Track | null = null;
  #placed: Placement = { index: 0, missed: 0, broken: false, by: 'start' };

  constructor(start: StartRule, position: Position | null, fetchWith: FetchDependencies) {
    this.#start = start;
    this.#fetchWith = fetchWith;
    this.#at = { ...BEGINNING, position };
  }

  /** Behind the last fragment that was taken. */
  get at(): Mark {
    return this.#at;
  }

  /** The session that is read; `null` while there is none. */
  get track(): Track | null {
    return this.#track;
  }

  /** How the place in its list was found. */
  get by(): Placement['by'] {
    return this.#placed.by;
  }

  /** Whether all that is listed has been taken. */
  get isAtEnd(): boolean {
    return this.#track?.list.fragments[this.#placed.index] === undefined;
  }

  /** Reading stops, or has not begun; it is to go on behind `at`. */
  close(at: Mark): void {
    this.#at = at;
    this.#leave();
  }

  /** Reading goes on in this session's list, behind what was taken. */
  moveTo(track: Track): void {
    this.#leave();
    this.#track = track;
    this.#locate();
  }

  /**
   * Whether that would neither lose nor repeat a fragment; `null` if nothing tells, not even what was looked at
   * ({@link examine}).
   */
  canMoveTo(track: Track): boolean | null {
    const can = canTakeOver(track.list, track.variants.feed, this.#at.position);
    if (can !== null) return can;
    const { kind } = this.#overlapOf(track).standing(this.#at.digests);
    return kind === 'unknown' ? null : kind === 'found';
  }

  /**
   * Whether the list of another variant goes on right behind what was taken, for all its numbers and dates tell: it lists the last
   * fragment, or begins where that ends.
   */
  joins(track: Track): boolean {
    const { position, lost } = this.#at;
    // What was given up may be there, and what comes next can't be compared with what came last.
    if (lost.length > 0) return false;
    if (canTakeOver(track.list, track.variants.feed, position) !== true) return false;
    return !this.#placeIn(track).broken;
  }

  /** Whether a list shows something that was not taken yet. */
  hasNextIn(track: Track): boolean {
    return track.list.fragments[this.#placeIn(track).index] !== undefined;
  }

  /** Looks at what the listed fragments hold, where nothing else tells what comes next. */
  async examine(track: Track, signal: AbortSignal): Promise<void> {
    if (!this.#isDoubtful(track, this.#placeIn(track)) || this.#at.digests.length === 0) return;
    await this.#overlapOf(track).examine(() => this.#at.digests, signal);
  }

  /** Finds what comes next after the list has changed. */
  async follow(track: Track, signal: AbortSignal): Promise<void> {
    if (this.#track === track) await this.examine(track, signal);
    if (this.#track === track) this.#locate();
  }

  /** Takes what comes next from the list; `null` if it is not listed yet. */
  take(): Taken | null {
    const track = this.#track!;
    const placed = this.#placed;
    const entry = track.list.fragments[placed.index];
    if (entry === undefined) return null;
    const before = this.#at;
    const position = positionOf(track, entry);
    this.#at = { ...before, position };
    this.#takenAtMs = this.#fetchWith.clock.monotonic();
    this.#placed = { index: placed.index + 1, missed: 0, broken: false, by: 'sequence' };
    return {
      entry,
      position,
      before,
      placed,
      isAdjacent: isAdjacent(track.list, placed, before.position),
      lost: lossBefore(before, track, entry, placed),
    };
  }

  /** It is to be taken again, from this session or another. */
  putBack({ before }: Taken): void {
    this.rewind(before);
  }

  /** Reading is to go on behind `at`, which was passed already. */
  rewind(at: Mark): void {
    this.#at = at;
    this.#locate();
  }

  /** It was fetched, or is known already. */
  pass(at: Mark): void {
    this.#at = at;
  }

  /** It is given up. */
  skip({ before, position, lost }: Taken, cause: LostFragments['cause']): void {
    this.#at = skippedAt(before, position, lost, cause);
  }

  /** The bytes of a listed fragment, if they were looked at to find the place. */
  bytesOf(entry: ListedFragment): Uint8Array | null {
    return this.#overlapOf(this.#track!).take(entry);
  }

  /** Nothing is taken from the list any more. What was fetched to find the place in it would live as long as its session. */
  #leave(): void {
    if (this.#track !== null) this.#overlaps.delete(this.#track);
    this.#track = null;
  }

  #overlapOf(track: Track): Overlap {
    const overlap = this.#overlaps.get(track) ?? new Overlap(track, this.#fetchWith);
    this.#overlaps.set(track, overlap);
    return overlap;
  }

  #placeIn({ list, variants }: Track): Placement {
    return place(list, variants.feed, this.#at.position, this.#start);
  }

  /**
   * Whether only what fragments hold can tell where to go on: neither numbers nor dates do; or all that is listed is dated further
   * ahead than time went by since the last fragment was taken, so that dates of two clocks are compared.
   */
  #isDoubtful({ list }: Track, { by, index }: Placement): boolean {
    if (by === 'edge') return true;
    const { position } = this.#at;
    const dateMs = list.fragments[0]?.dateMs ?? null;
    if (by !== 'date' || index !== 0 || list.ended || list.vod || dateMs === null) return false;
    if (position === null || position.dateMs === null) return false;
    const wentByMs = this.#fetchWith.clock.monotonic() - this.#takenAtMs;
    return dateMs - position.dateMs - position.durationMs > wentByMs + CLOCK_SLACK_MS;
  }

  #locate(): void {
    const track = this.#track!;
    const { list } = track;
    this.#placed = this.#placeIn(track);
    if (!this.#isDoubtful(track, this.#placed)) return;
    const standing = this.#overlapOf(track).standing(this.#at.digests);
    if (standing.kind === 'behind') {
      this.#placed = { index: list.fragments.length, missed: 0, broken: false, by: 'payload' };
    } else if (standing.kind === 'found') {
      // From here on the list's numbers tell. What was given up behind that fragment is listed again.
      const position = positionOf(track, list.fragments[standing.index]!);
      this.#at = { ...this.#at, position, lost: NO_LOSSES };
      this.#placed = { index: standing.index + 1, missed: 0, broken: false, by: 'payload' };
    }
  }
}
