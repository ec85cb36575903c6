/**
 * When to open the next session, in ms from now, for one that expires at `expiresAtMs`.
 *
 * Up to a tenth earlier than `marginMs` before expiry, by chance, so that cameras started together do not
 * renew together. `null` for a session that never expires. `random` answers [0, 1).
 */
export function renewalDelayMs(
  session: { expiresAtMs: number },
  nowMs: number,
  marginMs: number,
  random: () => number,
): number | null {
  if (session.expiresAtMs === Infinity) return null;
  const latest = session.expiresAtMs - marginMs - nowMs;
  return Math.max(0, latest * (1 - 0.1 * random()));
}
