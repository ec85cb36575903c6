import type { Frame } from './frames/frame.js';

/**
 * Longer holes are left as they are: a picture that old stands for nothing, and a night's silence would be a million
 * repetitions.
 */
const MAX_FILL_MS = 60_000;
/** Pictures closer to each other than this set no pace: no camera takes more than 250 a second. */
const MIN_PACE_MS = 4;

/**
 * Repeats the last picture where media time is missing, at the stream's own pace.
 *
 * A hole is known for one when the frame behind it comes; the repetitions go before that frame, dated evenly over the hole.
 */
export class GapFiller {
  /** Kept on loan, whatever the consumer does with it. */
  #last: Frame | undefined;
  /** Time from one picture to the next, ms. */
  #paceMs = 0;
  /** The frame behind the hole that is being filled. */
  #behind: Frame | undefined;
  /** The repetitions that are still due: how many of how many, and where they begin. */
  #due = { left: 0, count: 0, fromMs: 0, ms: 0 };

  /** The next frame to hand over, of those that `take` answers and those that are made up for holes. */
  next(take: () => Frame | undefined): Frame | undefined {
    const behind = this.#behind ?? take();
    if (behind === undefined) return undefined;
    if (this.#behind === undefined) this.#plan(behind);
    const { left, count, fromMs, ms } = this.#due;
    if (left > 0 && this.#last !== undefined) {
      this.#due.left -= 1;
      this.#behind = behind;
      return this.#last.repeat(fromMs + ((count - left) * ms) / count);
    }
    this.#behind = undefined;
    this.#last?.release();
    this.#last = behind.retain();
    return behind;
  }

  /** Gives back what is on loan. */
  close(): void {
    this.#last?.release();
    this.#behind?.release();
    this.#last = this.#behind = undefined;
    this.#due.left = 0;
  }

  #plan({ gapMs, timestampMs }: Frame): void {
    const last = this.#last;
    if (last === undefined) return;
    const stepMs = timestampMs - last.timestampMs;
    if (gapMs === 0 && stepMs >= MIN_PACE_MS) this.#paceMs = stepMs;
    if (gapMs === 0 || gapMs > MAX_FILL_MS || this.#paceMs === 0) return;
    const count = Math.round(gapMs / this.#paceMs);
    this.#due = { left: count, count, fromMs: timestampMs - gapMs, ms: gapMs };
  }
}
