import { describe, expect, it } from '@jest/globals';
import { Continuity, LateDrops } from '../../../lib/frames/continuity';
import type { FragmentTime } from '../../../lib/frames/timestamp';
import type { Gap } from '../../../lib/policy/gap';

const time: FragmentTime = { startMs: 1e12, source: 'producer' };
const whole = { discontinuity: false, gapMs: 0 };

function stretch(
  fromMs: number,
  durationMs = 40,
  pictures = 1,
): { fromMs: number; durationMs: number; pictureMs: number } {
  return { fromMs, durationMs, pictureMs: durationMs / pictures };
}

function gap(ms: number, recovered = false): Gap {
  return { cause: 'media', fromMs: null, toMs: null, ms, fragments: 0, recovered };
}

describe('continuity', () => {
  it('is not broken by the first frame, nor by frames that follow each other', () => {
    const continuity = new Continuity();
    expect(continuity.frame(time, stretch(0), null, true)).toEqual(whole);
    expect(continuity.frame(time, stretch(40), null, false)).toEqual(whole);
  });

  it('is not broken where pictures in between were dropped, however many', () => {
    const continuity = new Continuity();
    continuity.frame(time, stretch(0), null, false);
    continuity.dropped(time, stretch(40, 960, 24), null);
    expect(continuity.frame(time, stretch(1000), null, false)).toEqual(whole);
  });

  it('breaks where time goes back, and where it leaps with nothing dropped in between', () => {
    const continuity = new Continuity();
    continuity.frame(time, stretch(0), null, false);
    expect(continuity.frame(time, stretch(300), null, false).discontinuity).toBe(true);
    expect(continuity.frame(time, stretch(200), null, false).discontinuity).toBe(true);
    expect(continuity.frame(time, stretch(440), null, false)).toEqual(whole);
  });

  it('does not break at a slow camera’s pictures, nor where receipt dates the fragments', () => {
    const continuity = new Continuity();
    continuity.frame(time, stretch(0, 1000), null, false);
    expect(continuity.frame(time, stretch(2000, 1000), null, false)).toEqual(whole);
    const received: FragmentTime = { startMs: 1e12 + 5000, source: 'received' };
    expect(continuity.frame(received, stretch(0), null, false)).toEqual(whole);
  });

  it('says of the next frame what is missing before pictures that were dropped', () => {
    const continuity = new Continuity();
    continuity.frame(time, stretch(0), null, false);
    continuity.dropped(time, stretch(100), gap(60));
    continuity.dropped(time, stretch(160), gap(20));
    expect(continuity.frame(time, stretch(200), null, false)).toEqual({ discontinuity: true, gapMs: 80 });
    expect(continuity.frame(time, stretch(240), null, false)).toEqual(whole);
  });

  it('adds what is missing right before the frame, but for what came late after all', () => {
    const continuity = new Continuity();
    continuity.frame(time, stretch(0), null, false);
    continuity.dropped(time, stretch(100), gap(60));
    expect(continuity.frame(time, stretch(200), gap(60), false).gapMs).toBe(120);
    expect(continuity.frame(time, stretch(240), gap(500, true), false)).toEqual({
      discontinuity: true,
      gapMs: 0,
    });
  });
});

describe('late drops', () => {
  it('are told once, together', () => {
    const late = new LateDrops('latest');
    expect(late.take()).toBeUndefined();
    late.add(3, 120);
    late.add(1, 40);
    expect(late.take()).toEqual({ cause: 'latest', frames: 4, ms: 160 });
    expect(late.take()).toBeUndefined();
  });
});
