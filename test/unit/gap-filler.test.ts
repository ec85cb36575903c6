import { describe, expect, it } from '@jest/globals';
import type { Frame } from '../../lib/frames/frame';
import { GapFiller } from '../../lib/gap-filler';
import { LoanedFrames } from '../support/loaned-frames';

/** Frames, and which slots are on loan. */
class Ring extends LoanedFrames {
  frame(timestampMs: number, gapMs = 0): Frame {
    return this.make(timestampMs, { gapMs, discontinuity: gapMs > 0 });
  }
}

/** Hands over all frames as a source does: each is released when the next is asked for. */
function handOver(
  filler: GapFiller,
  frames: Frame[],
): { at: number; pixel: number | undefined; synthetic: boolean }[] {
  const seen = [];
  let current: Frame | undefined;
  for (;;) {
    current?.release();
    current = filler.next(() => frames.shift());
    if (current === undefined) return seen;
    seen.push({ at: current.timestampMs, pixel: current.data[0], synthetic: current.synthetic });
  }
}

describe('filling gaps', () => {
  it('repeats the last picture at the pace of the stream, evenly up to the frame behind the hole', () => {
    const ring = new Ring();
    const filler = new GapFiller();
    const seen = handOver(filler, [ring.frame(0), ring.frame(100), ring.frame(500, 300), ring.frame(600)]);
    expect(seen).toEqual([
      { at: 0, pixel: 0, synthetic: false },
      { at: 100, pixel: 1, synthetic: false },
      { at: 200, pixel: 1, synthetic: true },
      { at: 300, pixel: 1, synthetic: true },
      { at: 400, pixel: 1, synthetic: true },
      { at: 500, pixel: 2, synthetic: false },
      { at: 600, pixel: 3, synthetic: false },
    ]);
    filler.close();
    expect([...ring.loaned]).toEqual([]);
  });

  it('leaves holes of more than a minute, and those before any pace is known', () => {
    const ring = new Ring();
    const late = handOver(new GapFiller(), [ring.frame(0), ring.frame(1000, 900)]);
    expect(late.every(({ synthetic }) => !synthetic)).toBe(true);
    const long = handOver(new GapFiller(), [ring.frame(0), ring.frame(100), ring.frame(60_300, 60_100)]);
    expect(long.every(({ synthetic }) => !synthetic)).toBe(true);
  });

  it('gives back what is on loan when it is closed in the middle of a hole', () => {
    const ring = new Ring();
    const filler = new GapFiller();
    const frames = [ring.frame(0), ring.frame(100), ring.frame(500, 300)];
    const first = filler.next(() => frames.shift());
    first?.release();
    filler.next(() => frames.shift())?.release();
    const repeated = filler.next(() => frames.shift());
    expect(repeated?.synthetic).toBe(true);
    filler.close();
    repeated?.release();
    expect([...ring.loaned]).toEqual([]);
  });
});
