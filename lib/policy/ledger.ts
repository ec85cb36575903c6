import type { LostFragments } from '../hls/fragment.js';
import { gapCauses, type Gap, type GapCause, type GapTotals } from './gap.js';

/** What the ledger needs to know of a fragment; the object itself names it. */
export interface LedgerFragment {
  /** When its first picture was taken, Unix ms; `null` if it bears no date, or none to be believed. */
  dateMs: number | null;
  /** Length in ms as the playlist says. */
  durationMs: number;
  sessionId: number;
  /** The list shows it right behind the fragment pushed before. */
  isAdjacent: boolean;
  lost: LostFragments | null;
  elapsedMs: number | null;
}

/** A fragment in the decoder. */
interface Entry {
  fragment: LedgerFragment;
  /** Its length in ms: the playlist's word until it is measured. */
  lengthMs: number;
  /** How many fragments it stands for. */
  fragments: number;
  /** The stream was seen to be silent before it. */
  isAfterSilence: boolean;
  /** Why it can't be used, or not as a whole. */
  refused: GapCause | null;
  /** Up to where its pictures came out, ms from its start. */
  endMs: number;
}

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
/** Fragments without a picture that are remembered one by one. */
const MAX_WAITING = 256;
/** Told holes that late media may still fill. */
const MAX_TOLD = 16;

type Shares = Partial<Record<GapCause, number>>;

function newEntry(fragment: LedgerFragment, isAfterSilence: boolean): Entry {
  return { fragment, lengthMs: fragment.durationMs, fragments: 1, isAfterSilence, refused: null, endMs: 0 };
}

/** Why media is missing of which only the dates tell. */
function restCause(before: Entry, since: readonly Entry[]): GapCause {
  if (since.every(({ fragment, isAfterSilence }) => fragment.isAdjacent || isAfterSilence)) return 'producer';
  const unmeasured = since.find(({ fragment }) => fragment.lost?.ms === 0)?.fragment.lost;
  if (unmeasured) return unmeasured.cause;
  const isSameSession = since.every(({ fragment }) => fragment.sessionId === before.fragment.sessionId);
  return isSameSession ? 'producer' : 'outage';
}

function filledGap({ cause }: Gap, { dateMs }: LedgerFragment, ms: number): Gap {
  const toMs = dateMs === null ? null : dateMs + ms;
  return { cause, fromMs: dateMs, toMs, ms, fragments: 1, recovered: true };
}

function add(shares: Shares, cause: GapCause, ms: number): void {
  if (ms > 0) shares[cause] = (shares[cause] ?? 0) + ms;
}

function sum(shares: Shares): number {
  return Object.values(shares).reduce((total, ms) => total + ms, 0);
}

function largest(shares: Shares): GapCause {
  const [first] = Object.entries(shares).sort(([, a], [, b]) => b - a);
  return (first?.[0] ?? 'producer') as GapCause;
}

/** Missing time inside a fragment counts from half a picture on. */
function ifPictures(ms: number, pictureMs: number): number {
  return ms > Math.max(1, pictureMs / 2) ? ms : 0;
}

/**
 * The account of one source's media time: each picture that comes out is put on the stream's time line, and what is
 * missing before it becomes one entry. So delivered media and entries add up to the time line's length.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #totals: Record<GapCause, GapTotals>;
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
    if (this.#waiting.length > MAX_WAITING) this.#fold();
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
    if (this.#late?.entry.fragment === fragment) {
      this.#fill(this.#late.hole, durationMs);
      return null;
    }
    const before = this.#current;
    if (before?.fragment === fragment) {
      const gap = this.#insideGap(before, offsetMs, durationMs);
      before.endMs = Math.max(before.endMs, offsetMs + durationMs);
      this.#deliveredMs += durationMs;
      return gap;
    }
    const index = this.#waiting.findIndex((entry) => entry.fragment === fragment);
    const barren = this.#waiting.splice(0, Math.max(0, index));
    const entry = (index === -1 ? undefined : this.#waiting.shift()) ?? newEntry(fragment, false);
    const hole = this.#holeAround(entry);
    if (hole !== undefined) {
      this.#waiting.unshift(...barren);
      this.#late = { entry, hole };
      const toldMs = Math.min(entry.lengthMs, hole.leftMs);
      this.#fill(hole, durationMs);
      return toldMs === 0 ? null : filledGap(hole, fragment, toldMs);
    }
    entry.endMs = offsetMs + durationMs;
    this.#current = entry;
    this.#late = undefined;
    this.#deliveredMs += durationMs;
    const gap = before === undefined ? null : this.#gapBetween(before, barren, entry, offsetMs, durationMs);
    return gap === null ? null : this.#enter(gap);
  }

  /** No picture follows; `lost` is what could not be fetched behind the last fragment. Answers the hole at the end. */
  end(lost: LostFragments | null): Gap | null {
    const { shares, fragments } = this.#missing(this.#current, this.#waiting.splice(0), 0);
    if (lost !== null) add(shares, lost.cause, lost.ms);
    const ms = sum(shares);
    if (ms === 0) return null;
    const fromMs = this.#endDate();
    const toMs = fromMs === null ? null : fromMs + ms;
    return this.#enter({
      cause: largest(shares),
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

  #insideGap(entry: Entry, offsetMs: number, durationMs: number): Gap | null {
    const ms = ifPictures(offsetMs - entry.endMs, durationMs);
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
      add(shares, before.refused ?? 'media', ifPictures(before.lengthMs - before.endMs, pictureMs));
    for (const { fragment, lengthMs, refused, fragments: count } of barren) {
      add(shares, refused ?? 'media', lengthMs);
      fragments += count;
      if (fragment.lost === null) continue;
      add(shares, fragment.lost.cause, fragment.lost.ms);
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
    add(shares, after.refused ?? 'media', ifPictures(offsetMs, pictureMs));
    if (lost !== null) add(shares, lost.cause, lost.ms);
    const knownMs = sum(shares);
    const fromMs = before.fragment.dateMs === null ? null : before.fragment.dateMs + before.endMs;
    const toMs = dateMs === null ? null : dateMs + offsetMs;
    const isDated = fromMs !== null && toMs !== null;
    const datedMs = isDated ? toMs - fromMs : knownMs;
    const restMs = datedMs - knownMs;
    const joinMs = this.#joinMs(before, pictureMs);
    const isClockSet = isDated && this.#isClockSet(datedMs, knownMs, joinMs, [...barren, after]);
    if (knownMs === 0 && (isClockSet || restMs <= joinMs)) return null;
    if (!isClockSet && restMs > joinMs) add(shares, restCause(before, [...barren, after]), restMs);
    const ms = isClockSet ? knownMs : Math.max(0, datedMs);
    if (ms === 0) return null;
    return {
      cause: largest(shares),
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
   * Whether dates say nothing of what is missing: they went back, or say much less than is known to be lost, or more than
   * there was time for.
   */
  #isClockSet(datedMs: number, knownMs: number, joinMs: number, since: readonly Entry[]): boolean {
    if (datedMs < -joinMs || datedMs < knownMs / 2 - joinMs) return true;
    let elapsedMs = 0;
    for (const { fragment } of since) {
      if (fragment.elapsedMs === null) return false;
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

  /** A picture lies in a hole; what comes once more than it is missing is no media time. */
  #fill(hole: Told, durationMs: number): void {
    const ms = Math.min(durationMs, hole.leftMs);
    hole.leftMs -= ms;
    this.#deliveredMs += ms;
    this.#filledMs += ms;
    this.#recoveredMs += ms;
  }

  /** The two oldest as one: nobody needs a month of undecodable fragments one by one. */
  #fold(): void {
    const [first, second] = this.#waiting.splice(0, 2);
    if (first === undefined || second === undefined) return;
    const lost = [first.fragment.lost, second.fragment.lost].filter((one) => one !== null);
    this.#waiting.unshift({
      fragment: {
        ...second.fragment,
        elapsedMs: null,
        lost:
          lost.length === 0
            ? null
            : {
                count: lost.reduce((total, one) => total + one.count, 0),
                ms: lost.reduce((total, one) => total + one.ms, 0),
                cause: lost[0]!.cause,
              },
      },
      lengthMs: first.lengthMs + second.lengthMs,
      fragments: first.fragments + second.fragments,
      isAfterSilence: first.isAfterSilence || second.isAfterSilence,
      refused: second.refused ?? first.refused,
      endMs: 0,
    });
  }
}
