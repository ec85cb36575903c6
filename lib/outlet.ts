import type { Clock } from './clock.js';
import type { Frame } from './frames/frame.js';
import type { RingSupply } from './frames/ring.js';
import type { CheckedFrameSourceOptions } from './options.js';

/** A source as those see it who hand its frames on: batches and groups. */
export interface Outlet {
  readonly cameraId: string;
  readonly clock: Clock;
  readonly options: CheckedFrameSourceOptions;
  /** Told when {@link Outlet.take} or {@link Outlet.outcome} may answer otherwise. */
  onNews: (() => void) | undefined;
  /** Makes the caller its one consumer. Throws `ALREADY_READING`. */
  claim(): void;
  unclaim(): void;
  /** `stop` was called. */
  readonly isStopped: boolean;
  /** Where its frames are written can't be changed any more: it was begun or stopped, or that was chosen before. */
  readonly isPlaced: boolean;
  /** Frames are to be written there. REQUIRES: not `isPlaced`. */
  useRings(rings: RingSupply): void;
  begin(): void;
  /** The next frame if it can be handed over now; its lease is the caller's. */
  take(): Frame | undefined;
  /** In how many ms the next one can be, if one is there that has to wait. */
  readonly dueInMs: number | undefined;
  /** Set when no frame will come any more; `error` is `null` at a regular end. */
  readonly outcome: { error: Error | null } | undefined;
  /** Ends everything, as its reader; what it gave up with can be seen in the metrics until the program stops it. */
  close(): Promise<void>;
}
