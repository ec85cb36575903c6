/** Thinning begins when the frames that are handed over are older than this share of the greatest age. */
const BEGIN_SHARE = 0.5;
/** What a consumer that keeps up is given back from fragment to fragment. */
const RELAX = 0.8;

/**
 * How far apart frames must be for a consumer that can't keep up with all of them. Decided once a fragment, by what was handed
 * over since the last one and what was left waiting. Times are capture times in ms.
 */
export class Thinning {
  readonly #maxAgeMs: number;
  /** 0: all frames. */
  #periodMs = 0;
  #handedOver = 0;
  #lastMs = -Infinity;
  #frameMs = 0;
  /** End of the newest fragment. */
  #endMs = -Infinity;

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** A frame was handed over. */
  handedOver(captureMs: number, durationMs: number): void {
    this.#handedOver += 1;
    this.#lastMs = captureMs;
    if (durationMs > 0) this.#frameMs = durationMs;
  }

  /** A fragment came, which ends at `endMs`, while frames of `ageMs` were handed over. Answers the period from now on. */
  arrived(endMs: number, fragmentMs: number, ageMs: number): number {
    const frames = this.#handedOver;
    this.#handedOver = 0;
    const leftMs = this.#endMs - (this.#lastMs + Math.max(this.#periodMs, this.#frameMs));
    this.#endMs = endMs;
    if (frames === 0 || fragmentMs <= 0) return this.#periodMs;
    const isBehind = leftMs > Math.max(this.#periodMs, this.#frameMs);
    if (isBehind && ageMs > this.#maxAgeMs * BEGIN_SHARE) {
      // So many frames are managed in a fragment's time: of them those that wait must be made up for, too.
      this.#periodMs = Math.max(this.#periodMs, (fragmentMs + Math.min(leftMs, fragmentMs)) / frames);
    } else if (!isBehind) {
      this.#periodMs *= RELAX;
      if (this.#periodMs <= this.#frameMs) this.#periodMs = 0;
    }
    return this.#periodMs;
  }
}
