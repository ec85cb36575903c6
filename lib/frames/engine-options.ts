import type {
  DecoderOpening,
  EngineFault,
  EngineOptions,
  EngineOutput,
  LogLine,
  Selection,
} from '../../binding.js';
import type { Clock } from '../clock.js';
import type { FrameSourceError } from '../errors.js';
import type { FragmentBytes } from '../hls/fragment.js';
import type { SourceLimits } from '../limits.js';
import type { Drop } from '../policy/drop.js';
import type { Gap } from '../policy/gap.js';
import type { Ledger } from '../policy/ledger.js';
import type { Frame, FrameFragment } from './frame.js';
import type { Framing, PixelFormat } from './layout.js';
import type { RingMemory, RingSupply } from './ring.js';
import type { DateTrust } from './timestamp.js';

/** Those of a source's limits that hold for its engine. */
export type EngineLimits = Pick<
  Required<SourceLimits>,
  'maxPixels' | 'maxFramesPerFragment' | 'maxDecodeSeconds' | 'maxQueuedBytes' | 'maxMemoryBytes'
>;

export interface FrameEngineOptions {
  cameraId: string;
  bufferedFrames: number;
  memory: RingMemory;
  matrix: 'auto' | 'bt601' | 'bt709';
  decoderThreads: number;
  output: EngineOutput;
  selection: Selection;
  /** Access units, so framed, instead of pictures. */
  encoded: Framing | null;
  hwaccel: EngineOptions['hwaccel'];
  /** Default: `DEFAULT_LIMITS`. */
  limits?: EngineLimits;
  /** Default: the host's. */
  clock?: Clock;
  /** Why pictures below the floor are dropped. Default `age`. */
  lateCause?: Drop['cause'];
  /** Where the rings come from. Default: rings of its own, for `bufferedFrames` in `memory`. */
  rings?: RingSupply;
  dates: DateTrust;
  /** Keeps the account of the media time that comes out. */
  ledger: Ledger;
}

/** What frames look like, and how they were coded, from now on. */
export interface PictureFormat {
  /** In pixels. */
  width: number;
  height: number;
  /** Bytes per row of `frame.data`; 0 for access units. */
  stride: number;
  /** How `frame.data` is laid out, and the numbers of `frame.tensor`. */
  format: PixelFormat | Framing;
  dataType: 'uint8' | 'float32' | 'float16';
  /** The camera's picture in pixels. */
  sourceWidth: number;
  sourceHeight: number;
  /** How the pictures are coded. */
  codec: 'h264' | 'hevc';
}

export interface FrameEngineHooks {
  /** A fragment is in trouble: another copy of its bytes, or `null` if none can be had. */
  fetchAgain(fragment: FrameFragment): Promise<FragmentBytes | null>;
  /** Media time is missing, or was had after all. The frame behind it can't be taken yet. */
  onGap(gap: Gap): void;
  /** Pictures were dropped because they came too late; those that were never wanted are not told. */
  onDrop(drop: Drop): void;
  /** A decoder was opened where a device was asked for, or fell back. */
  onDecoder(opening: DecoderOpening): void;
  /** Frames wait to be taken; the newest of them. */
  onFrames(newest: Frame): void;
  /** The first frame, or one of another form than the one before, can be taken next. */
  onFormat(format: PictureFormat): void;
  /** A fragment was consumed: there is room for another. `isSound`: its pictures came out, wanted or not. */
  onRoom(isSound: boolean): void;
  /** A fragment, or part of it, could not be used. Later ones are not affected. */
  onFault(fault: EngineFault, fragment: FrameFragment | undefined): void;
  /** libav logged what belongs to no fault, oldest first. */
  onLog(lines: LogLine[]): void;
  /** After `finish`: the last frame has been made. */
  onEnded(): void;
  /** The engine can't go on, e.g. no memory for the ring. */
  onFailure(error: FrameSourceError): void;
}
