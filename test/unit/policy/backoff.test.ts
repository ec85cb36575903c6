import { describe, expect, it } from '@jest/globals';
import { backoffMs, jittered } from '../../../lib/policy/backoff';

const policy = { delayMs: 5000, maxDelayMs: 60_000, multiplier: 2 };
const MIDDLE = (): number => 0.5;

describe('backoffMs', () => {
  it('doubles from the first delay up to the cap', () => {
    const waits = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(policy, attempt, MIDDLE));
    expect(waits).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('stays finite after years of failure', () => {
    expect(backoffMs(policy, 1e9, MIDDLE)).toBe(60_000);
  });

  it('spreads waits over 80 to 120 %', () => {
    expect(jittered(1000, () => 0)).toBe(800);
    expect(jittered(1000, () => 1)).toBe(1200);
  });
});
