import type { Clock } from '../clock.js';
import { FrameBatch } from './batch.js';
import type { Frame } from './frame.js';
import { SLOT, type Ring } from './ring.js';

/** What was added of one ring. */
interface RingBlocks {
  ring: Ring;
  /** The ticket of the block that was closed last: it gets no more frames than it has slots taken. */
  closed: number | undefined;
  /** By slot, with the time each was added. */
  frames: Map<number, { frame: Frame; atMs: number }>;
}

/**
 * Puts frames that engines wrote to the blocks of a ring together again, as batches, in the order in which the blocks were begun:
 * not always that of the ring, as blocks in use are left out.
 */
export class BlockAssembler {
  /** How long the first frame of a batch waits for the others. */
  maxWaitMs = Infinity;
  readonly #clock: Clock;
  readonly #isGone: (writer: number) => boolean;
  /** One for each form that the frames had; all but the last are not written to any more. */
  readonly #rings: RingBlocks[] = [];
  readonly #complete: FrameBatch[] = [];

  /** @param isGone whether the engine with that number has ended: of frames that it wrote last nobody was told */
  constructor(clock: Clock, isGone: (writer: number) => boolean = () => false) {
    this.#clock = clock;
    this.#isGone = isGone;
  }

  /** In how many ms a batch is complete though frames are missing; `undefined` if that is not to be expected. */
  get dueInMs(): number | undefined {
    const [blocks] = this.#rings;
    if (blocks === undefined || blocks.frames.size === 0 || this.maxWaitMs === Infinity) return undefined;
    const { blockSlots } = blocks.ring;
    const begun = blocks.ring.firstBegun();
    if (begun === undefined || begun.ticket === blocks.closed) return undefined;
    let firstAtMs = Infinity;
    for (const [slot, { atMs }] of blocks.frames) {
      if (Math.floor(slot / blockSlots) === begun.block) firstAtMs = Math.min(firstAtMs, atMs);
    }
    if (firstAtMs === Infinity) return undefined;
    return Math.max(0, firstAtMs + this.maxWaitMs - this.#clock.monotonic());
  }

  /** Takes over the frame's lease. */
  add(frame: Frame): void {
    const { ring, index } = frame.slot;
    let blocks = this.#rings.at(-1);
    if (blocks?.ring !== ring) {
      blocks = { ring, closed: undefined, frames: new Map() };
      this.#rings.push(blocks);
    }
    blocks.frames.set(index, { frame, atMs: this.#clock.monotonic() });
  }

  /** The next batch, or `undefined` if none is complete. `isLast`: nothing will be added, so what there is is complete. */
  next(isLast = false): FrameBatch | undefined {
    for (;;) {
      const batch = this.#complete.shift();
      if (batch !== undefined) return batch;
      const [blocks, later] = this.#rings;
      if (blocks === undefined) return undefined;
      if (blocks.frames.size === 0) {
        if (later === undefined) return undefined;
        this.#rings.shift();
        continue;
      }
      if (later !== undefined || isLast || this.dueInMs === 0) this.#close(blocks);
      if (!this.#takeBlock(blocks, isLast)) return undefined;
    }
  }

  /** Gives back all frames that were not handed over. */
  release(): void {
    for (const batch of this.#complete.splice(0)) batch.release();
    for (const { frames } of this.#rings.splice(0)) for (const { frame } of frames.values()) frame.release();
  }

  #close(blocks: RingBlocks): void {
    const begun = blocks.ring.firstBegun();
    if (begun === undefined || begun.ticket === blocks.closed) return;
    blocks.closed = begun.ticket;
    blocks.ring.closeBlock(begun.block);
  }

  /**
   * Moves the frames of the block that is next to `#complete`; `false` if more of them may come. Engines that raced for a block
   * can make it seem begun for a moment; who lost takes a slot elsewhere then, and of its frame there is news.
   */
  #takeBlock({ ring, frames }: RingBlocks, isLast: boolean): boolean {
    const begun = ring.firstBegun();
    if (begun === undefined) return false;
    const { block } = begun;
    const first = block * ring.blockSlots;
    const slots = Array.from({ length: ring.blockSlots }, (_, at) => first + at);
    if (slots.some((slot) => !frames.has(slot) && this.#mayCome(ring, slot) && !isLast)) return false;
    this.#addRuns(
      ring,
      block,
      slots.map((slot) => frames.get(slot)?.frame),
    );
    for (const slot of slots) frames.delete(slot);
    ring.endBlock(begun);
    return true;
  }

  #mayCome(ring: Ring, slot: number): boolean {
    const state = ring.stateOf(slot);
    if (state === SLOT.frame && this.#isGone(ring.writerOf(slot))) {
      ring.free(slot);
      return false;
    }
    return state !== SLOT.free && state !== SLOT.abandoned;
  }

  /** A hole, where a camera left or gave a slot up, divides a block: what is before and behind it still is in one piece each. */
  #addRuns(ring: Ring, block: number, present: readonly (Frame | undefined)[]): void {
    let run: Frame[] = [];
    for (const [at, frame] of [...present, undefined].entries()) {
      if (frame !== undefined) {
        run.push(frame);
        continue;
      }
      const [first, ...others] = run;
      if (first !== undefined) {
        this.#complete.push(new FrameBatch([first, ...others], ring.span(block, at - run.length, at)));
      }
      run = [];
    }
  }
}
