import { markAsUntransferable } from 'node:worker_threads';
import { FrameSourceError } from '../errors.js';
import type { FrameLayout } from './layout.js';

/** `shared`: SharedArrayBuffer, for workers. `private`: ArrayBuffer, for libraries that refuse shared memory. */
export type RingMemory = 'shared' | 'private';

/** States of a slot, as binding.d.ts defines them; the engine's number is in the bits above, and then the frame's shares. */
export const SLOT = { free: 0, writing: 1, frame: 2, abandoned: 3, reserved: 4 } as const;
const STATE_BITS = 3;
const STATE_MASK = (1 << STATE_BITS) - 1;
const WRITER_MASK = 0xffff;
/** The first of the bits that stand for shares, and how many there are: all but the sign. */
const FIRST_SHARE_BIT = 19;
export const SHARES_PER_FRAME = 12;
const SHARES_MASK = ((1 << SHARES_PER_FRAME) - 1) << FIRST_SHARE_BIT;

/** The bit of a slot's state that stands for a share of its frame, `share` counting from 0. */
export function shareBit(share: number): number {
  return 1 << (FIRST_SHARE_BIT + share);
}

/** Places in `cursor`, and the number of slots that its first one counts: see binding.d.ts. */
const CURSOR_NEXT = 0;
const CURSOR_BEGUN = 2;
const CURSOR_SPAN = 2 ** 30;
const NO_TICKET = -1;

/** Slots start at multiples of this: the width of a cache line, and enough for any SIMD load. */
const SLOT_ALIGNMENT = 64;

/** The largest ring in bytes that is allocated: what one ArrayBuffer can hold on Node 20 (4 GiB). */
const MAX_RING_BYTES = 4 * 1024 * 1024 * 1024;
/** Slots that the engine takes. */
const MAX_SLOTS = 65536;

function allocate(bytes: number, memory: RingMemory, slots: number): SharedArrayBuffer | ArrayBuffer {
  try {
    return memory === 'shared' ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  } catch (cause) {
    throw new FrameSourceError(
      'CONFIG_INVALID',
      `No memory for ${slots} buffered frames, ${bytes} bytes. Lower bufferedFrames, or output.width and output.height.`,
      { cause },
    );
  }
}

function newCursor(blocks: number): Int32Array {
  const elements = CURSOR_BEGUN + blocks;
  const cursor = new Int32Array(new SharedArrayBuffer(elements * Int32Array.BYTES_PER_ELEMENT));
  return cursor.fill(NO_TICKET, CURSOR_BEGUN);
}

/** A slot's memory as numbers. */
export type Tensor = Buffer | Float32Array | Uint16Array;

/** A part of a ring's memory, wrapped once. */
export class Span {
  readonly data: Buffer;
  #tensor: Float32Array | Uint16Array | undefined;

  constructor(memory: SharedArrayBuffer | ArrayBuffer, offset: number, bytes: number) {
    this.data = Buffer.from(memory as ArrayBuffer, offset, bytes);
  }

  /** The same memory as floats, or as the bits of half floats. */
  tensor(dataType: 'float32' | 'float16'): Float32Array | Uint16Array {
    const { buffer, byteOffset, byteLength } = this.data;
    this.#tensor ??=
      dataType === 'float32'
        ? new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT)
        : new Uint16Array(buffer, byteOffset, byteLength / Uint16Array.BYTES_PER_ELEMENT);
    return this.#tensor;
  }
}

/** One frame's place. */
export class Slot extends Span {
  constructor(
    readonly ring: Ring,
    readonly index: number,
    memory: SharedArrayBuffer | ArrayBuffer,
    bytes: number,
  ) {
    super(memory, index * ring.slotBytes, bytes);
  }
}

/** Memory for a number of frames of one form, each slot wrapped once. */
export class Ring {
  readonly pixels: Uint8Array;
  /** One atomic state per slot; see binding.d.ts. */
  readonly states: Int32Array;
  readonly slotBytes: number;
  readonly slots: readonly Slot[];
  /** With blocks: see binding.d.ts. */
  readonly cursor: Int32Array | null;
  readonly #blocks = new Map<number, Span>();

  /**
   * @param bytes of a frame
   * @param slots with blocks, a multiple of `blockSlots`
   * @param blockSlots frames in a block, which lie right behind each other; 0: no blocks
   */
  constructor(
    readonly id: number,
    readonly layout: FrameLayout,
    bytes: number,
    slots: number,
    memory: RingMemory,
    readonly blockSlots = 0,
  ) {
    this.slotBytes = blockSlots > 0 ? bytes : Math.ceil(bytes / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    const ringBytes = this.slotBytes * slots;
    if (ringBytes > MAX_RING_BYTES || slots > MAX_SLOTS) {
      const limit = slots > MAX_SLOTS ? `${MAX_SLOTS} frames` : `${MAX_RING_BYTES} bytes`;
      throw new FrameSourceError(
        'CONFIG_INVALID',
        `${slots} buffered frames of ${layout.width}×${layout.height} need ${ringBytes} bytes, more than ${limit}. ` +
          (blockSlots > 0 ? 'Lower the size of the batches.' : 'Lower bufferedFrames.'),
      );
    }
    const pixels = allocate(ringBytes, memory, slots);
    // A transferred ArrayBuffer would leave the engine writing to memory that is no longer here.
    if (pixels instanceof ArrayBuffer) markAsUntransferable(pixels);
    this.pixels = new Uint8Array(pixels);
    this.states = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT));
    this.cursor = blockSlots > 0 ? newCursor(slots / blockSlots) : null;
    this.slots = Array.from({ length: slots }, (_, index) => new Slot(this, index, pixels, bytes));
  }

  /** Gives a slot back to the engine, which can take it once the frame's shares are over too. */
  free(slot: number): void {
    Atomics.and(this.states, slot, SHARES_MASK);
  }

  /** What a slot is in, one of `SLOT`; shared frames that were given back otherwise count as free. */
  stateOf(slot: number): number {
    return Atomics.load(this.states, slot) & STATE_MASK;
  }

  /** Slots that are not free. */
  get usedSlots(): number {
    let used = 0;
    for (const { index } of this.slots) {
      const state = Atomics.load(this.states, index);
      // What was left out of a block holds nothing. A frame that only others hold still has their marks.
      const { abandoned, reserved } = SLOT;
      if (state === 0 || (state & STATE_MASK) === abandoned || (state & STATE_MASK) === reserved) continue;
      used += 1;
    }
    return used;
  }

  /** The number of the engine that took the slot last; see `RingSupply`. */
  writerOf(slot: number): number {
    return (Atomics.load(this.states, slot) >> STATE_BITS) & WRITER_MASK;
  }

  /** The frames `from` to `to` (not included) of a block, in one piece; a whole block is wrapped once. */
  span(block: number, from = 0, to = this.blockSlots): Span {
    const isWhole = from === 0 && to === this.blockSlots;
    const made = isWhole ? this.#blocks.get(block) : undefined;
    if (made !== undefined) return made;
    const first = block * this.blockSlots + from;
    const span = new Span(this.pixels.buffer, first * this.slotBytes, (to - from) * this.slotBytes);
    if (isWhole) this.#blocks.set(block, span);
    return span;
  }

  /** The block that was begun first of those that were not ended by {@link Ring.endBlock}; `undefined` if there is none. */
  firstBegun(): { block: number; ticket: number } | undefined {
    const { cursor } = this;
    if (cursor === null) return undefined;
    const span = this.#ticketSpan;
    const next = Atomics.load(cursor, CURSOR_NEXT);
    let oldest: { block: number; ticket: number } | undefined;
    let oldestAge = 0;
    for (let block = 0; block < cursor.length - CURSOR_BEGUN; block++) {
      const ticket = Atomics.load(cursor, CURSOR_BEGUN + block);
      // Before an engine moves the cursor past a block, that block's ticket is not behind it.
      const age = (next - ticket + span) % span;
      if (ticket === NO_TICKET || age <= oldestAge || age > span / 2) continue;
      oldest = { block, ticket };
      oldestAge = age;
    }
    return oldest;
  }

  /** Nothing more is expected of what a block got, see {@link Ring.firstBegun}. It may have been begun again. */
  endBlock({ block, ticket }: { block: number; ticket: number }): void {
    if (this.cursor !== null) {
      Atomics.compareExchange(this.cursor, CURSOR_BEGUN + block, ticket, NO_TICKET);
    }
  }

  /**
   * Closes the block that is being filled, if it is this one: what comes goes to the next one. Answers how many of its slots
   * were taken, or `null` if it was full already, or none was taken.
   */
  closeBlock(block: number): number | null {
    const { cursor, states, blockSlots } = this;
    if (cursor === null) return null;
    const span = this.#ticketSpan;
    for (;;) {
      const next = Atomics.load(cursor, CURSOR_NEXT);
      const taken = next % blockSlots;
      if (taken === 0 || Math.floor((next % states.length) / blockSlots) !== block) return null;
      const after = (next - taken + blockSlots) % span;
      if (Atomics.compareExchange(cursor, CURSOR_NEXT, next, after) !== next) continue;
      for (let slot = taken; slot < blockSlots; slot++) this.free(block * blockSlots + slot);
      return taken;
    }
  }

  get #ticketSpan(): number {
    return CURSOR_SPAN - (CURSOR_SPAN % this.states.length);
  }
}

/** Where an engine's rings come from. */
export interface RingSupply {
  /** Number of the engine that writes to them, above 0 if it shares them with others; see binding.d.ts. */
  readonly writer: number;
  /** Engines that write to them now, this one included. */
  readonly sharers: number;
  /** The ring for frames of this form, each so many bytes. Throws `CONFIG_INVALID` if there can't be one. */
  next(layout: FrameLayout, bytes: number): Ring;
}

/** Rings of one engine, one for each form of its frames. */
export class OwnRings implements RingSupply {
  readonly writer = 0;
  readonly sharers = 1;
  readonly #bufferedFrames: number;
  readonly #memory: RingMemory;
  readonly #blockSlots: number;
  #lastId = 0;

  /**
   * @param bufferedFrames frames that a ring has room for; with blocks rounded up to whole ones, and two at least
   * @param blockSlots see {@link Ring}
   */
  constructor(bufferedFrames: number, memory: RingMemory, blockSlots = 0) {
    this.#bufferedFrames =
      blockSlots === 0 ? bufferedFrames : Math.max(2, Math.ceil(bufferedFrames / blockSlots)) * blockSlots;
    this.#memory = memory;
    this.#blockSlots = blockSlots;
  }

  next(layout: FrameLayout, bytes: number): Ring {
    this.#lastId += 1;
    return new Ring(this.#lastId, layout, bytes, this.#bufferedFrames, this.#memory, this.#blockSlots);
  }
}
