/** Each bucket is 2 % wider than the one before; the first ends at 1 ms, the last beyond a year. */
const GROWTH = 1.02;
const BUCKETS = 1250;

/** Ages on one side of zero, by their size. */
class Buckets {
  readonly #counts = new Float64Array(BUCKETS);
  count = 0;

  add(sizeMs: number): void {
    const bucket = sizeMs <= 1 ? 0 : Math.ceil(Math.log(sizeMs) / Math.log(GROWTH));
    this.#counts[Math.min(bucket, BUCKETS - 1)]! += 1;
    this.count += 1;
  }

  /** Upper end of the bucket with the `rank`-th smallest size, from 1 on, in ms. */
  sizeMs(rank: number): number {
    let seen = 0;
    let at = 0;
    while (at < BUCKETS - 1 && (seen += this.#counts[at]!) < rank) at += 1;
    return Math.pow(GROWTH, at);
  }
}

/** Mean and quantiles of ages, in bounded memory however long it runs. Ages below zero are those of clocks that are ahead. */
export class AgeStatistics {
  readonly #positive = new Buckets();
  readonly #negative = new Buckets();
  #sumMs = 0;

  add(ageMs: number): void {
    if (ageMs < 0) this.#negative.add(-ageMs);
    else this.#positive.add(ageMs);
    this.#sumMs += ageMs;
  }

  get #count(): number {
    return this.#negative.count + this.#positive.count;
  }

  /** In ms; `null` before the first. */
  get meanMs(): number | null {
    return this.#count === 0 ? null : this.#sumMs / this.#count;
  }

  /**
   * The age that the share `q` (0–1) of frames did not exceed, in ms, by nearest rank: at most 2 % (or 1 ms) further from zero
   * than the exact one; `null` before the first.
   */
  quantileMs(q: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    const { count } = this.#negative;
    return rank <= count ? -this.#negative.sizeMs(count - rank + 1) : this.#positive.sizeMs(rank - count);
  }
}
