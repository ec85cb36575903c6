import type { GapCause } from './gap.js';

/** How much of a hole's time each cause explains, ms. */
export type Shares = Partial<Record<GapCause, number>>;

export function addShare(shares: Shares, cause: GapCause, ms: number): void {
  if (ms > 0) shares[cause] = (shares[cause] ?? 0) + ms;
}

export function sumOfShares(shares: Shares): number {
  return Object.values(shares).reduce((total, ms) => total + ms, 0);
}

/** The cause of most of the time; `producer` of none. */
export function largestShare(shares: Shares): GapCause {
  const [first] = Object.entries(shares).sort(([, a], [, b]) => b - a);
  return (first?.[0] ?? 'producer') as GapCause;
}
