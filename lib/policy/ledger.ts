import type { LostFragments } from '../hls/fragment.js';
import { dropCauses, newDropCounts, type DropCause, type DropTotals } from './drop.js';
import { folded, newEntry, restCause, type Entry, type LedgerFragment } from './ledger-entry.js';
import { addShare, largestShare, sumOfShares, type Shares } from './shares.js';
import { gapCauses, type Gap, type GapCause, type GapTotals } from './gap.js';

export type { LedgerFragment } from './ledger-entry.js';

/** A hole that was told, and how much of it nothing has filled. */
interface Told extends Gap {
  leftMs: number;
}

export interface LedgerOptions {
  /** Fragments are dated by when the server received them, so dates wander with the uplink. Default false. */
  isServerDated?: boolean;
}

/**
 * Two fragments join if the dates differ from the lengths by no more than this: KVS itself calls 50 ms a discontinuity
 * (kvs-hls §2.1), and a container does not always know how long a fragment's last picture lasts.
 */
const JOIN_MS = 50;
/** The same for dates of receipt, which wander with the uplink: or twice a fragment, if that is more. */
const SERVER_JOIN_MS = 2_000;
/** How much more than the host's clock the dates may advance before that is a clock that was set: what a fragment needs to become visible varies. */
const CLOCK_SLACK_MS = 1_000;
/** Dates further ahead of the host's clock than this, and by so much more than before, are those of a clock that was set. */
const AHEAD_MS = 60_000;
/** Fragments without a picture that are remembered one by one. */
const MAX_WAITING = 256;
/** Told holes that late media may still fill. */
const MAX_TOLD = 16;

function filledGap({ cause }: Gap, { dateMs }: LedgerFragment, ms: number): Gap {
  const toMs = dateMs === null ? null : dateMs + ms;
  return { cause, fromMs: dateMs, toMs, ms, fragments: 1, recovered: true };
}

/** Missing time inside a fragment counts from half a picture on. */
function ifPictures(ms: number, pictureMs: number): number {
  return ms > Math.max(1, pictureMs / 2) ? ms : 0;
}

/**
 * The account of one source's media time: each picture that comes out is put on the stream's time line, and what is
 * missing before it becomes one entry. So delivered media, drops and entries add up to the time line's length.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #totals: Record<GapCause, GapTotals>;
  readonly #drops = newDropCounts();
  /** In the decoder, with no picture out yet, oldest first. */
  readonly #waiting: Entry[] = [];
  /** The fragment the newest picture of the time line belongs to. */
  #current: Entry | undefined;
  /** A fragment that came after its time, and the hole it fills. */
  #late: { entry: Entry; hole: Told } | undefined;
  /** Dated holes, oldest first. */
  #told: Told[] = [];
  #isSilent = false;
  #deliveredMs = 0;
  #recoveredMs = 0;
  /** Of what was told as missing, what came late. */
  #filledMs = 0;

  constructor(options: LedgerOptions = {}) {
    this.#options = options;
    this.#totals = Object.fromEntries(gapCauses.map((cause) => [cause, { gaps: 0, ms: 0 }])) as Record<
      GapCause,
      GapTotals
    >;
  }

  /** Pictures that were there and were not handed over, by cause. */
  get drops(): Readonly<Record<DropCause, Readonly<DropTotals>>> {
    return this.#drops;
  }

  /** Media time of these, ms. */
  get droppedMs(): number {
    return dropCauses.reduce((total, cause) => total + this.#drops[cause].ms, 0);
  }

  /** Holes as they were told, by cause: these never fall, also if late media fills one. */
  get totals(): Readonly<Record<GapCause, Readonly<GapTotals>>> {
    return this.#totals;
  }

  /** How many holes were told, recovered ones not counted. */
  get gaps(): number {
    return gapCauses.reduce((total, cause) => total + this.#totals[cause].gaps, 0);
  }

  /** Media time that is missing, ms. */
  get gapMs(): number {
    return gapCauses.reduce((total, cause) => total + this.#totals[cause].ms, 0) - this.#filledMs;
  }

  /** Media time of the pictures that came out, ms. */
  get deliveredMs(): number {
    return this.#deliveredMs;
  }

  /** Media time that was missing at first and was had after all, ms. */
  get recoveredMs(): number {
    return this.#recoveredMs;
  }

  /** The stream was seen to be silent: what the dates leave out before the fragment pushed next, nobody has sent. */
  silence(): void {
    this.#isSilent = true;
  }

  /** The fragment was handed to the decoder, behind all those before. */
  push(fragment: LedgerFragment): void {
    this.#waiting.push(newEntry(fragment, this.#isSilent));
    this.#isSilent = false;
    if (this.#waiting.length <= MAX_WAITING) return;
    // Nobody needs a month of undecodable fragments one by one.
    const [first, second] = this.#waiting.splice(0, 2);
    if (first !== undefined && second !== undefined) this.#waiting.unshift(folded(first, second));
  }

  /** The decoder has read the whole fragment: its true length. */
  measured(fragment: LedgerFragment, durationMs: number): void {
    const entry = this.#find(fragment);
    if (entry !== undefined && durationMs > 0) entry.lengthMs = durationMs;
  }

  /** The fragment, or part of it, can't be used. */
  refused(fragment: LedgerFragment, cause: 'media' | 'format' | 'policy'): void {
    const entry = this.#find(fragment);
    if (entry !== undefined) entry.refused ??= cause;
  }

  /** A picture came out, in presentation order. Answers the hole right before it, or one that it begins to fill. */
  frame(fragment: LedgerFragment, offsetMs: number, durationMs: number): Gap | null {
    this.#deliveredMs += durationMs;
    const { gap, surplusMs } = this.#came(fragment, offsetMs, durationMs, durationMs);
    this.#deliveredMs -= surplusMs;
    return gap;
  }

  /** Pictures came in a row, and are not delivered; else as {@link Ledger.frame}. */
  dropped(
    fragment: LedgerFragment,
    offsetMs: number,
    durationMs: number,
    frames: number,
    cause: DropCause,
  ): Gap | null {
    const pictureMs = durationMs / frames;
    const { gap, surplusMs } = this.#came(fragment, offsetMs, durationMs, pictureMs);
    this.#drop({ frames, ms: durationMs - surplusMs }, cause);
    return gap;
  }

  /** Pictures that came out before are not delivered after all. */
  withdrawn(drop: DropTotals, cause: DropCause): void {
    this.#deliveredMs -= drop.ms;
    this.#drop(drop, cause);
  }

  #drop({ frames, ms }: DropTotals, cause: DropCause): void {
    this.#drops[cause].frames += frames;
    this.#drops[cause].ms += ms;
  }

  /**
   * Puts what lasts from `offsetMs` for `durationMs` on the time line. Answers the hole before it, and how much of it came
   * once more than was missing.
   */
  #came(
    fragment: LedgerFragment,
    offsetMs: number,
    durationMs: number,
    pictureMs: number,
  ): { gap: Gap | null; surplusMs: number } {
    if (this.#late?.entry.fragment === fragment) {
      return { gap: null, surplusMs: this.#fill(this.#late.hole, durationMs) };
    }
    const before = this.#current;
    if (before?.fragment === fragment) {
      const gap = this.#insideGap(before, offsetMs, pictureMs);
      before.endMs = Math.max(before.endMs, offsetMs + durationMs);
      return { gap, surplusMs: 0 };
    }
    const index = this.#waiting.findIndex((entry) => entry.fragment === fragment);
    const barren = this.#waiting.splice(0, Math.max(0, index));
    const entry = (index === -1 ? undefined : this.#waiting.shift()) ?? newEntry(fragment, false);
    const hole = this.#holeAround(entry);
    if (hole !== undefined) {
      this.#waiting.unshift(...barren);
      this.#late = { entry, hole };
      const toldMs = Math.min(entry.lengthMs, hole.leftMs);
      const surplusMs = this.#fill(hole, durationMs);
      return { gap: toldMs === 0 ? null : filledGap(hole, fragment, toldMs), surplusMs };
    }
    entry.endMs = offsetMs + durationMs;
    this.#current = entry;
    this.#late = undefined;
    const gap = before === undefined ? null : this.#gapBetween(before, barren, entry, offsetMs, pictureMs);
    return { gap: gap === null ? null : this.#enter(gap), surplusMs: 0 };
  }

  /** No picture follows; `lost` is what could not be fetched behind the last fragment. Answers the hole at the end. */
  end(lost: LostFragments | null): Gap | null {
    const { shares, fragments } = this.#missing(this.#current, this.#waiting.splice(0), 0);
    if (lost !== null) addShare(shares, lost.cause, lost.ms);
    const ms = sumOfShares(shares);
    if (ms === 0) return null;
    const fromMs = this.#endDate();
    const toMs = fromMs === null ? null : fromMs + ms;
    return this.#enter({
      cause: largestShare(shares),
      fromMs,
      toMs,
      ms,
      fragments: fragments + (lost?.count ?? 0),
      recovered: false,
    });
  }

  /** A hole that was closed before any picture behind it came out. */
  recovered(gap: Omit<Gap, 'recovered'>): Gap {
    this.#recoveredMs += gap.ms;
    return { ...gap, recovered: true };
  }

  #find(fragment: LedgerFragment): Entry | undefined {
    const isIt = (entry: Entry | undefined): boolean => entry?.fragment === fragment;
    if (isIt(this.#current)) return this.#current;
    return isIt(this.#late?.entry) ? this.#late?.entry : this.#waiting.find(isIt);
  }

  #endDate(): number | null {
    const dateMs = this.#current?.fragment.dateMs ?? null;
    return dateMs === null ? null : dateMs + (this.#current?.endMs ?? 0);
  }

  #insideGap(entry: Entry, offsetMs: number, pictureMs: number): Gap | null {
    const ms = ifPictures(offsetMs - entry.endMs, pictureMs);
    if (ms === 0) return null;
    const { dateMs } = entry.fragment;
    return this.#enter({
      cause: entry.refused ?? 'media',
      fromMs: dateMs === null ? null : dateMs + entry.endMs,
      toMs: dateMs === null ? null : dateMs + offsetMs,
      ms,
      fragments: 0,
      recovered: false,
    });
  }

  /** What is known to be missing behind the pictures of `before`: its own end, whole fragments, lost ones. */
  #missing(
    before: Entry | undefined,
    barren: readonly Entry[],
    pictureMs: number,
  ): { shares: Shares; fragments: number } {
    const shares: Shares = {};
    let fragments = 0;
    if (before !== undefined)
      addShare(shares, before.refused ?? 'media', ifPictures(before.lengthMs - before.endMs, pictureMs));
    for (const { fragment, lengthMs, refused, fragments: count } of barren) {
      addShare(shares, refused ?? 'media', lengthMs);
      fragments += count;
      if (fragment.lost === null) continue;
      addShare(shares, fragment.lost.cause, fragment.lost.ms);
      fragments += fragment.lost.count;
    }
    return { shares, fragments };
  }

  #gapBetween(
    before: Entry,
    barren: readonly Entry[],
    after: Entry,
    offsetMs: number,
    pictureMs: number,
  ): Gap | null {
    const { lost, dateMs } = after.fragment;
    const missing = this.#missing(before, barren, pictureMs);
    const { shares } = missing;
    addShare(shares, after.refused ?? 'media', ifPictures(offsetMs, pictureMs));
    if (lost !== null) addShare(shares, lost.cause, lost.ms);
    const knownMs = sumOfShares(shares);
    const fromMs = before.fragment.dateMs === null ? null : before.fragment.dateMs + before.endMs;
    const toMs = dateMs === null ? null : dateMs + offsetMs;
    const isDated = fromMs !== null && toMs !== null;
    const datedMs = isDated ? toMs - fromMs : knownMs;
    const restMs = datedMs - knownMs;
    const joinMs = this.#joinMs(before, pictureMs);
    const isClockSet = isDated && this.#isClockSet(before, datedMs, knownMs, joinMs, [...barren, after]);
    if (knownMs === 0 && (isClockSet || restMs <= joinMs)) return null;
    if (!isClockSet && restMs > joinMs) addShare(shares, restCause(before, [...barren, after]), restMs);
    const ms = isClockSet ? knownMs : Math.max(0, datedMs);
    if (ms === 0) return null;
    return {
      cause: largestShare(shares),
      fromMs: isClockSet ? null : fromMs,
      toMs: isClockSet ? null : toMs,
      ms,
      fragments: missing.fragments + (lost?.count ?? 0),
      recovered: false,
    };
  }

  #joinMs(before: Entry, pictureMs: number): number {
    if (this.#options.isServerDated === true) return Math.max(SERVER_JOIN_MS, 2 * before.lengthMs);
    return Math.max(JOIN_MS, 1.5 * pictureMs);
  }

  /**
   * Whether dates say nothing of what is missing: they went back, or to ahead of the host's clock, or say much less than is
   * known to be lost, or more than there was time for.
   */
  #isClockSet(
    before: Entry,
    datedMs: number,
    knownMs: number,
    joinMs: number,
    since: readonly Entry[],
  ): boolean {
    if (datedMs < -joinMs || datedMs < knownMs / 2 - joinMs) return true;
    // Nothing is received before it was taken; but where it is known how long it took, the host's clock has no say.
    const aheadMs = since.at(-1)!.fragment.aheadMs;
    const isAheadNow = aheadMs > AHEAD_MS && aheadMs - before.fragment.aheadMs > AHEAD_MS;
    let elapsedMs = 0;
    for (const { fragment } of since) {
      if (fragment.elapsedMs === null) return isAheadNow;
      elapsedMs += fragment.elapsedMs;
    }
    const mediaMs = datedMs - knownMs + since.reduce((total, { lengthMs }) => total + lengthMs, 0);
    return mediaMs > elapsedMs + CLOCK_SLACK_MS;
  }

  #enter(gap: Gap): Gap {
    const totals = this.#totals[gap.cause];
    totals.gaps += 1;
    totals.ms += gap.ms;
    if (gap.fromMs !== null) this.#told = [...this.#told, { ...gap, leftMs: gap.ms }].slice(-MAX_TOLD);
    return gap;
  }

  /** The told hole that a fragment lies in, if it comes after its time. */
  #holeAround({ fragment: { dateMs }, lengthMs }: Entry): Told | undefined {
    const endDateMs = this.#endDate();
    if (dateMs === null || endDateMs === null || dateMs >= endDateMs) return undefined;
    return this.#told.find(
      ({ fromMs, toMs }) =>
        fromMs !== null && toMs !== null && dateMs >= fromMs - JOIN_MS && dateMs + lengthMs <= toMs + JOIN_MS,
    );
  }

  /** A picture lies in a hole. Answers what comes once more than it is missing, which is no media time. */
  #fill(hole: Told, durationMs: number): number {
    const ms = Math.min(durationMs, hole.leftMs);
    hole.leftMs -= ms;
    this.#filledMs += ms;
    this.#recoveredMs += ms;
    return durationMs - ms;
  }
}
