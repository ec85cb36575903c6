/**
 * When to open the next session, in ms from now, for one that ends at `endsAtMs`. Times are ms of the monotonic clock.
 *
 * Up to a tenth earlier than `marginMs` before the end, by chance, so that cameras started together do not
 * renew together. `null` for a session that never ends. `random` answers [0, 1).
 */
export function renewalDelayMs(
  session: { endsAtMs: number },
  nowMs: number,
  marginMs: number,
  random: () => number,
): number | null {
  if (session.endsAtMs === Infinity) return null;
  const latest = session.endsAtMs - marginMs - nowMs;
  return Math.max(0, latest * (1 - 0.1 * random()));
}
