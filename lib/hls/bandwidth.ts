/** One download, whole or given up. */
export interface Download {
  bytes: number;
  /** From the request to the last byte, in ms. */
  ms: number;
  /** Length of what was asked for, in ms of media. */
  mediaMs: number;
}

/**
 * Two moving averages of what a bit has taken of late; a value.
 *
 * They average time per bit, not bits per time, so that one slow fragment weighs as much as it delays. A fragment counts by its
 * media time: that of its download would let fast ones hardly count after a slow one.
 */
export interface Bandwidth {
  /** Ms per bit. */
  readonly fast: number;
  readonly slow: number;
  /** Ms of media that were measured; 0: nothing is known. */
  readonly mediaMs: number;
}

export const UNKNOWN_BANDWIDTH: Bandwidth = { fast: 0, slow: 0, mediaMs: 0 };

/** Media after which a measurement counts half. The fast one sees a drop within a fragment or two; the slow one outlasts a lull. */
const FAST_HALF_LIFE_MS = 4_000;
const SLOW_HALF_LIFE_MS = 15_000;
/** Playlists may claim any length. */
const LONGEST_MS = 60_000;

/** The next average; `weights` are of all measurements so far, so that the first counts in full. */
function average(
  before: number,
  knownMs: number,
  value: number,
  mediaMs: number,
  halfLifeMs: number,
): number {
  const weight = (ms: number): number => 1 - 0.5 ** (ms / halfLifeMs);
  const share = weight(mediaMs) / weight(knownMs + mediaMs);
  return before + (value - before) * share;
}

/** After one download more. One of no bytes or no media time tells nothing. */
export function bandwidthAfter(before: Bandwidth, { bytes, ms, mediaMs: lengthMs }: Download): Bandwidth {
  const mediaMs = Math.min(lengthMs, LONGEST_MS);
  if (bytes <= 0 || mediaMs <= 0) return before;
  const perBit = Math.max(ms, 0.1) / (bytes * 8);
  return {
    fast: average(before.fast, before.mediaMs, perBit, mediaMs, FAST_HALF_LIFE_MS),
    slow: average(before.slow, before.mediaMs, perBit, mediaMs, SLOW_HALF_LIFE_MS),
    mediaMs: before.mediaMs + mediaMs,
  };
}

/** The lower of the two averages, in bits per second; `null` before the first download. */
export function bitsPerSecond({ fast, slow, mediaMs }: Bandwidth): number | null {
  return mediaMs === 0 ? null : 1000 / Math.max(fast, slow);
}
