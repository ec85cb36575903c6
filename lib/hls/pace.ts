/** What is known about when a list grows. Times are ms of the monotonic clock. */
export interface Pace {
  /** When the newest fragment was first seen; the session's opening before that. */
  readonly lastNewMs: number;
  /** Polls since then that showed nothing new. */
  readonly fruitless: number;
  /**
   * Whether `lastNewMs` is within one poll of when the fragment really appeared: the poll before had not shown it.
   * Otherwise it may have been there for up to its own duration.
   */
  readonly isPhaseKnown: boolean;
  /** Duration of the newest fragment, the best guess for the next. */
  readonly durationMs: number;
  readonly targetDurationMs: number;
}

/** Lower bound between two polls that show nothing new: KVS allows 5 a second per session (its quotas page). */
const MIN_POLL_MS = 200;
/** Fruitless polls after which they become rarer: a fragment's worth at a tenth of it each. */
const EAGER_POLLS = 10;
const SLOWING = 1.25;

function pollIntervalMs(pace: Pace): number {
  return Math.max(MIN_POLL_MS, pace.durationMs / 10);
}

/**
 * When to poll next, in ms of the monotonic clock.
 *
 * Once the moment at which fragments appear is known, that is one duration after the last. Until then, polls follow each
 * other at a tenth of a duration (at least 200 ms); a fragment that is found at once makes the next poll that much
 * earlier, so that a drift is noticed in both directions. When nothing appears for long, polls slow down to one per
 * target duration.
 */
export function nextPollMs(pace: Pace, lastPollMs: number): number {
  const intervalMs = pollIntervalMs(pace);
  if (pace.fruitless > 0) {
    const slower = SLOWING ** Math.max(0, pace.fruitless - EAGER_POLLS);
    return lastPollMs + Math.min(intervalMs * slower, Math.max(intervalMs, pace.targetDurationMs));
  }
  if (pace.isPhaseKnown) return pace.lastNewMs + pace.durationMs;
  return lastPollMs + intervalMs;
}

/** The pace of a list that was just opened at `nowMs`. */
export function openingPace(nowMs: number, durationMs: number, targetDurationMs: number): Pace {
  return { lastNewMs: nowMs, fruitless: 0, isPhaseKnown: false, durationMs, targetDurationMs };
}

/** The pace after a poll that began at `nowMs` and showed `fresh` new fragments. */
export function paceAfter(
  pace: Pace,
  nowMs: number,
  fresh: number,
  durationMs: number,
  targetDurationMs: number,
): Pace {
  if (fresh === 0) return { ...pace, fruitless: pace.fruitless + 1, targetDurationMs };
  if (pace.fruitless > 0)
    return { lastNewMs: nowMs, fruitless: 0, isPhaseKnown: fresh === 1, durationMs, targetDurationMs };
  // Found at the first try: it appeared some time before. One step earlier next time.
  const lastNewMs = nowMs - pollIntervalMs({ ...pace, durationMs });
  return { lastNewMs, fruitless: 0, isPhaseKnown: fresh === 1, durationMs, targetDurationMs };
}
