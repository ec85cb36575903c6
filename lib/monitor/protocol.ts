import type { HealthStatus, PlannedStep } from '../health.js';
import type { GapCause } from '../policy/gap.js';
import type { FaultAction } from './fault-control.js';

/** What the page shows of a camera as it is now. A tick brings only those that changed. Times are Unix ms. */
export interface CameraFacts {
  status: HealthStatus;
  healthy: boolean;
  /** In words. */
  reason: string;
  sinceMs: number;
  /** What the reader does next by itself, and when. */
  nextStep: PlannedStep['what'] | null;
  nextAtMs: number | null;
  /** How old the newest decoded frame is by its capture time; `null` before the first. */
  ageMs: number | null;
  /** Capture time of the last frame handed over. */
  capturedMs: number | null;
  /** Frames a second, handed over of late; `null` while not known. */
  fps: number | null;
  /** Media that came of late, bytes per second; `null` while not known. */
  bytesPerSecond: number | null;
  /** Of the camera's pictures, in pixels. */
  width: number | null;
  height: number | null;
  frames: number;
  /** Holes told so far, recovered ones not counted, and their media time. */
  gapCount: number;
  missingMs: number;
  /** Pictures dropped since their consumer was slow. */
  droppedFrames: number;
  readErrors: number;
  renewals: number;
  reconnectsLastHour: number;
  sessionId: number | null;
  /** `null` where there is no session, or one that never expires. */
  expiresAtMs: number | null;
  /** Median length of the newest fragments, and for how long silence is no stall. */
  fragmentMs: number | null;
  stallAfterMs: number | null;
  /** Where pictures are decoded. */
  decoder: 'none' | 'cuda' | 'vaapi' | null;
  /** What is being done to it by a button: the id of an action. */
  fault: string | null;
}

/** A status and when it began. */
export interface StatusMark {
  atMs: number;
  status: HealthStatus;
}

/** A hole in the media time. */
export interface GapNote {
  /** When it was told. */
  atMs: number;
  cause: GapCause;
  /** Media time that is missing. */
  ms: number;
  fragments: number;
  recovered: boolean;
  /** Where it lies on the stream's own clock; `null` if the stream is not dated there. */
  fromMs: number | null;
}

/** A connection that was to be made again. */
export interface ReconnectNote {
  atMs: number;
  /** How long was waited before it. */
  afterMs: number;
  /** What failed: its code, and in words. */
  code: string;
  reason: string;
}

/** A camera with what was kept of it. Lists are oldest first. */
export interface CameraSnapshot {
  id: string;
  facts: CameraFacts;
  strip: StatusMark[];
  /** `ageMs` and `bytesPerSecond` once a second, up to now. */
  ages: (number | null)[];
  rates: (number | null)[];
  gaps: GapNote[];
  reconnects: ReconnectNote[];
}

/** The first event of a stream, `snapshot`. */
export interface Snapshot {
  nowMs: number;
  /** How much of the past is kept: of the strip in ms, of ages and rates in seconds, of gaps and reconnects by number. */
  stripMs: number;
  seriesLength: number;
  notesLength: number;
  /** What buttons there are; none without something that makes cameras fail. */
  actions: readonly FaultAction[];
  cameras: CameraSnapshot[];
}

/** What changed of a camera. */
export interface CameraChange {
  id: string;
  facts: Partial<CameraFacts>;
  /** New ones. */
  gaps?: GapNote[];
  reconnects?: ReconnectNote[];
}

/** The event `tick`: once a second, and at once when a camera's state changes. */
export interface Tick {
  nowMs: number;
  /** The second's own: `ageMs` and `bytesPerSecond` of all cameras join their series. */
  isSample: boolean;
  cameras: CameraChange[];
  added: CameraSnapshot[];
  /** Ids of cameras that are shown no more. */
  gone: string[];
}
