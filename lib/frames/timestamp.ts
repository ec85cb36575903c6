import type { Fragment } from '../hls/fragment.js';
import type { TimestampSource } from './frame.js';

/** A live fragment dated further than this from now has a wrong clock behind it (kvs-hls §4.3). */
const LIVE_SANITY_MS = 24 * 3600 * 1000;

/** Recordings may be old, but no stream is older than the service: Kinesis Video Streams began in November 2017. */
const EARLIEST_RECORDING_MS = Date.UTC(2017, 0, 1);

/** What the dates of a source's playlists are, and how far they can be believed. */
export interface DateTrust {
  /** Whose clock they show. */
  source: 'producer' | 'server';
  /** Live streams are dated now, give or take a day; recordings anything since 2017. */
  isLive: boolean;
}

function isPlausible(dateMs: number, receivedAtMs: number, trust: DateTrust): boolean {
  const ahead = dateMs - receivedAtMs;
  if (trust.isLive) return Math.abs(ahead) <= LIVE_SANITY_MS;
  return dateMs >= EARLIEST_RECORDING_MS && ahead <= LIVE_SANITY_MS;
}

/** When a fragment's first picture was taken, Unix ms, and whose word that is. */
export interface FragmentTime {
  startMs: number;
  source: TimestampSource;
}

/** Of a fragment on its own. */
export function fragmentTime(
  fragment: Pick<Fragment, 'dateMs' | 'durationMs' | 'receivedAtMs'>,
  trust: DateTrust,
): FragmentTime {
  const { dateMs, receivedAtMs } = fragment;
  if (dateMs !== null && isPlausible(dateMs, receivedAtMs, trust))
    return { startMs: dateMs, source: trust.source };
  // A fragment can't arrive before its last picture was taken.
  return { startMs: receivedAtMs - fragment.durationMs, source: 'received' };
}

/**
 * Of a fragment that is dated by its receipt and goes on where the one before ended, `endMs`: so that times neither overlap
 * nor step back when fragments arrive in bursts.
 */
export function continuedTime(
  time: FragmentTime,
  endMs: number,
  receivedAtMs: number,
  trust: DateTrust,
): FragmentTime {
  // A live picture can't have been taken after it was received. A recording is received in one burst, and its times
  // would all be the same.
  const latestMs = trust.isLive ? receivedAtMs : Infinity;
  return { ...time, startMs: Math.min(Math.max(time.startMs, endMs), latestMs) };
}
