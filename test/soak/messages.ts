// What the processes of a soak tell each other: the world (cameras and their faults), the reader, and the judge between them.
import type { SoakCameraName } from './cameras';

/** A fragment that a camera sent. Its pictures are numbered over all that the camera ever sent. */
export interface Sent {
  serial: number;
  pictures: number;
  /** Capture time of the first picture: as the camera dates it, and as it was. Unix ms. */
  dateMs: number;
  trueMs: number;
  pictureMs: number;
  width: number;
  /** The first picture's number in its stamp, and how many numbers there are until they begin anew. */
  stamp: number;
  stamps: number;
}

export type WorldMessage =
  | { type: 'open'; doors: Record<SoakCameraName, Door> }
  | { type: 'sent'; camera: SoakCameraName; sent: readonly Sent[] }
  | { type: 'fault'; camera: SoakCameraName; faults: readonly string[]; isOver: boolean }
  | { type: 'calm' }
  | { type: 'silent' }
  | { type: 'figures'; figures: { requests: number; sessions: number } }
  | Trouble;

/** How a camera's service is reached. */
export interface Door {
  endpoint: string;
  region: string;
}

/** Frames as numbers, so many for each: see {@link SEEN}. */
export const SEEN = ['stamp', 'width', 'timestampMs', 'gapMs', 'flags', 'index'] as const;
export const FLAG = { discontinuity: 1, damaged: 2, synthetic: 4, received: 8, keyFrame: 16 } as const;

export type ReaderMessage =
  | { type: 'began'; id: number; camera: SoakCameraName; how: ReadingKind }
  | { type: 'seen'; seen: readonly (readonly [id: number, frames: readonly number[]])[] }
  | { type: 'ended'; id: number; code: string | null; totals: ReadingTotals }
  | { type: 'vitals'; vitals: Vitals }
  | { type: 'calm' }
  | { type: 'done'; before: Vitals; after: Vitals; delays: LoopDelays; counts: Record<string, number> }
  | Trouble;

/** Something that must not happen in a process. */
export interface Trouble {
  type: 'trouble';
  text: string;
}

/** What can be asked of a reading: all pictures, or those that were in time; known by their pixels, or by their times. */
export interface ReadingKind {
  isEvery: boolean;
  isEncoded: boolean;
  isBatched: boolean;
}

/** A source's own figures at its end. */
export interface ReadingTotals {
  frames: number;
  mediaMs: number;
  gaps: number;
  gapMs: number;
  droppedMs: number;
  recoveredMs: number;
  reconnects: number;
  renewals: number;
  readErrors: number;
}

/** What a process holds, after a collection. */
export interface Vitals {
  /** Since the reader's start, s. */
  atSeconds: number;
  rssMiB: number;
  heapMiB: number;
  externalMiB: number;
  threads: number;
  sockets: number;
  descriptors: number;
  /** Timers, requests and handles that keep an event loop alive. */
  resources: number;
  byResource: Record<string, number>;
}

/** Of the event loop of the program that reads, ms. */
export interface LoopDelays {
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

/** What the judge asks of the world and the reader. */
export type Order =
  { type: 'begin'; doors: Record<SoakCameraName, Door> } | { type: 'calm' } | { type: 'end' };
