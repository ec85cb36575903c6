/** How long to wait between tries: `delayMs × multiplier^(n − 1)`, capped, then spread by chance. */
export interface BackoffPolicy {
  /** First wait in ms. */
  delayMs: number;
  /** Longest wait in ms, before the spread. */
  maxDelayMs: number;
  /** Growth from one try to the next, ≥ 1. */
  multiplier: number;
}

/** Waits are spread over 80–120 % so that many cameras do not come back in step. */
const SPREAD = { from: 0.8, to: 1.2 };

/** Multiplies by 0.8–1.2. `random` answers [0, 1). */
export function jittered(ms: number, random: () => number): number {
  return ms * (SPREAD.from + (SPREAD.to - SPREAD.from) * random());
}

/** The wait in ms before try `attempt` (1 is the first wait). */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: () => number): number {
  // The exponent is bounded so that years of failure don't make Infinity × 0.
  const growth = Math.pow(policy.multiplier, Math.min(attempt - 1, 64));
  return jittered(Math.min(policy.delayMs * growth, policy.maxDelayMs), random);
}
