import { describe, expect, it } from '@jest/globals';
import { AgeStatistics } from '../../../lib/cli/age-statistics';
import { FramePace } from '../../../lib/cli/frame-pace';
import { RecentRate } from '../../../lib/cli/recent-rate';

describe('age statistics', () => {
  it('knows mean exactly and quantiles within 2 %', () => {
    const ages = new AgeStatistics();
    for (let ms = 1; ms <= 2000; ms++) ages.add(ms);
    expect(ages.meanMs).toBe(1000.5);
    const p95 = ages.quantileMs(0.95) ?? 0;
    expect(p95).toBeGreaterThanOrEqual(1900);
    expect(p95).toBeLessThanOrEqual(1900 * 1.02);
  });

  it.each([0.01, 0.5, 0.95, 0.99, 1])('has the %f-quantile by nearest rank within 2 %%', (q) => {
    const ages = new AgeStatistics();
    const all: number[] = [];
    // A long tail, below zero too, in no order.
    for (let i = 0; i < 5000; i++) {
      const age = Math.exp(((i * 7919) % 5000) / 500) - 400;
      all.push(age);
      ages.add(age);
    }
    all.sort((a, b) => a - b);
    const exact = all[Math.ceil(q * all.length) - 1] ?? 0;
    const told = ages.quantileMs(q) ?? 0;
    expect(Math.sign(told)).toBe(Math.sign(exact));
    expect(Math.abs(told)).toBeGreaterThanOrEqual(Math.abs(exact) * 0.999999);
    expect(Math.abs(told)).toBeLessThanOrEqual(Math.abs(exact) * 1.02 + 1e-9);
  });

  it('has p99 of one frame in a hundred that is late only beyond it', () => {
    const ages = new AgeStatistics();
    for (let i = 0; i < 99; i++) ages.add(100);
    ages.add(9000);
    expect(ages.quantileMs(0.99)).toBeLessThanOrEqual(102);
    ages.add(9000);
    expect(ages.quantileMs(0.99)).toBeGreaterThanOrEqual(9000);
  });

  it('has nothing to say before the first frame, and survives odd ages', () => {
    const ages = new AgeStatistics();
    expect([ages.meanMs, ages.quantileMs(0.95)]).toEqual([null, null]);
    ages.add(-5);
    ages.add(1e15);
    expect(ages.quantileMs(0.5)).toBeCloseTo(-5, 0);
    expect(ages.quantileMs(0)).toBeLessThan(0);
    expect(ages.quantileMs(1)).toBeGreaterThan(365 * 24 * 3600 * 1000);
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

describe('recent rate', () => {
  it('is the rate of capture, whatever bursts frames come in', () => {
    const rate = new RecentRate();
    expect(rate.fps(0)).toBeNull();
    for (let i = 0; i < 300; i++) rate.add(i * 40, Math.floor(i / 50) * 2000);
    expect(rate.fps(10_000)).toBeCloseTo(25);
  });

  it('knows nothing once nothing came for a while, nor of times that run backwards', () => {
    const rate = new RecentRate();
    for (let i = 0; i < 100; i++) rate.add(i * 40, i * 40);
    expect(rate.fps(14_500)).toBeNull();
    rate.add(60_000, 20_000);
    rate.add(50_000, 20_040);
    expect(rate.fps(20_040)).toBeNull();
  });
});
