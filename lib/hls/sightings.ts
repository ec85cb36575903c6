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

/** First sightings of what a list holds. */
export class Sightings {
  #bySequence = new Map<number, Sighting>();
  #lastPollMs: number | null = null;

  /** Notes what a poll showed; `isRestarted` if its numbers are another count than those before. */
  note({ fragments }: MediaPlaylist, sentMs: number, answeredMs: number, isRestarted: boolean): void {
    const before = isRestarted ? new Map<number, Sighting>() : this.#bySequence;
    const lastPollMs = isRestarted ? null : this.#lastPollMs;
    const agoMs = lastPollMs === null ? Infinity : answeredMs - lastPollMs;
    this.#bySequence = new Map(
      fragments.map(({ sequence, durationMs }) => {
        const notBeforeMs = agoMs <= durationMs + SLACK_MS ? lastPollMs : null;
        return [sequence, before.get(sequence) ?? { atMs: answeredMs, notBeforeMs }];
      }),
    );
    this.#lastPollMs = sentMs;
  }

  /** `null` for one that is not listed. */
  of(sequence: number): Sighting | null {
    return this.#bySequence.get(sequence) ?? null;
  }
}

/** At most so much time, in ms, went by between one fragment becoming visible and another being seen; `null`: not known. */
export function elapsedMs(before: Sighting | null, here: Sighting | null): number | null {
  if (before === null || here === null || before.notBeforeMs === null) return null;
  return Math.max(0, here.atMs - before.notBeforeMs);
}
