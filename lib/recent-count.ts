const BUCKETS = 60;

/** How often something happened lately, in bounded memory however often that is. */
export class RecentCount {
  readonly #bucketMs: number;
  readonly #counts = new Uint32Array(BUCKETS + 1);
  /** Number of the newest bucket, counted from the clock's start. */
  #newest = 0;

  /** Counts the last `windowMs`, to a sixtieth of that. */
  constructor(windowMs: number) {
    this.#bucketMs = windowMs / BUCKETS;
  }

  /** Once more, at a time that never steps back. */
  add(monotonicMs: number): void {
    this.#moveTo(monotonicMs);
    this.#counts[this.#newest % this.#counts.length]! += 1;
  }

  count(monotonicMs: number): number {
    this.#moveTo(monotonicMs);
    return this.#counts.reduce((sum, one) => sum + one, 0);
  }

  #moveTo(monotonicMs: number): void {
    const now = Math.floor(monotonicMs / this.#bucketMs);
    const from = Math.max(this.#newest + 1, now - BUCKETS);
    for (let bucket = from; bucket <= now; bucket++) this.#counts[bucket % this.#counts.length] = 0;
    this.#newest = Math.max(this.#newest, now);
  }
}
