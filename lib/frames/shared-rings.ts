import { ConfigError } from '../errors.js';
import type { FrameLayout } from './layout.js';
import { Ring, type RingMemory, type RingSupply } from './ring.js';

/** An engine's number takes 16 bits of a slot's state. */
const MAX_WRITER = 0xffff;

/** One ring of blocks for the engines of several cameras, all of whose frames have one form. */
export class SharedRings {
  readonly #blockSlots: number;
  readonly #blocks: number;
  readonly #memory: RingMemory;
  #ring: Ring | undefined;
  #lastWriter = 0;
  /** Engines that have not ended, and of those that have, the numbers. */
  readonly #writers = new Set<number>();
  readonly #gone = new Set<number>();

  /** @param blocks how many of `blockSlots` frames each */
  constructor(blockSlots: number, blocks: number, memory: RingMemory) {
    this.#blockSlots = blockSlots;
    this.#blocks = blocks;
    this.#memory = memory;
  }

  /** For another engine. */
  supply(): RingSupply {
    // Numbers come round again once that many engines have come and gone.
    const writer = (this.#lastWriter % MAX_WRITER) + 1;
    this.#lastWriter = writer;
    this.#gone.delete(writer);
    this.#writers.add(writer);
    const writers = this.#writers;
    return {
      writer,
      get sharers() {
        return Math.max(1, writers.size);
      },
      next: (layout, bytes) => this.#next(layout, bytes),
    };
  }

  /** That engine has ended. */
  leave({ writer }: RingSupply): void {
    this.#gone.add(writer);
    this.#writers.delete(writer);
  }

  isGone(writer: number): boolean {
    return this.#gone.has(writer);
  }

  #next(layout: FrameLayout, bytes: number): Ring {
    this.#ring ??= new Ring(
      1,
      layout,
      bytes,
      this.#blocks * this.#blockSlots,
      this.#memory,
      this.#blockSlots,
    );
    if (this.#ring.slotBytes !== bytes) {
      const { width, height } = this.#ring.layout;
      throw new ConfigError(
        `Frames of ${layout.width}×${layout.height} don't fit between those of ${width}×${height} of the same group`,
      );
    }
    return this.#ring;
  }
}
