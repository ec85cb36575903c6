import { describe, expect, test } from '@jest/globals';
import {
  bandwidthAfter,
  bitsPerSecond,
  UNKNOWN_BANDWIDTH,
  type Bandwidth,
} from '../../../lib/hls/bandwidth.js';

/** After `count` fragments of 2 s and 250 kB (1 Mb/s of media) that came at so many bits per second. */
function after(before: Bandwidth, count: number, rate: number): Bandwidth {
  let bandwidth = before;
  for (let i = 0; i < count; i++) {
    bandwidth = bandwidthAfter(bandwidth, { bytes: 250_000, ms: (2_000_000 / rate) * 1000, mediaMs: 2000 });
  }
  return bandwidth;
}

const mega = (bandwidth: Bandwidth): number => bitsPerSecond(bandwidth)! / 1e6;

describe('the measured bandwidth', () => {
  test('is unknown before the first download, and is that of the first after it', () => {
    expect(bitsPerSecond(UNKNOWN_BANDWIDTH)).toBeNull();
    expect(mega(after(UNKNOWN_BANDWIDTH, 1, 8e6))).toBeCloseTo(8, 9);
  });

  test('stays what it is while nothing changes', () => {
    expect(mega(after(UNKNOWN_BANDWIDTH, 40, 8e6))).toBeCloseTo(8, 9);
  });

  test('falls quickly and rises slowly', () => {
    const fast = after(UNKNOWN_BANDWIDTH, 20, 20e6);
    expect(mega(after(fast, 1, 1e6))).toBeLessThan(3.5);
    expect(mega(after(fast, 3, 1e6))).toBeLessThan(1.6);
    const slow = after(UNKNOWN_BANDWIDTH, 20, 1e6);
    expect(mega(after(slow, 3, 20e6))).toBeLessThan(1.5);
    expect(mega(after(slow, 15, 20e6))).toBeGreaterThan(3);
  });

  test('is the lower of two averages: a short lull is remembered, a short peak is not believed', () => {
    const lull = after(after(after(UNKNOWN_BANDWIDTH, 20, 10e6), 2, 1e6), 6, 10e6);
    expect(1000 / lull.fast).toBeGreaterThan(1000 / lull.slow);
    expect(bitsPerSecond(lull)).toBe(1000 / lull.slow);
    const drop = after(after(UNKNOWN_BANDWIDTH, 20, 10e6), 1, 1e6);
    expect(bitsPerSecond(drop)).toBe(1000 / drop.fast);
  });

  test('counts a fragment by its length: two short ones weigh as much as one long', () => {
    const start = after(UNKNOWN_BANDWIDTH, 5, 10e6);
    const download = { bytes: 125_000, ms: 1000, mediaMs: 1000 };
    const halves = bandwidthAfter(bandwidthAfter(start, download), download);
    const whole = bandwidthAfter(start, { bytes: 250_000, ms: 2000, mediaMs: 2000 });
    expect(halves.slow).toBeCloseTo(whole.slow, 9);
    expect(halves.fast).toBeCloseTo(whole.fast, 9);
  });

  test('learns nothing from no bytes or no length, and survives a length or a time that is senseless', () => {
    const before = after(UNKNOWN_BANDWIDTH, 1, 8e6);
    expect(bandwidthAfter(before, { bytes: 0, ms: 2000, mediaMs: 2000 })).toBe(before);
    expect(bandwidthAfter(before, { bytes: 9000, ms: 2000, mediaMs: 0 })).toBe(before);
    const odd = bandwidthAfter(before, { bytes: 9000, ms: 0, mediaMs: 1e12 });
    expect(Number.isFinite(bitsPerSecond(odd))).toBe(true);
    expect(odd.mediaMs).toBe(62_000);
  });
});
