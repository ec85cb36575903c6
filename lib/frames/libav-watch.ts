import type { Clock } from '../clock.js';
import { FrameSourceError } from '../errors.js';

/** How often is looked while a call may last its whole time. */
const LOOKS = 8;
/** A call may last that many times as long as all of a fragment's together, and so long in any case: libavcodec takes seconds for a
 *  picture of 8192 × 8192, and more on a host with much to do. */
const TIMES = 2;
const LEAST_SECONDS = 10;

/**
 * Tells when the engine's thread does not come back from one single call of libav's, which nothing can break off. Time is counted
 * in looks, so that a process that was suspended meanwhile, or has much to do, has not used it up when it goes on.
 */
export class LibavWatch {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #calls: () => number;
  readonly #onStuck: (error: FrameSourceError) => void;
  #seenCalls = 0;
  #looks = 0;
  #cancel: () => void;

  /**
   * @param maxDecodeSeconds as in `SourceLimits`
   * @param calls odd while a call lasts, and another number for each; see `EngineStats.libavCalls`
   * @param onStuck called once
   */
  constructor(
    clock: Clock,
    maxDecodeSeconds: number,
    calls: () => number,
    onStuck: (error: FrameSourceError) => void,
  ) {
    this.#clock = clock;
    this.#stepMs = (Math.max(LEAST_SECONDS, TIMES * maxDecodeSeconds) * 1000) / LOOKS;
    this.#calls = calls;
    this.#onStuck = onStuck;
    this.#cancel = this.#lookLater();
  }

  stop(): void {
    this.#cancel();
  }

  #lookLater(): () => void {
    return this.#clock.afterIfAlive(this.#stepMs, () => this.#look());
  }

  #look(): void {
    const calls = this.#calls();
    const isInOne = calls % 2 === 1;
    this.#looks = isInOne && calls === this.#seenCalls ? this.#looks + 1 : 0;
    this.#seenCalls = calls;
    if (this.#looks < LOOKS) {
      this.#cancel = this.#lookLater();
      return;
    }
    const seconds = (this.#looks * this.#stepMs) / 1000;
    this.#onStuck(
      new FrameSourceError(
        'ENGINE_FAILED',
        `The decoder has not come back from one call for ${seconds} s, far longer than limits.maxDecodeSeconds; ` +
          `nothing can interrupt it, and its thread goes on until it does`,
      ),
    );
  }
}
