import * as hls from 'hls-parser';
import { HlsStreamError } from '../errors.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { isRange, tidy } from './playlist-text.js';

/** A part of a resource, in bytes. */
export interface ByteRange {
  offset: number;
  length: number;
}

/** Where a resource is. The URL may hold a session token: never logged, never in an error. */
export interface ResourceRef {
  url: string;
  byteRange: ByteRange | null;
}

/** One fragment as a playlist lists it. */
export interface ListedFragment extends ResourceRef {
  /** Media sequence number. */
  sequence: number;
  /** EXTINF in ms; 0 if it is absent or senseless. */
  durationMs: number;
  /** `EXT-X-PROGRAM-DATE-TIME`, Unix ms: its own, or reckoned from a neighbour's; else `null`. */
  dateMs: number | null;
  /** `EXT-X-DISCONTINUITY` stands before it. */
  discontinuity: boolean;
  /** `EXT-X-GAP`: the server has no media for it. */
  gap: boolean;
  /** The init section in force (`EXT-X-MAP`). */
  init: ResourceRef | null;
  /** `fmp4` with an init section, `mpegts` without; the bytes have the last word. */
  container: 'fmp4' | 'mpegts';
}

export interface MediaPlaylist {
  kind: 'media';
  /** Upper bound of a fragment's duration in ms; reckoned from the fragments where the tag is absent or senseless. */
  targetDurationMs: number;
  /** Sequence number of the first listed fragment. */
  mediaSequence: number;
  /** `EXT-X-ENDLIST`: no fragment follows. */
  ended: boolean;
  /** `EXT-X-PLAYLIST-TYPE:VOD`. */
  vod: boolean;
  fragments: ListedFragment[];
}

/** One variant of a master playlist. */
export interface Variant {
  url: string;
  /** Peak bits per second; 0 if absent. */
  bandwidth: number;
  width: number | null;
  height: number | null;
  /** RFC 6381 names, lower case; `null` if the playlist has none. */
  codecs: string[] | null;
}

export interface MasterPlaylist {
  kind: 'master';
  variants: Variant[];
}

export type Playlist = MasterPlaylist | MediaPlaylist;

/** A day: an EXTINF above it is taken for a slip. */
const MAX_DURATION_MS = 24 * 3600 * 1000;
/** Target duration where a playlist gives neither one nor fragments; Apple's old recommendation. */
const FALLBACK_TARGET_MS = 10_000;

function invalid(message: string, cause?: unknown): HlsStreamError {
  return new HlsStreamError('HLS_PLAYLIST_INVALID', message, { resource: 'playlist', cause });
}

function unsupported(message: string): HlsStreamError {
  return new HlsStreamError('HLS_UNSUPPORTED', message, { resource: 'playlist' });
}

/** The parser reports every slip on the console unless told otherwise, by an option of the whole process. */
function parseQuietly(text: string): hls.types.MasterPlaylist | hls.types.MediaPlaylist {
  const { silent = false, strictMode = false } = hls.getOptions();
  hls.setOptions({ silent: true, strictMode: false });
  try {
    return hls.parse(text);
  } catch (error) {
    throw invalid('Playlist can not be parsed', error);
  } finally {
    hls.setOptions({ silent, strictMode });
  }
}

function resolve(uri: unknown, base: string): string {
  if (typeof uri !== 'string' || uri === '' || !URL.canParse(uri, base)) {
    throw invalid('Playlist has an entry whose URI is missing or malformed');
  }
  return new URL(uri, base).href;
}

/** Methods that there are (RFC 8216bis §4.4.4.4); another one might be anything, also the session's token. */
const ENCRYPTIONS = /^(?:AES-128|AES-256|SAMPLE-AES(?:-CTR)?|ISO-23001-7)$/;

function refuseEncryption(key: hls.types.Key | null | undefined): void {
  if (key && key.method !== 'NONE') {
    throw unsupported(
      `Media is encrypted (METHOD ${ENCRYPTIONS.test(String(key.method)) ? key.method : 'unknown'}), which is not supported`,
    );
  }
}

function initOf(
  map: hls.types.MediaInitializationSection | null | undefined,
  base: string,
): ResourceRef | null {
  if (!map) return null;
  const { length = 0, offset: given = 0 } = map.byterange ?? {};
  const offset = Math.max(0, given);
  return { url: resolve(map.uri, base), byteRange: isRange(offset, length) ? { length, offset } : null };
}

function durationOf(seconds: unknown): number {
  const ms = typeof seconds === 'number' ? seconds * 1000 : 0;
  return ms > 0 && ms <= MAX_DURATION_MS ? ms : 0;
}

/** The last date that JavaScript knows (ECMA-262, time values): a later one can't be written. */
const LAST_DATE_MS = 8.64e15;

function dateOf(ms: number | undefined): number | null {
  return ms !== undefined && Math.abs(ms) <= LAST_DATE_MS ? ms : null;
}

/** The first fragment's number; 0 where it is none that can be counted on from. */
function sequenceOf(base: number | undefined, count: number): number {
  const number = Math.floor(base ?? 0);
  return Number.isSafeInteger(number) && Number.isSafeInteger(number + count) ? number : 0;
}

/** Dates carry over by durations, forwards and backwards, but not across a discontinuity: time may jump there. */
function spreadDates(fragments: ListedFragment[]): void {
  for (let i = 1; i < fragments.length; i++) {
    const before = fragments[i - 1]!;
    const here = fragments[i]!;
    if (here.dateMs === null && before.dateMs !== null && !here.discontinuity)
      here.dateMs = dateOf(before.dateMs + before.durationMs);
  }
  for (let i = fragments.length - 2; i >= 0; i--) {
    const here = fragments[i]!;
    const after = fragments[i + 1]!;
    if (here.dateMs === null && after.dateMs !== null && !after.discontinuity)
      here.dateMs = dateOf(after.dateMs - here.durationMs);
  }
}

function mediaFrom(parsed: hls.types.MediaPlaylist, url: string): MediaPlaylist {
  const mediaSequence = sequenceOf(parsed.mediaSequenceBase, parsed.segments.length);
  const fragments: ListedFragment[] = [];
  let map: hls.types.MediaInitializationSection | undefined;
  let init: ResourceRef | null = null;
  for (const segment of parsed.segments) {
    // Tags after the last URI, such as KVS's trailing EXT-X-DISCONTINUITY, come out as a segment without one.
    if (segment.uri === '') continue;
    refuseEncryption(segment.key);
    if (segment.map !== map) {
      map = segment.map;
      init = initOf(map, url);
    }
    fragments.push({
      url: resolve(segment.uri, url),
      byteRange: segment.byterange
        ? { offset: segment.byterange.offset, length: segment.byterange.length }
        : null,
      sequence: mediaSequence + fragments.length,
      durationMs: durationOf(segment.duration),
      dateMs: dateOf(segment.programDateTime?.getTime()),
      discontinuity: segment.discontinuity === true,
      gap: segment.gap === true,
      init,
      container: init === null ? 'mpegts' : 'fmp4',
    });
  }
  spreadDates(fragments);
  const longest = fragments.reduce((most, { durationMs }) => Math.max(most, durationMs), 0);
  return {
    kind: 'media',
    targetDurationMs: durationOf(parsed.targetDuration) || longest || FALLBACK_TARGET_MS,
    mediaSequence,
    ended: parsed.endlist,
    vod: parsed.playlistType === 'VOD',
    fragments,
  };
}

function positive(value: number | undefined): number | null {
  return value !== undefined && value > 0 && Number.isFinite(value) ? value : null;
}

function masterFrom(parsed: hls.types.MasterPlaylist, url: string): MasterPlaylist {
  for (const key of parsed.sessionKeyList) refuseEncryption(key);
  const variants = parsed.variants.map((variant) => ({
    url: resolve(variant.uri, url),
    bandwidth: positive(variant.bandwidth) ?? 0,
    width: positive(variant.resolution?.width),
    height: positive(variant.resolution?.height),
    codecs: variant.codecs
      ? variant.codecs
          .toLowerCase()
          .split(',')
          .map((name) => name.trim())
      : null,
  }));
  return { kind: 'master', variants };
}

/**
 * Reads a master or media playlist.
 *
 * Lenient where players are: absent or wrong `EXT-X-VERSION`, `EXT-X-TARGETDURATION`, sequence numbers, unknown tags.
 * Audio renditions, low-latency parts and date ranges are ignored.
 *
 * @param url where it came from; relative URIs are resolved against it
 * @throws HlsStreamError `HLS_PLAYLIST_INVALID`, `HLS_UNSUPPORTED` (encrypted, key frames only, …), `HLS_TOO_LARGE`
 */
export function parsePlaylist(
  text: string,
  url: string,
  maxEntries = DEFAULT_LIMITS.maxPlaylistEntries,
): Playlist {
  const { kind, text: tidied } = tidy(text, maxEntries);
  const parsed = parseQuietly(tidied);
  if (parsed.isMasterPlaylist) return masterFrom(parsed, url);
  if (kind === 'master') throw invalid('Playlist can not be parsed');
  return mediaFrom(parsed, url);
}
