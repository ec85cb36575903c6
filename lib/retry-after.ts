/**
 * A `Retry-After` header in ms from now: seconds or an HTTP date, as RFC 9110 §10.2.3 has it. `undefined` if it is
 * absent or neither; never negative.
 */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
