import type { Placement, Position } from './cursor.js';
import type { LostFragments } from './fragment.js';
import { NO_LOSSES, sumOf, withLoss, type Losses } from './losses.js';
import type { ListedFragment } from './playlist.js';
import type { Sighting } from './sightings.js';
import type { Track } from './track.js';

/** How far reading has come, and what is needed to go on behind it in any list; a value. */
export interface Mark {
  /** The last fragment taken from a list, be it fetched or given up; `null` before the first. */
  readonly position: Position | null;
  /** Given up or slid away since the last that was fetched. */
  readonly lost: Losses;
  /** Of the last fragments that were fetched, oldest first. */
  readonly digests: readonly string[];
  /** Theirs, ms. */
  readonly dates: readonly (number | null)[];
  /** Of the last fragment that was fetched: its date, and when it was first seen. */
  readonly dateMs: number | null;
  readonly sighting: Sighting | null;
  /**
   * No fragment that comes next appeared earlier, in ms of the monotonic clock: what is known of the newest fragment whose
   * appearance was watched, in whichever session, since fragments appear in order. `null` if of none.
   */
  readonly notBeforeMs: number | null;
  /** Where it ends on its own timeline; `null` unless it has no date and other variants may have to be compared with it. */
  readonly mediaEndMs: number | null;
}

/** Digests that are remembered: as many fragments as a session's list may lag behind another's. */
const MAX_DIGESTS = 8;
/** Dates of one fragment may differ by their rounding, in ms. */
const SAME_DATE_MS = 1;

export const BEGINNING: Mark = {
  position: null,
  lost: NO_LOSSES,
  digests: [],
  dates: [],
  dateMs: null,
  sighting: null,
  notBeforeMs: null,
  mediaEndMs: null,
};

/** Behind a fragment that was fetched. `notBeforeMs`: as in {@link Mark}. */
export function fetchedAt(
  before: Mark,
  position: Position,
  digest: string,
  { sighting, notBeforeMs }: Pick<Mark, 'sighting' | 'notBeforeMs'>,
  mediaEndMs: number | null,
): Mark {
  const { dateMs } = position;
  const digests = [...before.digests, digest].slice(-MAX_DIGESTS);
  const dates = [...before.dates, dateMs].slice(-MAX_DIGESTS);
  return { position, lost: NO_LOSSES, digests, dates, dateMs, sighting, notBeforeMs, mediaEndMs };
}

/** Behind a fragment that is given up; `lost` went before it. */
export function skippedAt(
  before: Mark,
  position: Position,
  lost: LostFragments | null,
  cause: LostFragments['cause'],
): Mark {
  const ms = position.durationMs || (before.position?.durationMs ?? 0);
  return { ...before, position, lost: withLoss(withLoss(before.lost, lost), { count: 1, ms, cause }) };
}

/** What is lost between a mark and the fragment that comes next, beyond what the mark knows. */
export function lossBefore(
  { position, sighting, lost }: Mark,
  track: Track,
  entry: ListedFragment,
  { by, missed }: Placement,
): LostFragments | null {
  if (position === null) return null;
  const lengthMs = entry.durationMs || position.durationMs;
  if (missed > 0) {
    const ms = track.lengthMs(entry.sequence - missed, missed, lengthMs);
    return { count: missed, ms, cause: 'window-slid' };
  }
  if (by !== 'edge') return null;
  const seenMs = track.sightingOf(entry.sequence)?.atMs;
  const apartMs = sighting === null || seenMs === undefined ? 0 : seenMs - sighting.atMs;
  const knownMs = position.durationMs + (sumOf(lost)?.ms ?? 0);
  return { count: 0, ms: Math.max(0, apartMs - knownMs), cause: 'outage' };
}

/**
 * Whether a fragment is one of the last that were fetched, listed once more: the same date and the same media. Not only the very last:
 * where two were taken in the wrong order, another list has the first of them behind the second.
 */
export function isRepeat({ dates, digests }: Mark, { dateMs }: ListedFragment, digest: string): boolean {
  if (dateMs === null) return false;
  return dates.some(
    (known, index) => known !== null && Math.abs(dateMs - known) <= SAME_DATE_MS && digest === digests[index],
  );
}
