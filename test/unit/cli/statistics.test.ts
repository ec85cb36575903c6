import { describe, expect, it } from '@jest/globals';
import { AgeStatistics } from '../../../lib/cli/age-statistics';
import { FramePace } from '../../../lib/cli/frame-pace';

describe('age statistics', () => {
  it('knows mean exactly and quantiles within 2 %', () => {
    const ages = new AgeStatistics();
    for (let ms = 1; ms <= 2000; ms++) ages.add(ms);
    expect(ages.meanMs).toBe(1000.5);
    const p95 = ages.quantileMs(0.95) ?? 0;
    expect(p95).toBeGreaterThanOrEqual(1900);
    expect(p95).toBeLessThanOrEqual(1900 * 1.02);
  });

  it('has nothing to say before the first frame, and survives odd ages', () => {
    const ages = new AgeStatistics();
    expect([ages.meanMs, ages.quantileMs(0.95)]).toEqual([null, null]);
    ages.add(-5);
    ages.add(1e15);
    expect(ages.quantileMs(0.5)).toBe(1);
  });
});

describe('frame pace', () => {
  const chosen = (fps: number, times: number[]): number[] => {
    const pace = new FramePace(fps);
    return times.filter((ms) => pace.wants(ms));
  };
  const camera = (fps: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => (i * 1000) / fps);

  it('takes every frame without a target', () => {
    expect(chosen(Infinity, camera(15, 30))).toHaveLength(30);
  });

  it('takes frames evenly, also when the rates do not divide', () => {
    expect(chosen(5, camera(30, 300))).toHaveLength(50);
    const times = chosen(7, camera(30, 300));
    expect(times).toHaveLength(70);
    const steps = times.slice(1).map((ms, i) => ms - (times[i] ?? 0));
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1000 / 30 + 0.001);
  });

  it('starts afresh after a jump of the clock', () => {
    expect(chosen(1, [0, 500, 1000, 60_000, 60_500, 61_000])).toEqual([0, 1000, 60_000, 61_000]);
    expect(chosen(1, [60_000, 60_500, 0, 500, 1000])).toEqual([60_000, 0, 1000]);
  });
});
