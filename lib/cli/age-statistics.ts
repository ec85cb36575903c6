/** Each bucket is 2 % wider than the one before; the first ends at 1 ms, the last beyond a year. */
const GROWTH = 1.02;
const BUCKETS = 1250;

/** Mean and quantiles of ages, in bounded memory however long it runs. */
export class AgeStatistics {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #sumMs = 0;

  add(ageMs: number): void {
    const bucket = ageMs <= 1 ? 0 : Math.ceil(Math.log(ageMs) / Math.log(GROWTH));
    const at = Math.min(bucket, BUCKETS - 1);
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1;
    this.#count += 1;
    this.#sumMs += ageMs;
  }

  /** In ms; `null` before the first. */
  get meanMs(): number | null {
    return this.#count === 0 ? null : this.#sumMs / this.#count;
  }

  /** The age that the share `q` (0–1) of frames did not exceed, in ms, at most 2 % too high; `null` before the first. */
  quantileMs(q: number): number | null {
    if (this.#count === 0) return null;
    let seen = 0;
    for (let at = 0; at < BUCKETS; at++) {
      seen += this.#buckets[at] ?? 0;
      if (seen >= q * this.#count) return Math.pow(GROWTH, at);
    }
    return Math.pow(GROWTH, BUCKETS);
  }
}
