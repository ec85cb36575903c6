/**
 * A `Retry-After` header in ms from now: seconds or an HTTP date, as RFC 9110 §10.2.3 has it. A date is counted from that of the answer
 * (its `Date` header), since the host's clock may be wrong, and from `nowMs` only where the answer has none. `undefined` if it is
 * absent or neither; never negative.
 */
export function retryAfterMs(
  value: string | undefined,
  date: string | undefined,
  nowMs: number,
): number | undefined {
  if (value === undefined) return undefined;
  const answeredMs = Date.parse(date ?? '');
  const fromMs = Number.isNaN(answeredMs) ? nowMs : answeredMs;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - fromMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
