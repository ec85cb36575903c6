import type { LostFragments } from '../hls/fragment.js';
import { gapCauses, type Gap, type GapCause, type GapTotals } from './gap.js';

/** What the ledger needs to know of a fragment; the object itself names it. */
export interface LedgerFragment {
  /** When its first picture was taken, Unix ms; `null` if it bears no date, or none to be believed. */
  dateMs: number | null;
  /** Length in ms as the playlist says. */
  durationMs: number;
  sessionId: number;
  lost: LostFragments | null;
  elapsedMs: number | null;
}

/** A fragment in the decoder. */
interface Entry {
  fragment: LedgerFragment;
  /** Its length in ms: the playlist's word until it is measured. */
  lengthMs: number;
  /** The stream was seen to be silent before it. */
  isAfterSilence: boolean;
  /** Why it can't be used, or not as a whole. */
  refused: GapCause | null;
  /** Up to where its pictures came out, ms from its start. */
  endMs: number;
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
/** The same for dates of receipt, which have the uplink's jitter: or half a fragment, if that is more. */
const SERVER_JOIN_MS = 250;
/** How much more than the host's clock the dates may advance before it is taken for a clock that was set: polls and requests take time. */
const CLOCK_SLACK_MS = 2_000;
/** Fragments without a picture that are remembered one by one. */
const MAX_WAITING = 256;
/** Told holes that late media may still fill. */
const MAX_TOLD = 16;

type Shares = Partial<Record<GapCause, number>>;

function newEntry(fragment: LedgerFragment, isAfterSilence: boolean): Entry {
  return { fragment, lengthMs: fragment.durationMs, isAfterSilence, refused: null, endMs: 0 };
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
  /** A fragment that came after its time and fills a hole that was told. */
  #late: Entry | undefined;
  /** Dated holes, oldest first. */
  #told: Gap[] = [];
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
    this.#deliveredMs += durationMs;
    const known = this.#late?.fragment === fragment ? this.#late : this.#current;
    if (known?.fragment === fragment) {
      const gap = this.#insideGap(known, offsetMs, durationMs);
      known.endMs = Math.max(known.endMs, offsetMs + durationMs);
      return gap;
    }
    const index = this.#waiting.findIndex((entry) => entry.fragment === fragment);
    const barren = this.#waiting.splice(0, Math.max(0, index));
    const entry = (index === -1 ? undefined : this.#waiting.shift()) ?? newEntry(fragment, false);
    const before = this.#current;
    const filled = before === undefined ? undefined : this.#filledBy(entry);
    entry.endMs = offsetMs + durationMs;
    if (filled !== undefined) {
      this.#late = entry;
      return this.#fill(filled, entry);
    }
    this.#current = entry;
    this.#late = undefined;
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
    return isIt(this.#late) ? this.#late : this.#waiting.find(isIt);
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
    for (const { fragment, lengthMs, refused } of barren) {
      add(shares, refused ?? 'media', lengthMs);
      fragments += 1;
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
    const { lost, dateMs, sessionId } = after.fragment;
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
    // Dates that jump back, or further than time went by, are a clock that was set: they say nothing of what is missing.
    const isClockSet = isDated && (datedMs < -joinMs || this.#outrunsClock(before, barren, after, restMs));
    if (knownMs === 0 && (isClockSet || restMs <= joinMs)) return null;
    if (!isClockSet && restMs > joinMs) {
      const isSameSession = before.fragment.sessionId === sessionId;
      const isSilence = [...barren, after].some(({ isAfterSilence }) => isAfterSilence);
      add(shares, isSameSession || isSilence ? 'producer' : 'outage', restMs);
    }
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
    if (this.#options.isServerDated === true) return Math.max(SERVER_JOIN_MS, before.lengthMs / 2);
    return Math.max(JOIN_MS, 1.5 * pictureMs);
  }

  #outrunsClock(before: Entry, barren: readonly Entry[], after: Entry, restMs: number): boolean {
    let elapsedMs = 0;
    for (const { fragment } of [...barren, after]) {
      if (fragment.elapsedMs === null) return false;
      elapsedMs += fragment.elapsedMs;
    }
    const mediaMs = restMs + [...barren, after].reduce((total, entry) => total + entry.lengthMs, 0);
    return mediaMs > elapsedMs + CLOCK_SLACK_MS + before.lengthMs;
  }

  #enter(gap: Gap): Gap {
    const totals = this.#totals[gap.cause];
    totals.gaps += 1;
    totals.ms += gap.ms;
    if (gap.fromMs !== null) this.#told = [...this.#told, gap].slice(-MAX_TOLD);
    return gap;
  }

  /** The told hole that a fragment lies in, if it comes after its time. */
  #filledBy({ fragment: { dateMs }, lengthMs }: Entry): Gap | undefined {
    const endDateMs = this.#endDate();
    if (dateMs === null || endDateMs === null || dateMs >= endDateMs) return undefined;
    return this.#told.find(
      ({ fromMs, toMs }) =>
        fromMs !== null && toMs !== null && dateMs >= fromMs - JOIN_MS && dateMs + lengthMs <= toMs + JOIN_MS,
    );
  }

  #fill(hole: Gap, { fragment, lengthMs }: Entry): Gap {
    const ms = Math.min(lengthMs, hole.ms);
    this.#filledMs += ms;
    const fromMs = fragment.dateMs;
    const toMs = fromMs === null ? null : fromMs + ms;
    return this.recovered({ cause: hole.cause, fromMs, toMs, ms, fragments: 1 });
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
      isAfterSilence: first.isAfterSilence || second.isAfterSilence,
      refused: second.refused ?? first.refused,
      endMs: 0,
    });
  }
}
