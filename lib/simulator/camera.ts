import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { InitSection } from './mp4-init.js';

/** One whole fragment as a camera sends it. */
export interface CameraFragment {
  readonly init: InitSection;
  /** `moof` + `mdat`. Never changed. */
  readonly media: Buffer;
  /** Unix ms, with fractions, of tick 0 of the producer connection it belongs to. */
  readonly connectionMs: number;
  /** Decode time of its first sample since `connectionMs`, in ticks of the init section's timescale. */
  readonly decodeTicks: number;
  /** Capture time of its first picture, Unix ms with fractions. */
  readonly producerMs: number;
  readonly durationMs: number;
  /** Pictures in it. */
  readonly frames: number;
  /** When, on the simulator's clock, sending it began and was complete. */
  readonly sentFromMs: number;
  readonly sentUntilMs: number;
}

/** What a camera works with: the stream it feeds. */
export interface CameraContext {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the stream takes to make a complete fragment visible. */
  readonly ingestDelayMs: number;
  /** Hands a fragment to the stream, in the order of sending. */
  publish(fragment: CameraFragment): void;
  /** Tells that the camera ended by itself: `null` at the end of its media, otherwise why. */
  ended(reason: Error | null): void;
}

/** A camera's place at a stream; remembers across connections how far it got. */
export interface CameraFeed {
  /**
   * Unix ms, with fractions, that a stamp's `captureMs` counts from: 0 for a live camera; for a clip,
   * the capture time of the first picture of loop 0, as the current or last connection has it.
   */
  readonly stampEpochMs: number;
  /** Opens a producer connection; resolves when media is under way. Throws `CameraError`. */
  start(): Promise<void>;
  /** Ends the connection; a fragment that is not complete is lost. Idempotent. */
  stop(): Promise<void>;
}

/** A description of a camera; may feed several streams at once. */
export interface Camera {
  open(context: CameraContext): CameraFeed;
}
