import { HlsStreamError } from '../errors.js';

/** Bounds of one playlist's text. */
export interface PlaylistLimits {
  /** Characters in all. Default 4 Mi; the loader's byte limit is the first guard. */
  maxChars: number;
  /** Fragments or variants listed. Default 5,100: KVS lists at most 5,000. */
  maxEntries: number;
  /** Characters in one line. Default 16,384; KVS's are about 300. */
  maxLineChars: number;
}

export const DEFAULT_LIMITS: PlaylistLimits = {
  maxChars: 4 * 1024 * 1024,
  maxEntries: 5100,
  maxLineChars: 16_384,
};

/** A playlist reduced to the tags that are read, in forms that the parser takes without a fuss. */
export interface TidyText {
  kind: 'master' | 'media';
  text: string;
}

/** Tags that are read. All others are left out: renditions, date ranges, low-latency parts, ads, private tags. */
const MASTER_TAGS = new Set(['EXT-X-STREAM-INF', 'EXT-X-SESSION-KEY']);
const MEDIA_TAGS = new Set([
  'EXT-X-TARGETDURATION',
  'EXT-X-MEDIA-SEQUENCE',
  'EXT-X-PLAYLIST-TYPE',
  'EXT-X-ENDLIST',
  'EXTINF',
  'EXT-X-BYTERANGE',
  'EXT-X-DISCONTINUITY',
  'EXT-X-KEY',
  'EXT-X-MAP',
  'EXT-X-PROGRAM-DATE-TIME',
  'EXT-X-GAP',
]);
/** Tags that change the meaning of the rest, so that leaving them out would be wrong. */
const UNSUPPORTED_TAGS = new Map([
  ['EXT-X-I-FRAMES-ONLY', 'lists key frames only'],
  ['EXT-X-SKIP', 'is a delta update'],
  ['EXT-X-DEFINE', 'uses variables'],
]);

function invalid(message: string): HlsStreamError {
  return new HlsStreamError('HLS_PLAYLIST_INVALID', message, { resource: 'playlist' });
}

/** Gives each `EXT-X-BYTERANGE` its offset: without one it follows the last range of the same resource. */
class RangeChain {
  #uri = '';
  #end = 0;
  #lengthText = '';
  #offset: number | null = null;

  see(value: string): void {
    const at = value.indexOf('@');
    this.#lengthText = at === -1 ? value : value.slice(0, at);
    this.#offset = at === -1 ? null : Number.parseInt(value.slice(at + 1), 10);
  }

  /** The tag for the entry with this URI, or `null` if it has none. */
  tagFor(uri: string): string | null {
    const length = Number.parseInt(this.#lengthText, 10);
    this.#lengthText = '';
    if (!Number.isSafeInteger(length) || length <= 0) return null;
    const offset = this.#offset ?? (uri === this.#uri ? this.#end : 0);
    this.#uri = uri;
    this.#end = offset + length;
    return `#EXT-X-BYTERANGE:${length}@${offset}`;
  }
}

/**
 * Checks a playlist's size and shape, and rewrites it for the parser: one kind, only tags that are read, a URI only
 * after its `EXTINF` (players ignore others), titles dropped, dates without a zone taken as UTC.
 *
 * What is left is linear to parse; renditions and date ranges, which hls-parser compares each with each, are gone.
 *
 * @throws HlsStreamError `HLS_TOO_LARGE`, `HLS_PLAYLIST_INVALID`, `HLS_UNSUPPORTED`
 */
export function tidy(text: string, limits: PlaylistLimits): TidyText {
  if (text.length > limits.maxChars) {
    throw new HlsStreamError(
      'HLS_TOO_LARGE',
      `Playlist is ${text.length} characters long; the limit is ${limits.maxChars}`,
      {
        resource: 'playlist',
      },
    );
  }
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  // Comments before it are against the rules, and players take them.
  const first = lines.find((line) => !/^\s*($|#(?!EXT))/.test(line))?.trim() ?? '';
  if (!/^#EXTM3U(\s|$)/.test(first)) throw invalid('Playlist does not begin with #EXTM3U: it is not HLS');

  // The version keeps the parser from complaining, at the price of a stack trace each, about tags newer than the list's own.
  const master: string[] = ['#EXTM3U', '#EXT-X-VERSION:12'];
  const media: string[] = ['#EXTM3U', '#EXT-X-VERSION:12'];
  const ranges = new RangeChain();
  let entries = 0;
  let variantOpen = false;
  let entryOpen = false;
  let hasVariants = false;
  let hasMediaTags = false;
  let hasEntries = false;

  for (const raw of lines) {
    if (raw.length > limits.maxLineChars) throw invalid(`Playlist has a line of ${raw.length} characters`);
    const line = raw.trim();
    if (line === '') continue;
    if (!line.startsWith('#')) {
      if (++entries > limits.maxEntries) {
        throw new HlsStreamError('HLS_TOO_LARGE', `Playlist lists more than ${limits.maxEntries} entries`, {
          resource: 'playlist',
        });
      }
      if (variantOpen) master.push(line);
      if (entryOpen) {
        const range = ranges.tagFor(line);
        if (range !== null) media.push(range);
        media.push(line);
      }
      variantOpen = false;
      entryOpen = false;
      continue;
    }
    const colon = line.indexOf(':');
    const name = (colon === -1 ? line.slice(1) : line.slice(1, colon)).trim();
    const value = colon === -1 ? '' : line.slice(colon + 1).trim();
    const refusal = UNSUPPORTED_TAGS.get(name);
    if (refusal !== undefined) {
      throw new HlsStreamError('HLS_UNSUPPORTED', `Playlist ${refusal} (${name}), which is not supported`, {
        resource: 'playlist',
      });
    }
    if (MASTER_TAGS.has(name)) {
      if (name === 'EXT-X-STREAM-INF') {
        // A variant without its URI: the parser would take the next tag for it.
        if (variantOpen) master.pop();
        variantOpen = true;
        hasVariants = true;
      }
      master.push(line);
    } else if (name === 'EXT-X-BYTERANGE') {
      ranges.see(value);
    } else if (MEDIA_TAGS.has(name)) {
      hasMediaTags = true;
      if (name === 'EXTINF') {
        hasEntries = true;
        entryOpen = true;
        // Titles that are not UTF-8 make the parser throw.
        media.push(`#EXTINF:${value.split(',', 1)[0] ?? ''},`);
      } else if (name === 'EXT-X-PROGRAM-DATE-TIME') {
        media.push(/(Z|[+-]\d\d:?\d\d)$/i.test(value) ? line : `#${name}:${value}Z`);
      } else {
        media.push(line);
      }
    }
  }
  if (hasVariants && hasEntries) throw invalid('Playlist lists both variants and fragments');
  if (hasVariants) {
    if (variantOpen) master.pop();
    return { kind: 'master', text: master.join('\n') };
  }
  if (!hasMediaTags) throw invalid('Playlist lists neither variants nor fragments');
  return { kind: 'media', text: media.join('\n') };
}
