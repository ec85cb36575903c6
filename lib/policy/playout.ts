/** What decoding and a busy host may take: so much later than it came a fragment is begun, ms. */
const SPARE_MS = 100;
/** What can be spared for this long is given up, ms. */
const WINDOW_MS = 30_000;
/** Frames are handed over up to this much faster than they were taken while time is given up: nobody sees that. */
const HURRY = 0.05;
/**
 * A fragment that comes so much later than any before, ms, or behind a break, is an outage's doing. What that has cost is given up sooner: what was
 * missed comes at once for a while, is looked at for as long, and then frames go up to twice as fast.
 */
const OUTAGE_MS = 3_000;
const AFTER_OUTAGE_MS = 5_000;
const MAX_HURRY = 1;
/**
 * What would be due later than that has another clock than what came before: no fragment is longer than 20 s (kvs-hls §2.1),
 * and of a recording a few are read ahead.
 */
const MAX_HOLD_MS = { live: 20_000, recording: 120_000 };

/**
 * When frames are due that come in bursts of a fragment, so that they are handed over at the pace they were taken at: all so
 * long after their capture as the first of the fragment that took longest to come. Capture times are the stream's, in ms;
 * `atMs` is any clock that never steps.
 */
export class Playout {
  readonly #isLive: boolean;
  /** From a frame's capture to when it is due; `undefined` before the first fragment. */
  #delayMs: number | undefined;
  /** How much earlier than due fragments came, the least of this window and of the one before. */
  #spareMs = Infinity;
  #windowEndsMs = -Infinity;
  #windowStartsMs = -Infinity;
  /** What is still to be given up. */
  #surplusMs = 0;
  #hurry = HURRY;

  constructor(isLive: boolean) {
    this.#isLive = isLive;
  }

  /** A fragment came, whose first picture was taken at `captureMs`. `isBreak`: that can't be compared with those before. */
  arrived(captureMs: number, atMs: number, isBreak: boolean): void {
    const lagMs = atMs - captureMs;
    const spareMs = (this.#delayMs ?? -Infinity) - lagMs;
    if (isBreak || spareMs < 0 || spareMs > this.#maxHoldMs) {
      const isOutage = this.#delayMs !== undefined && (isBreak || spareMs < -OUTAGE_MS);
      this.#delayMs = lagMs + SPARE_MS;
      this.#surplusMs = 0;
      if (isOutage) this.#startWindow(atMs + AFTER_OUTAGE_MS, AFTER_OUTAGE_MS);
      else this.#startWindow(atMs, WINDOW_MS);
      return;
    }
    if (atMs < this.#windowStartsMs) return;
    this.#spareMs = Math.min(this.#spareMs, spareMs);
    if (atMs < this.#windowEndsMs) return;
    // A recording always comes early.
    this.#surplusMs = this.#isLive ? Math.max(0, this.#spareMs - SPARE_MS) : 0;
    this.#hurry = this.#surplusMs > OUTAGE_MS ? MAX_HURRY : HURRY;
    this.#startWindow(atMs, WINDOW_MS);
  }

  /** A frame that lasts so long was handed over. */
  taken(durationMs: number): void {
    const ms = Math.min(this.#surplusMs, durationMs * this.#hurry);
    this.#surplusMs -= ms;
    this.#spareMs -= ms;
    if (this.#delayMs !== undefined) this.#delayMs -= ms;
  }

  /** When the frame is to be handed over. */
  dueMs(captureMs: number): number {
    return captureMs + (this.#delayMs ?? -Infinity);
  }

  /** In how many ms it is, 0 if that is now; also now if it would be later than anything is held: its time is that of a clock that was
   *  set since. */
  dueInMs(captureMs: number, atMs: number): number {
    const inMs = this.dueMs(captureMs) - atMs;
    return inMs > this.#maxHoldMs ? 0 : Math.max(0, inMs);
  }

  /** The capture time that is due now. */
  captureMs(atMs: number): number {
    return atMs - (this.#delayMs ?? Infinity);
  }

  get #maxHoldMs(): number {
    return this.#isLive ? MAX_HOLD_MS.live : MAX_HOLD_MS.recording;
  }

  #startWindow(startMs: number, lengthMs: number): void {
    this.#spareMs = Infinity;
    this.#windowStartsMs = startMs;
    this.#windowEndsMs = startMs + lengthMs;
  }
}
