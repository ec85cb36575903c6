import { FrameSourceError } from '../errors.js';
import { classify } from '../policy/fault.js';

/** First pause after a failure: KVS allows 5 playlist requests a second (its quotas page). */
const FIRST_PAUSE_MS = 200;
/** After one for being asked too often. */
const FIRST_THROTTLED_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 2000;
const LONGEST_THROTTLED_PAUSE_MS = 10_000;

/** Asked too often. */
export function isThrottled(error: unknown): boolean {
  return classify(error) === 'throttled';
}

/** A connection that fails, a timeout, a 5xx or throttling: the same request may well succeed later. */
export function isTransient(error: unknown): error is FrameSourceError {
  if (!(error instanceof FrameSourceError)) return false;
  if (error.code === 'HLS_STATUS') return isThrottled(error) || (error.status ?? 0) >= 500;
  return error.code === 'HLS_NETWORK' || error.code === 'HLS_TIMEOUT';
}

/** Whether a poll that failed so may be repeated: also one that brought half a playlist, or something that is none. */
export function isTransientPoll(error: unknown): error is FrameSourceError {
  if (isTransient(error)) return true;
  if (!(error instanceof FrameSourceError)) return false;
  return error.code === 'HLS_TRUNCATED' || error.code === 'HLS_PLAYLIST_INVALID';
}

/**
 * Pause before a failed request is repeated, in ms: 200 doubled each time up to 2 s, where throttled 1 s up to 10 s,
 * spread over 50–100 %; never less than the server asked for.
 *
 * @param failures how many in a row, this one not counted
 * @param random 0 ≤ n < 1
 */
export function pauseAfterMs(error: unknown, failures: number, random: number): number {
  const [firstMs, longestMs] = isThrottled(error)
    ? [FIRST_THROTTLED_PAUSE_MS, LONGEST_THROTTLED_PAUSE_MS]
    : [FIRST_PAUSE_MS, LONGEST_PAUSE_MS];
  const pauseMs = Math.min(firstMs * 2 ** failures, longestMs) * (0.5 + random / 2);
  const retryAfterMs = error instanceof FrameSourceError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(pauseMs, retryAfterMs);
}
