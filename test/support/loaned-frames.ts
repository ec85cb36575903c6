import { Frame, type FrameParts } from '../../lib/frames/frame';
import { factsOf, makeRing } from './shared-slot';

/** Frames without an engine, and which of them are on loan. The first byte of each is its number. */
export class LoanedFrames {
  readonly loaned = new Set<number>();
  readonly #ring = makeRing(256);
  #made = 0;

  make(timestampMs: number, parts: Partial<FrameParts> = {}): Frame {
    const index = this.#made++;
    const slot = this.#ring.slots[index]!;
    slot.data[0] = index;
    this.loaned.add(index);
    const free = (): boolean => this.loaned.delete(index);
    return new Frame({
      ...factsOf(this.#ring),
      discontinuity: false,
      gapMs: 0,
      durationMs: 100,
      slot,
      index,
      timestampMs,
      free,
      ...parts,
    });
  }
}
