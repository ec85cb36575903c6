/** How far back it looks: several fragments of the usual lengths, since frames come in bursts of one. */
const WINDOW_MS = 10_000;

/** Frames a second by their capture times, of those that came lately; bursts make no difference to it. */
export class RecentRate {
  #frames: { atMs: number; timestampMs: number }[] = [];

  /** `nowMs`: a clock that never steps. */
  add(timestampMs: number, nowMs: number): void {
    this.#frames.push({ atMs: nowMs, timestampMs });
    // Not at each frame: that would move all the others.
    if (this.#frames.length > 64 && this.#frames[this.#frames.length >> 1]!.atMs < nowMs - WINDOW_MS) {
      this.#forget(nowMs);
    }
  }

  /** `null` while fewer than two frames, or none in order, came lately. */
  fps(nowMs: number): number | null {
    this.#forget(nowMs);
    const first = this.#frames[0];
    const last = this.#frames.at(-1);
    if (first === undefined || last === undefined) return null;
    const spanMs = last.timestampMs - first.timestampMs;
    return spanMs > 0 ? ((this.#frames.length - 1) * 1000) / spanMs : null;
  }

  #forget(nowMs: number): void {
    this.#frames = this.#frames.filter(({ atMs }) => atMs >= nowMs - WINDOW_MS);
  }
}
