/** Of how many frames the mean is what the consumer takes for one. */
const REMEMBERED_TIMES = 8;
/** How much further apart than the consumer needs them frames are, until they are young again, and then. */
const HURRY = 1.25;
const EASE = 1.05;

/**
 * How far apart frames must be for a consumer that can't keep up with all of them: as far as it takes for one, and a little
 * more. Decided once a fragment; begun only when frames are handed over late. All times in ms.
 */
export class Thinning {
  readonly #maxAgeMs: number;
  /** What the consumer took for its last frames. */
  readonly #busyMs: number[] = [];
  /** From one picture to the next. */
  #frameMs = 0;
  #ageMs = 0;
  #isThinning = false;

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** A frame that lasts so long was handed over, so old. */
  handedOver(frameMs: number, ageMs: number): void {
    if (frameMs > 0) this.#frameMs = frameMs;
    this.#ageMs = ageMs;
  }

  /** The consumer asked for the next one after so long. */
  asked(busyMs: number): void {
    this.#busyMs.push(busyMs);
    if (this.#busyMs.length > REMEMBERED_TIMES) this.#busyMs.shift();
  }

  /** A fragment of that length came. Answers the time from frame to frame from now on; 0: all frames. */
  periodMs(fragmentMs: number): number {
    const busyMs = this.#busyMs.reduce((sum, ms) => sum + ms, 0) / Math.max(1, this.#busyMs.length);
    if (busyMs <= this.#frameMs) {
      this.#isThinning = false;
      return 0;
    }
    // The first frame of a fragment is as old as the fragment is long whoever reads it.
    const lateMs = Math.max(this.#maxAgeMs / 2, (this.#maxAgeMs + fragmentMs) / 2);
    const isLate = this.#ageMs > lateMs;
    this.#isThinning ||= isLate;
    return this.#isThinning ? busyMs * (isLate ? HURRY : EASE) : 0;
  }
}
