import { describe, expect, it } from '@jest/globals';
import { Chance } from './chance';
import { courseOf, Samples, slopePerSecond, type Sample } from './steadiness';

const every2s = (count: number, value: (i: number) => number): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ atSeconds: 2 * i, value: value(i) }));

describe('the slope of a figure', () => {
  it('is that of a line', () => {
    expect(slopePerSecond(every2s(20, (i) => 5 + 3 * i))).toBeCloseTo(1.5);
  });

  it('is not moved by peaks, at the end neither', () => {
    const chance = new Chance('peaks');
    const samples = every2s(200, (i) => (i % 7 === 0 || i > 190 ? 500 : 100 + chance.between(-5, 5)));
    expect(Math.abs(slopePerSecond(samples))).toBeLessThan(0.02);
  });

  it('shows a leak that is smaller than the noise around it', () => {
    const chance = new Chance('leak');
    const samples = every2s(300, (i) => 100 + 0.1 * i + chance.between(-20, 20));
    expect(slopePerSecond(samples)).toBeCloseTo(0.05, 1);
    expect(courseOf(samples, 60).rise).toBeGreaterThan(20);
  });
});

describe('the course of a figure', () => {
  it('leaves the warm-up out', () => {
    const course = courseOf(
      every2s(100, (i) => Math.min(i, 30)),
      60,
    );
    expect(course).toMatchObject({ first: 30, median: 30, most: 30, last: 30, rise: 0 });
  });
});

describe('samples of a long run', () => {
  it('are no more than asked for, and spread evenly over all of it', () => {
    const samples = new Samples<number>(100);
    for (let i = 0; i < 10_000; i++) samples.add(i);
    expect(samples.all.length).toBeLessThan(100);
    expect(samples.all.length).toBeGreaterThan(49);
    const steps = samples.all.slice(1).map((value, i) => value - samples.all[i]!);
    expect(new Set(steps).size).toBe(1);
  });
});
