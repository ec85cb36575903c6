import { FrameSourceError } from '../errors.js';
import { encodeImage, jpegOf, PNG, type ImageForm, type JpegOptions } from './image.js';
import { Picture, type FrameBreak, type PictureFacts } from './picture.js';
import type { Slot } from './ring.js';
import { sharing, type FrameHandle, type ShareOptions } from './sharing.js';

export type { FrameBreak, FrameFragment, TimestampSource } from './picture.js';

/** What a frame is made of; the slot's lease is in `free`. */
export interface FrameParts extends PictureFacts {
  slot: Slot;
  /** Gives the slot back. */
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
export class Frame extends Picture {
  readonly #parts: FrameParts;
  /** Frames that were not released of those that show this picture, and files that are being made of it. */
  readonly #sharers: { count: number };
  readonly #letGo: () => void;
  readonly #lease: { free: (() => void) | undefined };
  #leases = 1;
  #isRegistered = false;

  /** @internal */
  constructor(parts: FrameParts, sharers = { count: 1 }) {
    super(parts);
    this.#parts = parts;
    this.#sharers = sharers;
    const free = (): void => {
      sharers.count -= 1;
      if (sharers.count === 0) parts.free();
    };
    this.#letGo = free;
    this.#lease = { free };
  }

  /** True once the pixels are no longer this frame's. */
  override get released(): boolean {
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
  override release(): void {
    if (this.#leases === 0) return;
    this.#leases -= 1;
    if (this.#leases > 0) return;
    if (this.#isRegistered) forgotten.unregister(this);
    this.#lease.free?.();
    this.#lease.free = undefined;
  }

  /**
   * The frame for another thread, or several: a handle that `postMessage` can send, and that `openFrame` of `kvs-frames/worker`
   * opens there over the same memory. Each handle is for one reader, who releases it; this frame is released as ever, and the
   * memory is used again once all are.
   *
   * A handle that nobody opened within `openWithinMs`, or before its `worker` ended, is taken back, and so is an opened frame
   * whose thread ended. At most 12 handles of a frame are out at a time, then it throws `FRAME_SHARED_OUT`. Also throws
   * `FRAME_RELEASED`, and `CONFIG_INVALID` for a wrong option and where the source has `memory: 'private'`.
   */
  share(options?: ShareOptions): FrameHandle {
    const place = this.held();
    const { slot: _slot, free: _free, ...facts } = this.#parts;
    return sharing.share(place, { ...facts, ...this.break }, options);
  }

  /**
   * The picture as a JPEG file (JFIF, 4:2:0), for snapshots: encoded on another thread, in some 10 ms for 1080p. The frame may be
   * released meanwhile; its memory is used again when the file is done.
   *
   * Padding is part of the picture; numbers of the `-chw` formats are rounded back to levels. `quality` is on libjpeg's scale.
   * A picture wider than `maxWidth` is made so wide, in its aspect ratio and at least 1 pixel high. Rejects with `FRAME_RELEASED`,
   * with `CONFIG_INVALID` for other options and for access units, and with `ENGINE_FAILED` if libavcodec has no JPEG encoder.
   */
  async toJpeg(options?: JpegOptions): Promise<Buffer> {
    return this.#encode(jpegOf(options));
  }

  /** The picture as a PNG file, without loss: RGB, or gray for `gray8`. Otherwise as {@link Frame.toJpeg}, but slower. */
  async toPng(): Promise<Buffer> {
    return this.#encode(PNG);
  }

  async #encode(form: ImageForm): Promise<Buffer> {
    const { data } = this;
    // Not a lease: who releases too often must not give away memory that is being read.
    this.#sharers.count += 1;
    try {
      return await encodeImage(form, data, this.#parts.layout);
    } finally {
      this.#letGo();
    }
  }

  /**
   * A frame right before this one is not handed over: what is missing before that is missing before this one.
   * @internal
   */
  follow(dropped: FrameBreak): void {
    const { discontinuity, gapMs } = this.break;
    this.break = {
      discontinuity: discontinuity || dropped.discontinuity,
      gapMs: gapMs + dropped.gapMs,
    };
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

  /** Where it lies. Throws `FRAME_RELEASED`. @internal */
  get slot(): Slot {
    return this.held();
  }

  protected override held(): Slot {
    if (this.#leases === 0) {
      throw new FrameSourceError(
        'FRAME_RELEASED',
        `Frame ${this.index} was released, its memory may hold a later picture. Call frame.retain() before asking ` +
          'for the next frame to keep it, and frame.release() when done.',
      );
    }
    return this.#parts.slot;
  }
}
