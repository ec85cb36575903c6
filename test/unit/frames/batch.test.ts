import { describe, expect, it } from '@jest/globals';
import { FrameBatch } from '../../../lib/frames/batch';
import { Span } from '../../../lib/frames/ring';
import { isFree, makeRing, publish } from '../../support/shared-slot';

/** A batch of three frames, and which of their slots are free. */
function makeBatch() {
  const ring = makeRing(3);
  const frames = [publish(ring, 0), publish(ring, 1), publish(ring, 2)] as const;
  const batch = new FrameBatch(frames, new Span(ring.pixels.buffer, 0, ring.slotBytes * 3));
  const free = (): boolean[] => [0, 1, 2].map((slot) => isFree(ring, slot));
  return { batch, frames, free };
}

describe('a batch', () => {
  it('holds all its frames until each retain was released', () => {
    const { batch, free } = makeBatch();
    batch.retain().release();
    expect(free()).toEqual([false, false, false]);
    expect(batch.released).toBe(false);
    batch.release();
    expect(free()).toEqual([true, true, true]);
    expect(() => batch.retain()).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
  });

  it('is not retained in part where one of its frames was released by itself', () => {
    const { batch, frames, free } = makeBatch();
    frames[1].release();
    expect(() => batch.retain()).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    batch.release();
    expect(batch.released).toBe(true);
    expect(free()).toEqual([true, true, true]);
  });
});
