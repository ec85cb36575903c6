import { describe, expect, it, jest } from '@jest/globals';
import { Frame } from '../../../lib/frames/frame';
import { fragmentTime } from '../../../lib/frames/timestamp';

function makeFrame(free: () => void): Frame {
  return new Frame({
    data: Buffer.alloc(12),
    width: 2,
    height: 2,
    stride: 6,
    index: 7,
    ptsMs: 0,
    timestampMs: Date.now() - 1000,
    timestampSource: 'producer',
    keyFrame: true,
    discontinuity: true,
    gapMs: 500,
    damaged: false,
    synthetic: false,
    fragment: { number: '0', sequence: 0, dateMs: 0, durationMs: 1000, sessionId: 1 },
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
    expect(frame.data).toHaveLength(12);
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
      ptsMs: 0,
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
    expect(again.data).toHaveLength(12);
    again.release();
    expect(free).toHaveBeenCalledTimes(1);
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
