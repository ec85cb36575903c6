/** What a camera had counted at one time. */
export interface Totals {
  /** Of a clock that never steps. */
  atMs: number;
  frames: number;
  bytes: number;
  /** Capture time of the last frame handed over, Unix ms; `null` before the first. */
  capturedMs: number | null;
}

/** Rates are of this long: several fragments of a common length, which come in bursts. */
const MIN_WINDOW_MS = 10_000;
const MAX_WINDOW_MS = 60_000;
/** How many fragments a window holds, where they are long. */
const WINDOW_FRAGMENTS = 4;
/** Silence counts against a rate once it is longer than that between two fragments: by this factor, and at least by so much. */
const PATIENCE_FACTOR = 1.5;
const MIN_PATIENCE_MS = 3_000;
/** By how much capture times may differ from the time they were read in and still be a camera's pace, not a recording's. */
const MAX_PACE_DIFFERENCE = 0.5;

/** Frames and bytes per second, from totals that are noted once a second. */
export class Rates {
  #points: Totals[] = [];
  #fragmentMs = 0;

  /** `fragmentMs`: how long fragments are; `null` while that is not known. */
  add(totals: Totals, fragmentMs: number | null): void {
    this.#fragmentMs = fragmentMs ?? 0;
    const windowMs = Math.min(MAX_WINDOW_MS, Math.max(MIN_WINDOW_MS, WINDOW_FRAGMENTS * this.#fragmentMs));
    this.#points.push(totals);
    this.#points = this.#points.filter(({ atMs }) => atMs >= totals.atMs - windowMs);
  }

  /** `null` while not known. Over the time the frames were taken in: that they come in bursts does not show. */
  get fps(): number | null {
    return this.#rate('frames', (first, last) => {
      const readMs = last.atMs - first.atMs;
      if (first.capturedMs === null || last.capturedMs === null) return readMs;
      const capturedMs = last.capturedMs - first.capturedMs;
      return Math.abs(capturedMs / readMs - 1) > MAX_PACE_DIFFERENCE ? readMs : capturedMs;
    });
  }

  /** `null` while not known. */
  get bytesPerSecond(): number | null {
    return this.#rate('bytes', (first, last) => last.atMs - first.atMs);
  }

  #rate(of: 'frames' | 'bytes', spanMs: (first: Totals, last: Totals) => number): number | null {
    const now = this.#points.at(-1);
    if (now === undefined) return null;
    // Only from one arrival to another is it known how long the counted ones took.
    const arrivals = this.#points.filter((point, index) => {
      const before = this.#points[index - 1];
      return before !== undefined && point[of] !== before[of];
    });
    const first = arrivals[0];
    const last = arrivals.at(-1);
    if (first === undefined || last === undefined) return this.#points.length > 1 ? 0 : null;
    const patienceMs = Math.max(MIN_PATIENCE_MS, PATIENCE_FACTOR * this.#fragmentMs);
    const silentMs = Math.max(0, now.atMs - last.atMs - patienceMs);
    if (first === last) return silentMs > 0 ? 0 : null;
    return ((last[of] - first[of]) * 1000) / (spanMs(first, last) + silentMs);
  }
}
