import { describe, expect, it } from '@jest/globals';
import { Thinning } from '../../../lib/policy/thinning';

const FRAME_MS = 40;
const FRAGMENT_MS = 2000;
const MAX_AGE_MS = 6000;

/**
 * A live stream read by a consumer that takes `consumerMs` a frame, of which it may take several at once. Answers the age of
 * each frame at its handing over, and the period at the end of each fragment.
 */
function play(
  fragments: number,
  consumerMs: (atMs: number) => number,
): { ages: number[]; periods: number[] } {
  const thinning = new Thinning(MAX_AGE_MS);
  const waiting: number[] = [];
  const ages: number[] = [];
  const periods: number[] = [];
  let freeAtMs = 0;
  let ageMs = 0;
  for (let i = 0; i < fragments; i++) {
    const startMs = i * FRAGMENT_MS;
    const nowMs = startMs + FRAGMENT_MS;
    const periodMs = thinning.arrived(startMs + FRAGMENT_MS, FRAGMENT_MS, ageMs);
    periods.push(periodMs);
    let lastMs = -Infinity;
    for (let at = startMs; at < startMs + FRAGMENT_MS; at += FRAME_MS) {
      if (at - lastMs < periodMs - FRAME_MS / 2) continue;
      lastMs = at;
      waiting.push(at);
    }
    const endMs = nowMs + FRAGMENT_MS;
    freeAtMs = Math.max(freeAtMs, nowMs);
    while (freeAtMs < endMs && waiting.length > 0) {
      const captureMs = waiting.shift()!;
      ageMs = freeAtMs - captureMs;
      ages.push(ageMs);
      thinning.handedOver(captureMs, FRAME_MS);
      freeAtMs += consumerMs(freeAtMs);
    }
  }
  return { ages, periods };
}

describe('thinning out', () => {
  it('leaves all frames to a consumer that keeps up', () => {
    const { periods } = play(20, () => 30);
    expect(periods.every((period) => period === 0)).toBe(true);
  });

  it('finds the distance at which a slow consumer keeps up, so that ages stay below the greatest', () => {
    const { ages, periods } = play(60, () => 100);
    expect(Math.max(...ages)).toBeLessThan(MAX_AGE_MS);
    const settled = periods.slice(20);
    expect(Math.min(...settled)).toBeGreaterThan(60);
    expect(Math.max(...settled)).toBeLessThan(220);
  });

  it('gives all frames back once the consumer is fast again', () => {
    const { periods } = play(60, (atMs) => (atMs < 60_000 ? 100 : 10));
    expect(Math.max(...periods)).toBeGreaterThan(60);
    expect(periods.at(-1)).toBe(0);
  });

  it('decides nothing while nobody takes frames', () => {
    const thinning = new Thinning(MAX_AGE_MS);
    expect([2000, 4000, 6000].map((endMs) => thinning.arrived(endMs, FRAGMENT_MS, 5000))).toEqual([0, 0, 0]);
  });
});
