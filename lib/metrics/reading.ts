import type { EngineStats } from '../../binding.js';
import type { HealthStatus } from '../health.js';
import type { LoadReading } from '../hls/load-statistics.js';
import type { FaultClass } from '../policy/fault.js';
import type { DropCause, DropTotals } from '../policy/drop.js';
import type { GapCause, GapTotals } from '../policy/gap.js';
import type { ConnectionState } from '../policy/supervisor.js';
import type { CallCount } from '../session/call-counts.js';
import type { HistogramReading } from './histogram.js';

/**
 * Buckets of frames' ages, in seconds: finest around what HLS takes with fragments of one or two seconds, and up to what
 * nobody calls live any more.
 */
export const FRAME_AGE_BOUNDS = [0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 30, 60] as const;

/** Memory that frames are written to, as of now. */
export interface RingReading {
  slots: number;
  /** Slots that are not free: being written, waiting to be taken, or on loan. */
  usedSlots: number;
  bytes: number;
}

/**
 * What one source shows at a scrape: a value, made when somebody asks and not before. Counters run from the source's making
 * and never fall; `null` is what is not known, or not there, now.
 */
export interface SourceReading {
  frames: number;
  syntheticFrames: number;
  reconnects: number;
  urlRefreshes: number;
  readErrors: number;
  consecutiveErrors: number;
  /** Capture time of the last frame handed over, Unix seconds; 0 before the first. */
  lastFrameTimestampSeconds: number;
  connectionState: ConnectionState;
  status: HealthStatus;
  healthy: boolean;
  /** Age of frames when they were handed over, in seconds. */
  frameAge: HistogramReading;
  gapsByCause: Readonly<Record<GapCause, Readonly<GapTotals>>>;
  recoveredSeconds: number;
  dropsByCause: Readonly<Record<DropCause, Readonly<DropTotals>>>;
  /** Failures by what they mean for the reader, those of renewals and damaged fragments among them. */
  faultsByClass: Readonly<Record<FaultClass, number>>;
  /** Control calls made so far, by API and result. */
  calls: readonly CallCount[];
  /** Requests to the media plane. */
  loads: LoadReading;
  /** The session in use. `expiresInSeconds`: negative once it is over; `null` where it never is. */
  session: { ageSeconds: number; expiresInSeconds: number | null } | null;
  /** Fragments handed to the decoder, and their bytes without init sections. */
  fragments: number;
  fragmentBytes: number;
  /** Damaged fragments that were fetched once more, and those of them that were whole then. */
  refetchedFragments: number;
  repairedFragments: number;
  /** Frames decoded and not yet asked for. */
  bufferedFrames: number;
  ring: RingReading | null;
  /** Size of the camera's pictures, in pixels. */
  picture: { width: number; height: number } | null;
  /** As of the engine's end, once it has ended. */
  engine: EngineStats | null;
}
