/** What decoding and a busy host may take: so much later than it came a fragment is begun, ms. */
const SPARE_MS = 100;
/** What can be spared for this long is given up, ms. */
const WINDOW_MS = 30_000;
/**
 * Frames are handed over so much faster than they were taken while time is given up, which nobody sees; after an outage faster still,
 * so that what it has cost is given up within a window.
 */
const HURRY = 0.05;
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
    const maxHoldMs = this.#isLive ? MAX_HOLD_MS.live : MAX_HOLD_MS.recording;
    if (isBreak || spareMs < 0 || spareMs > maxHoldMs) {
      this.#delayMs = lagMs + SPARE_MS;
      this.#surplusMs = 0;
      this.#startWindow(atMs);
      return;
    }
    this.#spareMs = Math.min(this.#spareMs, spareMs);
    if (atMs < this.#windowEndsMs) return;
    // A recording always comes early.
    this.#surplusMs = this.#isLive ? Math.max(0, this.#spareMs - SPARE_MS) : 0;
    this.#hurry = Math.max(HURRY, this.#surplusMs / WINDOW_MS);
    this.#startWindow(atMs);
  }

  /** A frame that lasts so long was handed over. */
  taken(durationMs: number): void {
    const ms = Math.min(this.#surplusMs, durationMs * this.#hurry);
    this.#surplusMs -= ms;
    if (this.#delayMs !== undefined) this.#delayMs -= ms;
  }

  /** When the frame is to be handed over. */
  dueMs(captureMs: number): number {
    return captureMs + (this.#delayMs ?? -Infinity);
  }

  /** The capture time that is due now. */
  captureMs(atMs: number): number {
    return atMs - (this.#delayMs ?? Infinity);
  }

  #startWindow(atMs: number): void {
    this.#spareMs = Infinity;
    this.#windowEndsMs = atMs + WINDOW_MS;
  }
}
