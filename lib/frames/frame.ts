import { FrameSourceError } from '../errors.js';

/** Whose clock a frame's time is: see {@link Frame.timestampMs}. */
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

/** What a frame is made of; the slot's lease is in `free`. */
export interface FrameParts {
  data: Buffer;
  width: number;
  height: number;
  stride: number;
  index: number;
  ptsMs: number;
  timestampMs: number;
  timestampSource: TimestampSource;
  keyFrame: boolean;
  discontinuity: boolean;
  gapMs: number;
  damaged: boolean;
  synthetic: boolean;
  fragment: FrameFragment;
  free: () => void;
}

/** A frame that is dropped without release would hold its slot for ever: then the collector gives it back. */
const forgotten = new FinalizationRegistry<{ free: (() => void) | undefined }>((lease) => {
  lease.free?.();
  lease.free = undefined;
});

/**
 * One decoded picture: a lease on a slot of the source's ring.
 *
 * The pixels are valid until the frame is released. Frames that come from `for await`, `frames()` or `read()` are
 * released when the next one is asked for, unless {@link Frame.retain} was called.
 */
export class Frame {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Bytes from one row to the next: width × 3, rows are not padded. */
  readonly stride: number;
  /** How `data` is laid out: three bytes per pixel, blue, green, red. */
  readonly format = 'bgr24';
  /** Counts up by one from 0 over the life of the source, across sessions and reconnections. A synthetic frame has that of the
   *  frame it repeats. */
  readonly index: number;
  /** Presentation time as the container carries it, in ms. Its base is arbitrary and may jump between fragments. */
  readonly ptsMs: number;
  /**
   * When the picture was taken, Unix ms with fractions: the date of its fragment plus its offset within it.
   *
   * By the producer's clock, or by the server's if `fragmentSelectorType` is `SERVER_TIMESTAMP`. Where the playlist
   * has no date, or an absurd one (1970, days off in a live stream), it is reckoned back from the moment the
   * fragment arrived, and {@link Frame.timestampSource} says `received`.
   */
  readonly timestampMs: number;
  readonly timestampSource: TimestampSource;
  /** The picture was coded on its own. */
  readonly keyFrame: boolean;
  /** Media may be missing between the frame before and this one, or the clock or the codec data changed between them. */
  readonly discontinuity: boolean;
  /** Media time that is missing right before this frame, ms; 0 as a rule. */
  readonly gapMs: number;
  /** The decoder had to conceal errors in it. */
  readonly damaged: boolean;
  /** Not read from the stream: a repetition of the frame before it, made up for missing media. */
  readonly synthetic: boolean;
  readonly fragment: FrameFragment;

  readonly #parts: FrameParts;
  /** Frames that were not released of those that show this picture. */
  readonly #sharers: { count: number };
  readonly #lease: { free: (() => void) | undefined };
  #leases = 1;
  #isRegistered = false;

  /** @internal */
  constructor(parts: FrameParts, sharers = { count: 1 }) {
    this.width = parts.width;
    this.height = parts.height;
    this.stride = parts.stride;
    this.index = parts.index;
    this.ptsMs = parts.ptsMs;
    this.timestampMs = parts.timestampMs;
    this.timestampSource = parts.timestampSource;
    this.keyFrame = parts.keyFrame;
    this.discontinuity = parts.discontinuity;
    this.gapMs = parts.gapMs;
    this.damaged = parts.damaged;
    this.synthetic = parts.synthetic;
    this.fragment = parts.fragment;
    this.#parts = parts;
    this.#sharers = sharers;
    const free = (): void => {
      sharers.count -= 1;
      if (sharers.count === 0) parts.free();
    };
    this.#lease = { free };
  }

  /**
   * The pixels: BGR24, height × stride bytes, top row first, in memory that native code wrote and nobody copied.
   *
   * Valid until the frame is released; keep a copy (`Buffer.from(frame.data)`) to keep pixels longer. Throws
   * `FRAME_RELEASED` after that.
   */
  get data(): Buffer {
    if (this.#leases === 0) {
      throw new FrameSourceError(
        'FRAME_RELEASED',
        `Frame ${this.index} was released, its memory may hold a later picture. Call frame.retain() before asking ` +
          'for the next frame to keep it, and frame.release() when done.',
      );
    }
    return this.#parts.data;
  }

  /** Now minus the time the picture was taken, in ms. Meaningful as far as the two clocks agree. */
  get ageMs(): number {
    return Date.now() - this.timestampMs;
  }

  /** True once the pixels are no longer this frame's. */
  get released(): boolean {
    return this.#leases === 0;
  }

  /** Keeps the frame beyond the next one, until {@link Frame.release} was called once for each `retain`. */
  retain(): this {
    if (this.#leases === 0) {
      throw new FrameSourceError('FRAME_RELEASED', `Frame ${this.index} was released and can't be retained`);
    }
    this.#leases += 1;
    if (!this.#isRegistered) {
      this.#isRegistered = true;
      forgotten.register(this, this.#lease, this);
    }
    return this;
  }

  /** Ends a lease; the last one gives the memory back. Calling it once too often does nothing. */
  release(): void {
    if (this.#leases === 0) return;
    this.#leases -= 1;
    if (this.#leases > 0) return;
    if (this.#isRegistered) forgotten.unregister(this);
    this.#lease.free?.();
    this.#lease.free = undefined;
  }

  /**
   * The same picture again, as a frame of its own taken at another time, which stays valid until it is released itself.
   * @internal
   */
  repeat(timestampMs: number): Frame {
    if (this.#leases === 0) {
      throw new FrameSourceError('FRAME_RELEASED', `Frame ${this.index} was released and can't be repeated`);
    }
    this.#sharers.count += 1;
    const parts = { ...this.#parts, timestampMs, discontinuity: false, gapMs: 0, synthetic: true };
    return new Frame(parts, this.#sharers);
  }

  /** `using frame = …` releases it at the end of the block. */
  [Symbol.dispose](): void {
    this.release();
  }
}
