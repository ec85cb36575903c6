import type { Sample } from './prometheus';

/** Prometheus extrapolates to an edge of the window if the nearest sample is not farther from it than so many steps. */
const NEAR_STEPS = 1.1;

/**
 * What `rate()` answers for a counter's samples in the window that ends at `atMs`, by the rule that its documentation and
 * `extrapolatedRate` state; `null` for fewer than two samples.
 */
export function rateOf(samples: readonly Sample[], atMs: number, windowSeconds: number): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || samples.length < 2) return null;
  let increase = 0;
  for (const [i, { value }] of samples.entries()) {
    if (i === 0) continue;
    const before = samples[i - 1]?.value ?? 0;
    increase += value < before ? value : value - before;
  }
  const windowMs = windowSeconds * 1000;
  const sampled = last.atMs - first.atMs;
  const step = sampled / (samples.length - 1);
  // A counter was not below zero before its first sample.
  const sinceZero = increase > 0 ? sampled * (first.value / increase) : Infinity;
  const beforeFirst = Math.min(first.atMs - (atMs - windowMs), sinceZero);
  const afterLast = atMs - last.atMs;
  const reach = (toEdge: number): number => (toEdge < NEAR_STEPS * step ? toEdge : step / 2);
  return (increase * (sampled + reach(beforeFirst) + reach(afterLast))) / sampled / windowSeconds;
}
