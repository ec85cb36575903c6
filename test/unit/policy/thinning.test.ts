import { describe, expect, it } from '@jest/globals';
import { Thinning } from '../../../lib/policy/thinning';

const FRAME_MS = 40;
const FRAGMENT_MS = 2000;
const MAX_AGE_MS = 6000;

interface Run {
  /** Of the frames at their handing over. */
  ages: number[];
  /** When they were taken. */
  times: number[];
  /** As decided at each fragment. */
  periods: number[];
  /** Share of the time that the consumer had nothing to do. */
  idle: number;
}

/**
 * A live stream read by a consumer that takes `busyMs` a frame. At most so many fragments wait decoded; those behind are pushed
 * one right after the other as soon as there is room, as a queue does it.
 */
function play(fragments: number, busyMs: (atMs: number) => number, room = 2): Run {
  const thinning = new Thinning(MAX_AGE_MS);
  const run: Run = { ages: [], times: [], periods: [], idle: 0 };
  let pushed = 0;
  const waiting: { at: number; fragment: number }[] = [];
  let nextAtMs = 0;
  const push = (nowMs: number): void => {
    while (pushed < fragments && (pushed + 1) * FRAGMENT_MS <= nowMs) {
      if (new Set(waiting.map(({ fragment }) => fragment)).size >= room) return;
      const periodMs = thinning.periodMs(FRAGMENT_MS);
      run.periods.push(periodMs);
      for (let at = pushed * FRAGMENT_MS; at < (pushed + 1) * FRAGMENT_MS; at += FRAME_MS) {
        if (at < nextAtMs - FRAME_MS / 2) continue;
        // The selector's grid.
        const stepMs = Math.max(periodMs, FRAME_MS);
        nextAtMs = (at - nextAtMs > stepMs ? at : nextAtMs) + stepMs;
        waiting.push({ at, fragment: pushed });
      }
      pushed += 1;
    }
  };
  const endMs = (fragments + 1) * FRAGMENT_MS;
  for (let nowMs = FRAGMENT_MS; nowMs < endMs;) {
    push(nowMs);
    while (waiting.length > 0 && nowMs - waiting[0]!.at > MAX_AGE_MS) waiting.shift();
    const next = waiting.shift();
    if (next === undefined) {
      run.idle += FRAME_MS / endMs;
      nowMs += FRAME_MS;
      continue;
    }
    run.ages.push(nowMs - next.at);
    run.times.push(next.at);
    thinning.handedOver(FRAME_MS, nowMs - next.at);
    const busy = busyMs(nowMs);
    thinning.asked(busy);
    nowMs += busy;
  }
  return run;
}

describe('thinning out', () => {
  it('leaves all frames to a consumer that keeps up', () => {
    expect(play(20, () => 30).periods.every((period) => period === 0)).toBe(true);
  });

  it.each([60, 100, 300, 700])(
    'gives a consumer that takes %d ms a frame so many as it manages, evenly',
    (busyMs) => {
      const { ages, times, periods, idle } = play(100, () => busyMs);
      const settled = times.slice(Math.floor(times.length / 3));
      const steps = settled.slice(1).map((at, i) => at - settled[i]!);
      expect(Math.max(...ages)).toBeLessThanOrEqual(MAX_AGE_MS);
      expect(Math.max(...steps)).toBeLessThanOrEqual(busyMs * 1.25 + FRAME_MS);
      expect(Math.min(...steps)).toBeGreaterThanOrEqual(busyMs - FRAME_MS);
      expect(periods.at(-1)).toBeGreaterThan(busyMs);
      expect(idle).toBeLessThan(0.2);
    },
  );

  it('gives all frames back once the consumer is fast again', () => {
    const { periods } = play(60, (atMs) => (atMs < 60_000 ? 100 : 10));
    expect(Math.max(...periods)).toBeGreaterThan(100);
    expect(periods.at(-1)).toBe(0);
  });

  it('leaves all frames to a consumer whose frames are not late, however slow it is', () => {
    const thinning = new Thinning(MAX_AGE_MS);
    thinning.handedOver(FRAME_MS, 2500);
    thinning.asked(500);
    expect(thinning.periodMs(FRAGMENT_MS)).toBe(0);
    thinning.handedOver(FRAME_MS, 4100);
    expect(thinning.periodMs(FRAGMENT_MS)).toBeCloseTo(625);
    thinning.handedOver(FRAME_MS, 2500);
    expect(thinning.periodMs(FRAGMENT_MS)).toBeCloseTo(525);
  });
});
