import { describe, expect, it, jest } from '@jest/globals';
import { Frame } from '../../../lib/frames/frame';
import type { Slot } from '../../../lib/frames/ring';
import { fragmentTime } from '../../../lib/frames/timestamp';
import { factsOf, LAYOUT, makeRing } from '../../support/shared-slot';

/** A frame taken a second ago, in a ring of its own. */
function makeFrame(free: () => void): Frame {
  const ring = makeRing(1);
  return new Frame({
    ...factsOf(ring),
    timestampMs: Date.now() - 1000,
    slot: ring.slots[0] as Slot,
    free,
  });
}

describe('a frame', () => {
  it('gives its memory back once, however often it is released', () => {
    const free = jest.fn();
    const frame = makeFrame(free);
    frame.release();
    frame.release();
    expect(free).toHaveBeenCalledTimes(1);
  });

  it('stays valid until each retain was released', () => {
    const free = jest.fn();
    const frame = makeFrame(free).retain();
    frame.release();
    expect(frame.data).toHaveLength(24);
    frame.release();
    expect(free).toHaveBeenCalledTimes(1);
    expect(frame.released).toBe(true);
  });

  it('refuses its pixels after release, and says what to do', () => {
    const frame = makeFrame(() => {});
    frame.release();
    expect(() => frame.data).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    expect(() => frame.data).toThrow(/Frame 7 was released.*retain/);
    expect(() => frame.retain()).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
  });

  it('is released at the end of a using block', () => {
    const free = jest.fn();
    {
      using frame = makeFrame(free);
      expect(frame.released).toBe(false);
    }
    expect(free).toHaveBeenCalledTimes(1);
  });

  it('can be repeated at another time: the repetition holds the memory until it is released itself', () => {
    const free = jest.fn();
    const frame = makeFrame(free);
    const repeated = frame.repeat(4000);
    expect(repeated).toMatchObject({
      synthetic: true,
      timestampMs: 4000,
      gapMs: 0,
      discontinuity: false,
      index: 7,
      ptsMs: 40,
      fragment: frame.fragment,
    });
    expect(frame).toMatchObject({ synthetic: false, gapMs: 500, discontinuity: true });
    expect(repeated.data).toBe(frame.data);
    const again = repeated.repeat(5000);
    frame.release();
    expect(frame.released).toBe(true);
    expect(() => frame.repeat(1)).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    repeated.release();
    expect(free).not.toHaveBeenCalled();
    expect(() => repeated.data).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    expect(again.data).toHaveLength(24);
    again.release();
    expect(free).toHaveBeenCalledTimes(1);
  });

  it('shows as much of its slot as it uses', () => {
    const ring = makeRing(1);
    const slot = ring.slots[0] as Slot;
    const unit = new Frame({
      ...factsOf(ring),
      layout: { ...LAYOUT, format: 'annexb', stride: 0 },
      bytes: 10,
      slot,
      free: () => {},
    });
    expect(unit.data).toHaveLength(10);
    expect(unit.data.buffer).toBe(slot.data.buffer);
    expect(unit.shape).toEqual([10]);
    expect(unit).toMatchObject({ format: 'annexb', stride: 0, sourceWidth: 8, sourceHeight: 4 });
  });

  it.each([
    ['bgr24', 'uint8', [2, 4, 3]],
    ['gray8', 'uint8', [2, 4]],
    ['rgb-chw', 'float32', [3, 2, 4]],
    ['bgr-chw', 'float16', [3, 2, 4]],
  ] as const)(
    'of format %s in %s has shape %p, and one tensor over its memory',
    (format, dataType, shape) => {
      const ring = makeRing(1, { format, dataType });
      const frame = new Frame({ ...factsOf(ring), slot: ring.slots[0] as Slot, free: () => {} });
      expect(frame.shape).toEqual(shape);
      expect(frame.tensor).toBe(frame.tensor);
      expect(frame.tensor.buffer).toBe(frame.data.buffer);
      expect(frame.tensor.byteLength).toBe(frame.data.length);
      frame.release();
      expect(() => frame.tensor).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    },
  );

  it("leads from its coordinates back to the camera's", () => {
    const ring = makeRing(1, {
      source: { x: 2, y: 0, width: 4, height: 4 },
      picture: { x: 1, y: 0, width: 2, height: 2 },
    });
    const frame = new Frame({ ...factsOf(ring), slot: ring.slots[0] as Slot, free: () => {} });
    expect(frame.toSource(1, 0)).toEqual({ x: 2, y: 0 });
    expect(frame.toSource(3, 2)).toEqual({ x: 6, y: 4 });
    expect(frame.toSource(0, 1)).toEqual({ x: 0, y: 2 });
    expect(frame.toSource({ x: 1, y: 1, width: 1, height: 0.5 })).toEqual({
      x: 2,
      y: 2,
      width: 2,
      height: 1,
    });
  });

  it('knows its age', () => {
    expect(makeFrame(() => {}).ageMs).toBeGreaterThanOrEqual(1000);
  });
});

describe('fragmentTime', () => {
  const now = Date.UTC(2026, 10, 22);
  const fragment = { dateMs: now - 3000, durationMs: 2000, receivedAtMs: now };

  it('believes the playlist', () => {
    expect(fragmentTime(fragment, { source: 'producer', isLive: true })).toEqual({
      startMs: now - 3000,
      source: 'producer',
    });
    expect(fragmentTime(fragment, { source: 'server', isLive: true }).source).toBe('server');
  });

  it.each([
    ['no date', null],
    ['1970', 86_400_000],
    ['two days behind', now - 2 * 86_400_000],
    ['two days ahead', now + 2 * 86_400_000],
  ])('takes the time of receipt for a live fragment with %s', (_, dateMs) => {
    expect(fragmentTime({ ...fragment, dateMs }, { source: 'producer', isLive: true })).toEqual({
      startMs: now - 2000,
      source: 'received',
    });
  });

  it('believes old dates of recordings, but not 1970', () => {
    const recording = { source: 'producer', isLive: false } as const;
    expect(fragmentTime({ ...fragment, dateMs: now - 9 * 86_400_000 }, recording).source).toBe('producer');
    expect(fragmentTime({ ...fragment, dateMs: 0 }, recording).source).toBe('received');
  });
});
