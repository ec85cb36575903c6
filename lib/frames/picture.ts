import {
  boxToSource,
  shapeOf,
  toSource,
  type Box,
  type FrameLayout,
  type Framing,
  type PixelFormat,
} from './layout.js';
import type { Span, Tensor } from './ring.js';

/** Whose clock a frame's time is: see {@link Picture.timestampMs}. */
export type TimestampSource = 'producer' | 'server' | 'received';

/** The fragment a frame came in. */
export interface FrameFragment {
  /** KVS's fragment number as text (session-local in LIVE, 47 digits in ON_DEMAND); `null` on other servers. */
  readonly number: string | null;
  /** Media sequence number within its session. */
  readonly sequence: number;
  /** Date of its first picture, Unix ms; `null` if the playlist had none. */
  readonly dateMs: number | null;
  /** Length in ms, as the playlist says. */
  readonly durationMs: number;
  /** The session it was fetched from, counted from 1. */
  readonly sessionId: number;
}

/** What a frame says of the media right before it. */
export interface FrameBreak {
  /** Media may be missing between the frame before and this one, or the clock or the codec data changed between them. */
  readonly discontinuity: boolean;
  /** Media time that is missing right before this frame, ms. */
  readonly gapMs: number;
}

/** What is known of a picture, as plain values. */
export interface PictureFacts extends FrameBreak {
  cameraId: string;
  /** Of its memory, those that are used. */
  bytes: number;
  layout: FrameLayout;
  codec: 'h264' | 'hevc';
  /** With access units only. */
  parameterSets: Buffer | null;
  index: number;
  ptsMs: number;
  dtsMs: number;
  durationMs: number;
  timestampMs: number;
  timestampSource: TimestampSource;
  keyFrame: boolean;
  damaged: boolean;
  synthetic: boolean;
  fragment: FrameFragment;
}

/** What can be read of a frame, in the thread that reads the source and in workers alike. */
export abstract class Picture implements Disposable {
  /** The source's. */
  readonly cameraId: string;
  /** Width in pixels: the output's, or of an access unit the coded picture's. */
  readonly width: number;
  /** Height in pixels, likewise. */
  readonly height: number;
  /** Bytes from one row to the next of the first plane, with no padding: width × 3 for `bgr24` and `rgb24`, width for `gray8`, `nv12` and
   *  `i420`, width × 4 or 2 for planes of floats; 0 for access units. */
  readonly stride: number;
  /** How `data` is laid out, see `OutputOptions.format`; of an access unit how its NAL units are told apart. */
  readonly format: PixelFormat | Framing;
  /** Of the numbers in {@link Picture.tensor}. */
  readonly dataType: 'uint8' | 'float32' | 'float16';
  /** How the camera codes its pictures. */
  readonly codec: 'h264' | 'hevc';
  /** The camera's picture in pixels, whatever the frame's size. */
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** Counts up by one from 0 over the life of the source, across sessions and reconnections. A frame that `delivery` dropped when
   *  it was ready leaves a hole; a synthetic frame has that of the frame it repeats. */
  readonly index: number;
  /** Presentation time as the container carries it, in ms. Its base is arbitrary and may jump between fragments. */
  readonly ptsMs: number;
  /** Decoding time by the same clock, in ms; of pictures the same as `ptsMs` where nothing is reordered. */
  readonly dtsMs: number;
  /** Time to the next picture of the fragment, or its end, in ms. */
  readonly durationMs: number;
  /**
   * When the picture was taken, Unix ms with fractions: the date of its fragment plus its offset within it.
   *
   * By the producer's clock, or by the server's if `fragmentSelectorType` is `SERVER_TIMESTAMP`. Where the playlist
   * has no date, or an absurd one (1970, days off in a live stream), it is reckoned back from the moment the
   * fragment arrived, and {@link Picture.timestampSource} says `received`.
   */
  readonly timestampMs: number;
  readonly timestampSource: TimestampSource;
  /** The picture was coded on its own. */
  readonly keyFrame: boolean;
  /** The decoder had to conceal errors in it. */
  readonly damaged: boolean;
  /** Not read from the stream: a repetition of the frame before it, made up for missing media. */
  readonly synthetic: boolean;
  readonly fragment: FrameFragment;
  /** Of access units the codec data in use: an `avcC` or `hvcC` record, or NAL units with start codes; else `null`. */
  readonly parameterSets: Buffer | null;

  /** @internal */
  protected break: FrameBreak;
  readonly #layout: FrameLayout;
  readonly #bytes: number;

  /** @internal */
  protected constructor(facts: PictureFacts) {
    const { layout } = facts;
    this.cameraId = facts.cameraId;
    this.width = layout.width;
    this.height = layout.height;
    this.stride = layout.stride;
    this.format = layout.format;
    this.dataType = layout.dataType;
    this.codec = facts.codec;
    this.sourceWidth = layout.sourceWidth;
    this.sourceHeight = layout.sourceHeight;
    this.index = facts.index;
    this.ptsMs = facts.ptsMs;
    this.dtsMs = facts.dtsMs;
    this.durationMs = facts.durationMs;
    this.timestampMs = facts.timestampMs;
    this.timestampSource = facts.timestampSource;
    this.keyFrame = facts.keyFrame;
    this.break = { discontinuity: facts.discontinuity, gapMs: facts.gapMs };
    this.damaged = facts.damaged;
    this.synthetic = facts.synthetic;
    this.fragment = facts.fragment;
    this.parameterSets = facts.parameterSets;
    this.#layout = layout;
    this.#bytes = facts.bytes;
  }

  /** Its memory, while it is held. Throws `FRAME_RELEASED` after that. @internal */
  protected abstract held(): Span;

  /** True once the memory is no longer this frame's. */
  abstract get released(): boolean;

  abstract release(): void;

  /**
   * The frame, `format` says how, in memory that native code wrote and nobody copied; an access unit's bytes.
   *
   * Valid until the frame is released; keep a copy (`Buffer.from(frame.data)`) to keep pixels longer. Throws
   * `FRAME_RELEASED` after that.
   */
  get data(): Buffer {
    const { data } = this.held();
    return data.length === this.#bytes ? data : data.subarray(0, this.#bytes);
  }

  /**
   * The same memory as numbers: a Float32Array of `float32` frames, a Uint16Array of the bits of `float16`, else `data`.
   * Throws as {@link Picture.data}.
   */
  get tensor(): Tensor {
    const { dataType } = this.#layout;
    return dataType === 'uint8' ? this.data : this.held().tensor(dataType);
  }

  /** The shape of {@link Picture.tensor}: [height, width, 3], [3, height, width], [height, width], else [length]. */
  get shape(): readonly number[] {
    return shapeOf(this.#layout, this.#bytes);
  }

  /**
   * From the frame's coordinates to the camera's picture, exactly; both are continuous: (0, 0) is the left top corner of the left
   * top pixel. Points in the padding lie outside the picture. A box is mapped as a whole, and not cut at the picture's edge.
   */
  toSource(x: number, y: number): { x: number; y: number };
  toSource(box: Box): Box;
  toSource(at: number | Box, y = 0): { x: number; y: number } | Box {
    return typeof at === 'number' ? toSource(this.#layout, at, y) : boxToSource(this.#layout, at);
  }

  /** What the samples of `nv12` and `i420` mean: MatrixCoefficients of ITU-T H.273 (1: BT.709, 5 and 6: BT.601), and whether black
   *  is 0 and white 255, or 16 and 235; of other formats `null`. */
  get yuv(): { readonly matrix: number; readonly fullRange: boolean } | null {
    return this.#layout.yuv ?? null;
  }

  /** Media may be missing between the frame before and this one, or the clock or the codec data changed between them. */
  get discontinuity(): boolean {
    return this.break.discontinuity;
  }

  /** Media time that is missing right before this frame, ms; 0 as a rule. Dropped frames are not missing. */
  get gapMs(): number {
    return this.break.gapMs;
  }

  /** Now minus the time the picture was taken, in ms. Meaningful as far as the two clocks agree. */
  get ageMs(): number {
    return Date.now() - this.timestampMs;
  }

  /** `using frame = …` releases it at the end of the block. */
  [Symbol.dispose](): void {
    this.release();
  }
}
