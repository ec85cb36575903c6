import type { ListedFragment, MediaPlaylist } from './playlist.js';
import { stallLimitMs } from './rhythm.js';

/** The last fragment that was taken from a list: all that is needed to find the next one in any list. */
export interface Position {
  /**
   * Names the numbering its `sequence` belongs to: a session, or a URL that is the same for all sessions, and after a line feed the
   * variant where there are several.
   */
  feed: string;
  sequence: number;
  dateMs: number | null;
  durationMs: number;
  /** Sequence number of the first fragment in the list it was taken from. */
  windowStart: number;
  /** In that list dates ascended with the numbers, as far as there were any. */
  inOrder: boolean;
}

/** Where a first list is entered. */
export interface StartRule {
  /** Fragments before the newest, for a list that still grows; 0 is the newest. */
  fragmentsBehind: number;
  /** `beginning`: the first listed one, whatever `fragmentsBehind` says. */
  at: 'edge' | 'beginning';
}

/** What of a list comes next. */
export interface Placement {
  /** Index of the first fragment not taken yet; the list's length if there is none. */
  index: number;
  /** Fragments that came between and can't be had, as far as sequence numbers tell. */
  missed: number;
  /** Media time is not continuous before `index`, or that can't be told. */
  broken: boolean;
  /**
   * How it was found: `start` and `edge` are entries afresh, for want of a position, or of a number or date in common with
   * it. `sibling` is the number of another variant, which is usually the same; what its fragment holds has to prove it.
   * `payload` is not found here but by what fragments hold.
   */
  by: 'start' | 'sequence' | 'sibling' | 'date' | 'edge' | 'payload';
}

/** A date this much before the last one is not a list that lags but a clock that was set back. */
function setBackMs({ fragments, targetDurationMs }: MediaPlaylist, last: Position): number {
  const durationsMs = [last, ...fragments.slice(-8)].map(({ durationMs }) => durationMs);
  return stallLimitMs({ durationsMs, silencesMs: [] }, targetDurationMs);
}

/** Where to enter a list of which nothing was taken yet. */
export function startIndex(list: MediaPlaylist, rule: StartRule): number {
  if (list.ended || list.vod || rule.at === 'beginning') return 0;
  return Math.max(0, list.fragments.length - 1 - rule.fragmentsBehind);
}

function afresh(list: MediaPlaylist, rule: StartRule, by: 'start' | 'edge'): Placement {
  return { index: startIndex(list, rule), missed: 0, broken: by === 'edge', by };
}

/** Whether a list's newest fragment is older than the last one taken by as much as its number is lower, give or take half. */
function isDatedBack({ fragments }: MediaPlaylist, last: Position): boolean {
  const newest = fragments.at(-1);
  if (newest === undefined || newest.dateMs === null || last.dateMs === null) return false;
  const byNumberMs = (last.sequence - newest.sequence) * last.durationMs;
  return Math.abs(last.dateMs - newest.dateMs - byNumberMs) <= byNumberMs / 2;
}

function placeBySequence(list: MediaPlaylist, last: Position): Placement | null {
  const { fragments, mediaSequence } = list;
  const next = last.sequence + 1;
  const end = mediaSequence + fragments.length;
  if (next < mediaSequence) return { index: 0, missed: mediaSequence - next, broken: true, by: 'sequence' };
  if (next <= end) return { index: next - mediaSequence, missed: 0, broken: false, by: 'sequence' };
  // Numbers went back. A list that reaches into the last window is an old copy of it, and so is one whose dates went back with them;
  // else counting began anew.
  return end > last.windowStart || isDatedBack(list, last)
    ? { index: fragments.length, missed: 0, broken: false, by: 'sequence' }
    : null;
}

/** How far two dates of the same fragment may lie apart: half of it, since reckoned dates are not exact. */
function toleranceMs(last: Position): number {
  return last.durationMs / 2;
}

/** Index of the listed fragment that is the last one taken, by its date; −1 if it is not listed. */
function indexOfLast(fragments: readonly ListedFragment[], last: Position, lastDateMs: number): number {
  let best = -1;
  let bestMs = toleranceMs(last);
  for (const [index, { dateMs }] of fragments.entries()) {
    if (dateMs === null) continue;
    const apartMs = Math.abs(dateMs - lastDateMs);
    if (apartMs <= bestMs) {
      best = index;
      bestMs = apartMs;
    }
  }
  return best;
}

function placeByDate(list: MediaPlaylist, last: Position, lastDateMs: number, rule: StartRule): Placement {
  const { fragments } = list;
  const known = indexOfLast(fragments, last, lastDateMs);
  const index =
    known === -1
      ? fragments.findIndex(({ dateMs }) => dateMs !== null && dateMs > lastDateMs + toleranceMs(last))
      : known + 1;
  const next = fragments[index];
  if (next !== undefined) {
    const isApart = Math.abs((next.dateMs ?? lastDateMs) - lastDateMs - last.durationMs) > toleranceMs(last);
    return { index, missed: 0, broken: isApart, by: 'date' };
  }
  const newestMs = fragments.reduce((most, { dateMs }) => Math.max(most, dateMs ?? -Infinity), -Infinity);
  const isClockSetBack = lastDateMs - newestMs > setBackMs(list, last);
  if (known === -1 && isClockSetBack) return afresh(list, rule, 'edge');
  return { index: fragments.length, missed: 0, broken: false, by: 'date' };
}

/** Whether the list shows what comes next right behind the last fragment taken. */
export function isAdjacent({ fragments }: MediaPlaylist, placed: Placement, last: Position | null): boolean {
  switch (placed.by) {
    case 'sequence':
    case 'sibling':
      return placed.missed === 0;
    case 'payload':
      return true;
    case 'date': {
      const before = fragments[placed.index - 1]?.dateMs ?? null;
      if (before === null || last === null || last.dateMs === null) return false;
      return Math.abs(before - last.dateMs) <= toleranceMs(last);
    }
    case 'start':
    case 'edge':
      return false;
  }
}

function hasDates(list: MediaPlaylist): boolean {
  return list.fragments.some(({ dateMs }) => dateMs !== null);
}

/** Whether two feeds are variants of one session, and not the same. */
function areSiblings(a: string, b: string): boolean {
  return a !== b && a.split('\n', 1)[0] === b.split('\n', 1)[0];
}

/** Dates of one fragment may differ by their rounding, in ms. */
const SAME_DATE_MS = 1;

/** Whether dates ascend with the numbers. */
export function isInOrder(fragments: readonly ListedFragment[]): boolean {
  return fragments.every(({ dateMs }, index) => {
    const beforeMs = fragments[index - 1]?.dateMs ?? null;
    return dateMs === null || beforeMs === null || dateMs > beforeMs;
  });
}

/**
 * Whether the feed counts otherwise than when the last fragment was taken: that one's date stands at another number. Says nothing of
 * lists that have, or had, fragments in the wrong order.
 */
function isRenumbered({ fragments }: MediaPlaylist, last: Position): boolean {
  const { dateMs: lastMs } = last;
  if (lastMs === null || !last.inOrder || !isInOrder(fragments)) return false;
  const isLast = ({ dateMs }: ListedFragment): boolean =>
    dateMs !== null && Math.abs(dateMs - lastMs) <= SAME_DATE_MS;
  const same = fragments.find(({ sequence }) => sequence === last.sequence);
  return fragments.some(isLast) && (same === undefined || !isLast(same));
}

/** By the numbers of the feed, or where there are no dates by those of another variant; `null` if they don't tell. */
function placeByNumber(list: MediaPlaylist, feed: string, last: Position): Placement | null {
  if (feed === last.feed) return isRenumbered(list, last) ? null : placeBySequence(list, last);
  if (!areSiblings(feed, last.feed) || (last.dateMs !== null && hasDates(list))) return null;
  const placed = placeBySequence(list, last);
  return placed && { ...placed, by: 'sibling' };
}

/**
 * Finds what comes next in a list. Sequence numbers are exact within a feed; between feeds only dates are common, and
 * where they don't tell the list is entered afresh (`edge`).
 */
export function place(list: MediaPlaylist, feed: string, last: Position | null, rule: StartRule): Placement {
  if (last === null) return afresh(list, rule, 'start');
  if (list.fragments.length === 0) return { index: 0, missed: 0, broken: false, by: 'sequence' };
  const byNumber = placeByNumber(list, feed, last);
  if (byNumber !== null) return byNumber;
  if (last.dateMs === null || !hasDates(list)) return afresh(list, rule, 'edge');
  return placeByDate(list, last, last.dateMs, rule);
}

/**
 * Whether another feed can take over without a fragment being lost or repeated: it lists the last fragment, or
 * begins no later than its end. `null` if neither numbers nor dates tell.
 */
export function canTakeOver(list: MediaPlaylist, feed: string, last: Position | null): boolean | null {
  const first = list.fragments[0];
  if (last === null) return true;
  if (first === undefined) return false;
  const byNumber = placeByNumber(list, feed, last);
  if (byNumber !== null) return byNumber.missed === 0;
  if (last.dateMs === null || !hasDates(list)) return null;
  if (indexOfLast(list.fragments, last, last.dateMs) !== -1) return true;
  const isLater = list.fragments.some(({ dateMs }) => dateMs !== null && dateMs > (last.dateMs ?? 0));
  return (
    isLater && first.dateMs !== null && first.dateMs <= last.dateMs + last.durationMs + toleranceMs(last)
  );
}
