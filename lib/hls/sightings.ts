import type { MediaPlaylist } from './playlist.js';

/** When a listed fragment was first seen. Times are ms of the monotonic clock. */
export interface Sighting {
  /** When the poll that showed it was answered. */
  readonly atMs: number;
  /** When the poll before, which did not show it, was sent; `null` if there was none or it was too long before. */
  readonly notBeforeMs: number | null;
}

/** A poll longer ago than a fragment and this, in ms, does not tell when the fragment appeared. */
const SLACK_MS = 1000;

interface Seen {
  readonly url: string;
  readonly dateMs: number | null;
  readonly sighting: Sighting;
}

/** First sightings of what a list holds. */
export class Sightings {
  #bySequence = new Map<number, Seen>();
  #lastPollMs: number | null = null;

  /** Notes what a poll showed; `isRestarted` if its numbers are another count than those before. */
  note({ fragments }: MediaPlaylist, sentMs: number, answeredMs: number, isRestarted: boolean): void {
    const before = isRestarted ? new Map<number, Seen>() : this.#bySequence;
    const lastPollMs = isRestarted ? null : this.#lastPollMs;
    const agoMs = lastPollMs === null ? Infinity : answeredMs - lastPollMs;
    this.#bySequence = new Map(
      fragments.map(({ sequence, durationMs, url, dateMs }) => {
        const seen = before.get(sequence);
        if (seen !== undefined && (seen.url === url || seen.dateMs === dateMs)) return [sequence, seen];
        // Another one under a number that was there: it may have been listed under another before.
        const isWatched = seen === undefined && agoMs <= durationMs + SLACK_MS;
        return [
          sequence,
          { url, dateMs, sighting: { atMs: answeredMs, notBeforeMs: isWatched ? lastPollMs : null } },
        ];
      }),
    );
    this.#lastPollMs = sentMs;
  }

  /** `null` for one that is not listed. */
  of(sequence: number): Sighting | null {
    return this.#bySequence.get(sequence)?.sighting ?? null;
  }
}

/**
 * No earlier than this, in ms of the monotonic clock, can what is behind a fragment have appeared: as is known of the fragment itself,
 * else of those before it, as `beforeMs` says. Of recordings nothing is known: all of it is there at once.
 */
export function notBeforeMs(
  beforeMs: number | null,
  here: Sighting | null,
  { ended, vod }: MediaPlaylist,
): number | null {
  return here?.notBeforeMs ?? (ended || vod ? null : beforeMs);
}

/**
 * At most so much time, in ms, went by between one fragment becoming visible, no earlier than `beforeMs`, and another being seen;
 * `null`: not known.
 */
export function elapsedMs(
  beforeMs: number | null,
  here: Sighting | null,
  { ended, vod }: MediaPlaylist,
): number | null {
  if (beforeMs === null || here === null) return null;
  if (here.notBeforeMs === null && (ended || vod)) return null;
  return Math.max(0, here.atMs - beforeMs);
}
