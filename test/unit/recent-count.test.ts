import { describe, expect, it } from '@jest/globals';
import { RecentCount } from '../../lib/recent-count';

const HOUR_MS = 3_600_000;

describe('a count of what happened lately', () => {
  it('forgets what is longer ago than the window', () => {
    const count = new RecentCount(HOUR_MS);
    count.add(0);
    count.add(30 * 60_000);
    expect(count.count(59 * 60_000)).toBe(2);
    expect(count.count(62 * 60_000)).toBe(1);
    expect(count.count(92 * 60_000)).toBe(0);
  });

  it('begins anywhere, and survives any pause', () => {
    const count = new RecentCount(HOUR_MS);
    const start = 1e12;
    for (let i = 0; i < 1000; i++) count.add(start + i);
    expect(count.count(start + 1000)).toBe(1000);
    expect(count.count(start + 1e10)).toBe(0);
    count.add(start + 1e10);
    expect(count.count(start + 1e10)).toBe(1);
  });

  it('counts one each minute as sixty an hour, or one more at the edge', () => {
    const count = new RecentCount(HOUR_MS);
    for (let minute = 0; minute < 500; minute++) count.add(minute * 60_000);
    expect(count.count(499 * 60_000)).toBeGreaterThanOrEqual(60);
    expect(count.count(499 * 60_000)).toBeLessThanOrEqual(61);
  });
});
