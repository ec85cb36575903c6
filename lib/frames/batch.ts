import { FrameSourceError } from '../errors.js';
import type { Frame } from './frame.js';
import type { Span, Tensor } from './ring.js';

/**
 * Frames that lie right behind each other, in one piece of memory that native code wrote and nobody copied: what a model takes at
 * once. A lease on all of them.
 *
 * Valid until it is released: when the next batch is asked for, unless {@link FrameBatch.retain} was called. Its frames' own
 * leases are the batch's; `frame.retain()` keeps a single one longer, and with it the memory of the whole batch. Later batches
 * are written to memory that is free, so the stream only waits when all of it is in use.
 */
export class FrameBatch implements Disposable {
  /** The frames in the order they lie in, each with its camera, times and place. */
  readonly frames: readonly Frame[];
  /** How many, 1 to what was asked for. */
  readonly length: number;
  /** Of {@link FrameBatch.tensor}: [length, height, width, 3] or [length, 3, height, width]; [length, height, width] for
   *  `gray8`, [length, bytes of a frame] for `nv12` and `i420`. */
  readonly shape: readonly number[];

  readonly #span: Span;
  readonly #dataType: 'uint8' | 'float32' | 'float16';
  #leases = 1;

  /** @internal */
  constructor(frames: readonly [Frame, ...Frame[]], span: Span) {
    this.frames = frames;
    this.length = frames.length;
    this.shape = [frames.length, ...frames[0].shape];
    this.#span = span;
    this.#dataType = frames[0].dataType;
  }

  /** The frames' bytes, one frame behind the other. Throws `FRAME_RELEASED` after the release. */
  get data(): Buffer {
    return this.#held().data;
  }

  /**
   * The same memory as numbers: a Float32Array of `float32` frames, a Uint16Array of the bits of `float16`, else `data`.
   * Throws as {@link FrameBatch.data}.
   */
  get tensor(): Tensor {
    return this.#dataType === 'uint8' ? this.data : this.#held().tensor(this.#dataType);
  }

  /** True once the memory is no longer this batch's. */
  get released(): boolean {
    return this.#leases === 0;
  }

  /**
   * Keeps the batch beyond the next one, until {@link FrameBatch.release} was called once for each `retain`. Throws
   * `FRAME_RELEASED`, and keeps nothing, after the release of the batch or of one of its frames.
   */
  retain(): this {
    this.#held();
    const gone = this.frames.find(({ released }) => released);
    if (gone !== undefined) {
      throw new FrameSourceError(
        'FRAME_RELEASED',
        `Frame ${gone.index} of the batch was released by itself: the batch can't be retained`,
      );
    }
    this.#leases += 1;
    for (const frame of this.frames) frame.retain();
    return this;
  }

  /** Ends a lease; the last one gives the memory back. Calling it once too often does nothing. */
  release(): void {
    if (this.#leases === 0) return;
    this.#leases -= 1;
    for (const frame of this.frames) frame.release();
  }

  /** `using batch = …` releases it at the end of the block. */
  [Symbol.dispose](): void {
    this.release();
  }

  #held(): Span {
    if (this.#leases === 0) {
      throw new FrameSourceError(
        'FRAME_RELEASED',
        'The batch was released, its memory may hold later pictures. Call batch.retain() before asking for the next ' +
          'batch to keep it, and batch.release() when done.',
      );
    }
    return this.#span;
  }
}
