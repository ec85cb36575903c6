import { sleep, type Clock } from '../clock.js';

/**
 * The span in which a server counts, in ms: a second, and some for requests that arrive closer together than they were sent.
 */
const SPAN_MS = 1050;

/** Keeps requests of one kind below so many a second, by making them wait. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  /** When the last requests are to go or went, oldest first. */
  #sent: { atMs: number }[] = [];

  /** `perSecond`: an integer ≥ 1, or `Infinity`. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
  }

  /** Resolves when the next request may go, in the order of the calls; rejects with the signal's reason. */
  async admit(signal: AbortSignal): Promise<void> {
    if (this.#perSecond === Infinity) return;
    const nowMs = this.#clock.monotonic();
    const oldest = this.#sent.at(-this.#perSecond);
    const slot = { atMs: oldest === undefined ? nowMs : Math.max(nowMs, oldest.atMs + SPAN_MS) };
    this.#sent = [...this.#sent, slot].slice(-this.#perSecond);
    if (slot.atMs <= nowMs) return;
    await sleep(this.#clock, slot.atMs - nowMs, signal);
    slot.atMs = this.#clock.monotonic();
  }
}
