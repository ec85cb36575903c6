/** How a stream has come of late. Times in ms. */
export interface Rhythm {
  /** Of the newest fragments, as listed; oldest first. */
  readonly durationsMs: readonly number[];
  /** From one fragment's appearance to the last poll that still showed no other; oldest first. */
  readonly silencesMs: readonly number[];
}

export const UNKNOWN_RHYTHM: Rhythm = { durationsMs: [], silencesMs: [] };

/** Fragments and silences that are remembered. */
const RECENT = 8;
/** No list is taken for stalled sooner: a camera of 1 s fragments may lose its uplink for some seconds. */
const LEAST_LIMIT_MS = 10_000;
/** Nor later, whatever a list claims. KVS's fragments are 20 s at most (its quotas page). */
const MOST_LIMIT_MS = 600_000;
/** Fragments or silences in a row after which it is. */
const TIMES = 3;

/** For a stream of which nothing is known: KVS calls a camera silent after 30 s (kvs-hls §2.2). */
export const UNKNOWN_STALL_LIMIT_MS = 30_000;

/**
 * The rhythm after fragments appeared.
 *
 * @param durationsMs theirs; 0 where a list does not tell
 * @param silenceMs how long, for certain, nothing had appeared before them; `null` if that is not known
 */
export function rhythmAfter(
  { durationsMs: durations, silencesMs }: Rhythm,
  durationsMs: readonly number[],
  silenceMs: number | null,
): Rhythm {
  return {
    durationsMs: [...durations, ...durationsMs.filter((ms) => ms > 0)].slice(-RECENT),
    silencesMs: silenceMs === null ? silencesMs : [...silencesMs, silenceMs].slice(-RECENT),
  };
}

/**
 * How long nothing new may appear until the list is taken for stalled: three times the longest of its recent fragments
 * and silences, 10 s at least (kvs-hls §12.1 says the same of the target duration, which counts only for want of these).
 */
export function stallLimitMs({ durationsMs, silencesMs }: Rhythm, targetDurationMs: number): number {
  const longestMs = Math.max(0, ...durationsMs, ...silencesMs) || targetDurationMs;
  return Math.min(Math.max(LEAST_LIMIT_MS, TIMES * longestMs), MOST_LIMIT_MS);
}
