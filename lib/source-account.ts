import type { Clock } from './clock.js';
import type { DecoderNews } from './events.js';
import type { PictureFormat } from './frames/engine.js';
import type { Frame } from './frames/frame.js';
import type { FragmentRhythm } from './health.js';
import { flowEndsAfterMs } from './health.js';
import type { Fragment, VariantInfo } from './hls/fragment.js';
import { Histogram } from './metrics/histogram.js';
import { FRAME_AGE_BOUNDS } from './metrics/reading.js';
import { faultClasses, type FaultClass } from './policy/fault.js';
import { RecentCount } from './recent-count.js';
import type { Session } from './session/provider.js';

const HOUR_MS = 3_600_000;
/** Fragments whose median length is the rhythm. */
const RHYTHM_FRAGMENTS = 8;

/** What a source has counted and seen since it was made. Counting a frame must cost nothing: plain numbers. */
export class SourceAccount {
  frames = 0;
  syntheticFrames = 0;
  reconnects = 0;
  readErrors = 0;
  fragments = 0;
  fragmentBytes = 0;
  fragmentsInSession = 0;
  sessions = 0;
  renewals = 0;
  /** Capture time of the last frame handed over, Unix ms; 0 before the first. */
  lastFrameTimestampMs = 0;
  variant: VariantInfo | null = null;
  format: PictureFormat | null = null;
  decoder: DecoderNews | null = null;
  /** The session in use was opened then, monotonic ms. */
  sessionSinceMs: number | null = null;
  /** A frame was decoded last then, monotonic ms, and was taken then, Unix ms. */
  decodedAtMs: number | null = null;
  /** Pictures that had been older than `maxAgeMs` by then. */
  agedPicturesBefore = 0;
  newestCaptureMs: number | null = null;
  readonly faultsByClass: Record<FaultClass, number>;
  /** What failed last, in words. */
  lastFault: string | null = null;
  /** Age of frames when they were handed over, in seconds. */
  readonly frameAge = new Histogram(FRAME_AGE_BOUNDS);
  readonly #clock: Clock;
  readonly #recentReconnects = new RecentCount(HOUR_MS);
  #durationsMs: number[] = [];
  /** Pictures came last then, monotonic ms. */
  #progressAtMs: number | null = null;
  /** The phase began, and frames have flowed since, monotonic ms. */
  #phaseSinceMs: number;
  #flowSinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#phaseSinceMs = this.#flowSinceMs = clock.monotonic();
    this.faultsByClass = Object.fromEntries(faultClasses.map((one) => [one, 0])) as Record<
      FaultClass,
      number
    >;
  }

  /** A frame is handed over. */
  onFrame(frame: Frame): void {
    if (frame.synthetic) {
      this.syntheticFrames += 1;
      return;
    }
    this.frames += 1;
    this.lastFrameTimestampMs = frame.timestampMs;
    // A camera whose clock is ahead gives frames from the future; a sum must not fall.
    this.frameAge.observe(Math.max(0, this.#clock.now() - frame.timestampMs) / 1000);
  }

  /** Frames were decoded. `stallMs`: so long without anything new is a stall; `agedPictures`: all that were too old so far. */
  onDecoded(newest: Frame, stallMs: number | null, agedPictures: number): void {
    this.onProgress(stallMs);
    this.agedPicturesBefore = agedPictures;
    this.decodedAtMs = this.#progressAtMs;
    this.newestCaptureMs = newest.timestampMs;
  }

  /** Pictures came, though none may be wanted. */
  onProgress(stallMs: number | null): void {
    const now = this.#clock.monotonic();
    const before = this.#progressAtMs;
    if (before !== null && stallMs !== null && now - before > flowEndsAfterMs(stallMs)) {
      this.#flowSinceMs = now;
    }
    this.#progressAtMs = now;
  }

  /** A fragment came. */
  onFragment(fragment: Fragment): void {
    this.fragmentsInSession += 1;
    this.fragments += 1;
    this.fragmentBytes += fragment.media.length;
    this.variant = fragment.variant;
    if (fragment.durationMs > 0) {
      this.#durationsMs = [...this.#durationsMs, fragment.durationMs].slice(-RHYTHM_FRAGMENTS);
    }
  }

  onSession(isRenewal: boolean): void {
    this.fragmentsInSession = 0;
    this.sessions += 1;
    if (isRenewal) this.renewals += 1;
    this.sessionSinceMs = this.#clock.monotonic();
  }

  onFault(fault: FaultClass, message: string): void {
    this.faultsByClass[fault] += 1;
    this.lastFault = message;
  }

  onReconnect(): void {
    this.reconnects += 1;
    this.#recentReconnects.add(this.#clock.monotonic());
  }

  onPhase(): void {
    this.#phaseSinceMs = this.#flowSinceMs = this.#clock.monotonic();
  }

  /** Sessions acquired after the first one. */
  get urlRefreshes(): number {
    return Math.max(0, this.sessions - 1);
  }

  /** Size of the camera's pictures. */
  get picture(): { width: number; height: number } | null {
    if (this.format === null) return null;
    const { sourceWidth: width, sourceHeight: height } = this.format;
    return { width, height };
  }

  get reconnectsLastHour(): number {
    return this.#recentReconnects.count(this.#clock.monotonic());
  }

  /** `stallMs`: so long may the list show nothing new. */
  rhythm(stallMs: number | null): FragmentRhythm {
    const sorted = [...this.#durationsMs].sort((a, b) => a - b);
    return { fragmentMs: sorted[sorted.length >> 1] ?? null, stallAfterMs: stallMs };
  }

  /** Monotonic ms since when the phase is what it is, frames have flowed in it, and no picture came. */
  get since(): { phaseMs: number; flowMs: number; progressMs: number | null } {
    return { phaseMs: this.#phaseSinceMs, flowMs: this.#flowSinceMs, progressMs: this.#progressAtMs };
  }

  /** Age of the session in use, ms; `null` if there is none. */
  sessionAgeMs(session: Session | undefined): number | null {
    if (session === undefined || this.sessionSinceMs === null) return null;
    return this.#clock.monotonic() - this.sessionSinceMs;
  }
}
