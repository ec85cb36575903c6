import type { EngineStats } from '../binding.js';
import type { VariantInfo } from './hls/fragment.js';
import type { DropCause, DropTotals } from './policy/drop.js';
import type { FaultClass } from './policy/fault.js';
import type { GapCause, GapTotals } from './policy/gap.js';
import type { ConnectionState, SourcePhase } from './policy/supervisor.js';
import type { CallCount } from './session/call-counts.js';

/** Numbers of one source since it was made. */
export interface SourceMetrics {
  /** Frames handed to the program. */
  frames: number;
  /** Fragments handed to the decoder, and their bytes without init sections. */
  fragments: number;
  fragmentBytes: number;
  /** Bytes of playlists, init sections and fragments, catch-up and second copies included. */
  fetchedBytes: number;
  /** What downloads of fragments have brought of late, bytes per second; `null` before the first. */
  bandwidthBytesPerSecond: number | null;
  /** Calls of the control plane so far, by API and result. */
  calls: readonly CallCount[];
  /** The variant of the newest fragment; `null` where the stream has no master playlist. */
  variant: VariantInfo | null;
  /** Reconnections tried after a failure. */
  reconnects: number;
  /** Sessions acquired after the first one, renewals and reconnections alike. */
  urlRefreshes: number;
  /** Sessions that took over from one that still played. */
  renewals: number;
  /** Failed calls, loads and renewals, and damaged fragments. */
  readErrors: number;
  /** Failures by what they mean for the reader; `expired` and `offline` are no errors. */
  faultsByClass: Record<FaultClass, number>;
  /** Failures since the last good frame that count towards `maxConsecutiveErrors`. */
  consecutiveErrors: number;
  /**
   * Media time of the frames decoded so far, ms. With `gapMs` and `droppedMs` it adds up to the time line from the first frame
   * to the end of the last.
   */
  mediaMs: number;
  /** Holes in the media time, and what is missing in ms. */
  gaps: number;
  gapMs: number;
  /** The same as told, by cause; what came late is not taken off. */
  gapsByCause: Record<GapCause, GapTotals>;
  /** Media time in ms that was missing and was had after all: late fragments, and `catchUp`. */
  recoveredMs: number;
  /** Media time in ms of pictures that were there and were not handed over, and by cause how many and how much. */
  droppedMs: number;
  dropsByCause: Record<DropCause, DropTotals>;
  /** Damaged fragments that were fetched once more, and those of them that were whole then. */
  refetchedFragments: number;
  repairedFragments: number;
  /** Pictures repeated to fill holes; never part of `frames`. */
  syntheticFrames: number;
  /** Frames decoded and not yet asked for. */
  bufferedFrames: number;
  /** Capture time of the last frame handed over, Unix ms; `null` before the first. */
  lastFrameTimestampMs: number | null;
  /** Size of the camera's pictures; `null` before the first. */
  picture: { width: number; height: number } | null;
  connectionState: ConnectionState;
  /** The finer state. */
  phase: SourcePhase;
  /** The session in use; `null` if there is none. */
  session: { id: number; expiresAtMs: number } | null;
  /** Counters of the native engine; `null` before the start and after the stop. */
  engine: EngineStats | null;
}
