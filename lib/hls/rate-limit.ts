import { sleep, type Clock } from '../clock.js';

/**
 * The span in which a server counts, in ms: a second, and some for requests that arrive closer together than they were sent.
 */
const SPAN_MS = 1050;

/** Keeps requests of one kind below so many a second, by making them wait. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  /** When the last requests were let go, oldest first. */
  #sentMs: number[] = [];

  /** `perSecond`: an integer ≥ 1, or `Infinity`. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
  }

  /** Resolves when the next request may go; rejects with the signal's reason. Callers do not overlap. */
  async admit(signal: AbortSignal): Promise<void> {
    if (this.#perSecond === Infinity) return;
    const oldest = this.#sentMs.at(-this.#perSecond);
    const waitMs = oldest === undefined ? 0 : oldest + SPAN_MS - this.#clock.monotonic();
    if (waitMs > 0) await sleep(this.#clock, waitMs, signal);
    this.#sentMs = [...this.#sentMs, this.#clock.monotonic()].slice(-this.#perSecond);
  }
}
