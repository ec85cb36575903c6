import { HlsStreamError } from '../errors.js';
import { tooLarge } from '../limits.js';

/** Characters in one line; KVS's are about 300. */
const MAX_LINE_CHARS = 16_384;
/** Variants of a master that count: ladders have about ten, some as often again for each group of audio. The parser compares some with each other. */
const MAX_VARIANTS = 64;

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

/** Whether these are bytes that a resource can have and a request can name. */
export function isRange(offset: number, length: number): boolean {
  return offset >= 0 && length > 0 && [offset, length, offset + length].every(Number.isSafeInteger);
}

/**
 * The lines for the parser. Of a tag that stands several times before one entry the last counts: however often a playlist says
 * the same, the parser's work is bounded by the entries.
 */
class TagLines {
  // The version keeps the parser from complaining, at the price of a stack trace each, about tags newer than the list's own.
  readonly #lines = ['#EXTM3U', '#EXT-X-VERSION:12'];
  readonly #opener: string;
  /** By tag, those that belong to the entry that comes next. */
  readonly #pending = new Map<string, string>();

  /** `opener`: the tag that an entry must have. */
  constructor(opener: string) {
    this.#opener = opener;
  }

  /** Whether a URI would be an entry here. */
  get isOpen(): boolean {
    return this.#pending.has(this.#opener);
  }

  see(name: string, line: string): void {
    this.#pending.set(name, line);
  }

  entry(...lines: string[]): void {
    this.#lines.push(...this.#pending.values(), ...lines);
    this.#pending.clear();
  }

  /** The entry that comes next is left out, and what belongs to it. */
  drop(): void {
    this.#pending.clear();
  }

  /** All of it. An entry without its URI is left out: the parser would take the next tag for it. */
  text(): string {
    this.#pending.delete(this.#opener);
    return [...this.#lines, ...this.#pending.values()].join('\n');
  }
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
    const offset = this.#offset ?? (uri === this.#uri ? this.#end : 0);
    if (!isRange(offset, length)) return null;
    this.#uri = uri;
    this.#end = offset + length;
    return `#EXT-X-BYTERANGE:${length}@${offset}`;
  }
}

/**
 * Checks a playlist's size and shape, and rewrites it for the parser: one kind, only tags that are read, a URI only
 * after its `EXTINF` (players ignore others), titles dropped, dates without a zone taken as UTC, of a master only the first
 * {@link MAX_VARIANTS} variants.
 *
 * What is left is linear to parse; renditions and date ranges, which hls-parser compares each with each, are gone.
 *
 * @throws HlsStreamError `HLS_TOO_LARGE`, `HLS_PLAYLIST_INVALID`, `HLS_UNSUPPORTED`
 */
export function tidy(text: string, maxEntries: number): TidyText {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  // Comments before it are against the rules, and players take them.
  const first = lines.find((line) => !/^\s*($|#(?!EXT))/.test(line))?.trim() ?? '';
  if (!/^#EXTM3U(\s|$)/.test(first)) throw invalid('Playlist does not begin with #EXTM3U: it is not HLS');

  const master = new TagLines('EXT-X-STREAM-INF');
  const media = new TagLines('EXTINF');
  const ranges = new RangeChain();
  let entries = 0;
  let variants = 0;
  let hasVariants = false;
  let hasMediaTags = false;
  let hasEntries = false;

  for (const raw of lines) {
    if (raw.length > MAX_LINE_CHARS) throw invalid(`Playlist has a line of ${raw.length} characters`);
    const line = raw.trim();
    if (line === '') continue;
    if (!line.startsWith('#')) {
      if (++entries > maxEntries) {
        const most = `${maxEntries} entries`;
        throw tooLarge('playlist', 'The playlist lists more than', most, 'maxPlaylistEntries');
      }
      if (master.isOpen) {
        if (++variants > MAX_VARIANTS) master.drop();
        else master.entry(line);
      }
      if (media.isOpen) {
        const range = ranges.tagFor(line);
        media.entry(...(range === null ? [line] : [range, line]));
      }
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
      hasVariants ||= name === 'EXT-X-STREAM-INF';
      master.see(name, line);
    } else if (name === 'EXT-X-BYTERANGE') {
      ranges.see(value);
    } else if (MEDIA_TAGS.has(name)) {
      hasMediaTags = true;
      if (name === 'EXTINF') {
        hasEntries = true;
        // Titles that are not UTF-8 make the parser throw.
        media.see(name, `#EXTINF:${value.split(',', 1)[0] ?? ''},`);
      } else if (name === 'EXT-X-PROGRAM-DATE-TIME') {
        media.see(name, /(Z|[+-]\d\d:?\d\d)$/i.test(value) ? line : `#${name}:${value}Z`);
      } else {
        media.see(name, line);
      }
    }
  }
  if (hasVariants && hasEntries) throw invalid('Playlist lists both variants and fragments');
  if (hasVariants) return { kind: 'master', text: master.text() };
  if (!hasMediaTags) throw invalid('Playlist lists neither variants nor fragments');
  return { kind: 'media', text: media.text() };
}
