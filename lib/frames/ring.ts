import { markAsUntransferable } from 'node:worker_threads';
import { FrameSourceError } from '../errors.js';

/** `shared`: SharedArrayBuffer, for workers. `private`: ArrayBuffer, for libraries that refuse shared memory. */
export type RingMemory = 'shared' | 'private';

/** States of a slot, as binding.d.ts defines them. */
export const SLOT_FREE = 0;

/** Slots start at multiples of this: the width of a cache line, and enough for any SIMD load. */
const SLOT_ALIGNMENT = 64;

/** The largest ring in bytes that is allocated: what one ArrayBuffer can hold on Node 20 (4 GiB). */
const MAX_RING_BYTES = 4 * 1024 * 1024 * 1024;

function allocate(bytes: number, memory: RingMemory, slots: number): SharedArrayBuffer | ArrayBuffer {
  try {
    return memory === 'shared' ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  } catch (cause) {
    throw new FrameSourceError(
      'CONFIG_INVALID',
      `No memory for ${slots} buffered frames, ${bytes} bytes. Lower bufferedFrames.`,
      { cause },
    );
  }
}

/** Memory for a number of pictures of one size, each slot wrapped in a Buffer once. */
export class Ring {
  readonly pixels: Uint8Array;
  /** One atomic state per slot; see binding.d.ts. */
  readonly states: Int32Array;
  readonly slotBytes: number;
  readonly buffers: readonly Buffer[];

  constructor(
    readonly id: number,
    readonly width: number,
    readonly height: number,
    readonly stride: number,
    pictureBytes: number,
    slots: number,
    memory: RingMemory,
  ) {
    this.slotBytes = Math.ceil(pictureBytes / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    const bytes = this.slotBytes * slots;
    if (bytes > MAX_RING_BYTES) {
      throw new FrameSourceError(
        'CONFIG_INVALID',
        `${slots} buffered frames of ${width}×${height} need ${bytes} bytes, more than ${MAX_RING_BYTES}. ` +
          'Lower bufferedFrames.',
      );
    }
    const pixels = allocate(bytes, memory, slots);
    // A transferred ArrayBuffer would leave the engine writing to memory that is no longer here.
    if (pixels instanceof ArrayBuffer) markAsUntransferable(pixels);
    this.pixels = new Uint8Array(pixels);
    this.states = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT));
    this.buffers = Array.from({ length: slots }, (_, slot) =>
      Buffer.from(pixels as ArrayBuffer, slot * this.slotBytes, pictureBytes),
    );
  }

  /** Gives a slot back to the engine. */
  free(slot: number): void {
    Atomics.store(this.states, slot, SLOT_FREE);
  }
}
