import { describe, expect, it } from '@jest/globals';
import { renewalDelayMs } from '../../../lib/policy/rollover';

describe('renewalDelayMs', () => {
  const session = { endsAtMs: 300_000 };

  it('renews the margin before the end, at most a tenth earlier by chance', () => {
    expect(renewalDelayMs(session, 0, 30_000, () => 0)).toBe(270_000);
    expect(renewalDelayMs(session, 0, 30_000, () => 1)).toBe(243_000);
  });

  it('renews at once when the margin has begun', () => {
    expect(renewalDelayMs(session, 280_000, 30_000, () => 0.5)).toBe(0);
  });

  it('never renews what never ends', () => {
    expect(renewalDelayMs({ endsAtMs: Infinity }, 0, 30_000, () => 0)).toBeNull();
  });
});
