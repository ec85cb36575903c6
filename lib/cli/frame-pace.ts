/** Chooses frames at an even pace by capture time, whatever bursts they arrive in. */
export class FramePace {
  readonly #periodMs: number;
  #dueMs: number | undefined;

  /** `fps` frames per second of capture time; `Infinity` for all. */
  constructor(fps: number) {
    this.#periodMs = 1000 / fps;
  }

  /** True if the frame of this capture time is one of the chosen. */
  wants(timestampMs: number): boolean {
    const due = this.#dueMs;
    if (due !== undefined && timestampMs < due && timestampMs > due - 2 * this.#periodMs) return false;
    // From the due time on, not from the frame's: frames that come a little late must not slow the pace. After a jump
    // of the clock, forward or back, the pace starts afresh.
    const isOnPace = due !== undefined && timestampMs >= due && timestampMs < due + this.#periodMs;
    this.#dueMs = (isOnPace ? due : timestampMs) + this.#periodMs;
    return true;
  }
}
