import { checkOptions, shown, type Rules } from './config.js';
import { ConfigError, HlsStreamError } from './errors.js';

/**
 * What a source takes at most of whoever serves the stream, so that neither a damaged nor a hostile one can take the process'
 * memory or time. What is larger is refused, with an error or `fault` that names the limit; reading goes on behind it.
 */
export interface SourceLimits {
  /** Bytes of a playlist, 1 to 2 GiB − 1. More: `HLS_TOO_LARGE`. Default 4 MiB: KVS lists at most 5,000 fragments, at about 340 bytes. */
  maxPlaylistBytes?: number;
  /** Fragments or variants that a playlist lists, 1 or more. More: `HLS_TOO_LARGE`. Default 5,100: KVS lists at most 5,000. */
  maxPlaylistEntries?: number;
  /** Bytes of an init section, 1 to 2 GiB − 1. More: `HLS_TOO_LARGE`. Default 1 MiB; usual are 700 bytes to 3 KiB. */
  maxInitBytes?: number;
  /** Bytes of a fragment, 1 to 2 GiB − 1. Of a larger one nothing is read, and it is a gap of cause `policy`. Default 64 MiB: KVS takes
   *  fragments of up to 50 MB (its quotas page). Of a byte range this holds for what the server sends. */
  maxFragmentBytes?: number;
  /** Redirects that one request follows, 0–20. Each target must be at the session's origin or an allowed one, and none leads from
   *  https to http; else, and of more: `HLS_STATUS`. Default 0: none, since the token of a session could go along. */
  maxRedirects?: number;
  /** Pixels of a picture, width × height, 1 or more. Fragments of larger ones are a `fault` of stage `limit` and a gap of cause
   *  `policy`: they are not decoded, or where only the pictures themselves tell their size, not handed over.
   *  Default 8192 × 8192: pictures of H.264 and H.265 level 6.2 end at 8192 × 4320. */
  maxPixels?: number;
  /** Pictures in a fragment, 1–1,000,000. What is behind them is cut off: a `fault` of stage `limit`, and a gap of cause `policy`.
   *  Default 10,000: 20 s, KVS's longest fragment, at 500 pictures a second. */
  maxFramesPerFragment?: number;
  /** Seconds that one fragment may keep the decoder busy, 0.001–86400: processor time of its thread; with `decoderThreads` above
   *  1 or `hwaccel`, where others do the work, time by the clock. Conversion and waits for free slots are not counted. Then the
   *  rest of the fragment is cut off as above, and the decoder starts afresh with the next. A decoder that is not back from one
   *  single call after twice that time (10 s at least), by the clock, ends the source with `ENGINE_FAILED`. Default 60: three times the length
   *  of KVS's longest fragment. */
  maxDecodeSeconds?: number;
  /** Bytes of fragments that wait for the decoder, 1 to 2 GiB − 1; one fragment always may. When there are as many, fetching waits.
   *  As many again may be kept while a new session is compared with the one before. Default 64 MiB: a fragment of KVS's largest
   *  size, or many usual ones. */
  maxQueuedBytes?: number;
  /** Bytes that the source may hold in all, 1 or more: its frames (`bufferedFrames` of them), fragments that wait, and the pictures
   *  that the decoder keeps to refer to. They are counted when frames of a new size come and after each fragment; of frames in
   *  memory that several sources share, this one's part. More: the source ends with `CONFIG_INVALID`, or is refused at once
   *  if `bufferedFrames` and `output` alone say so. Default 2 GiB: pictures of 8192 × 4320 as `rgb24` take 0.85 GB for 8 `bufferedFrames`,
   *  and up to 0.9 GB for the decoder's 16 of 8 bits; larger ones, of 10 bits or as floats, may need a higher limit. */
  maxMemoryBytes?: number;
}

/** What each limit is where no other is given. */
export const DEFAULT_LIMITS: Readonly<Required<SourceLimits>> = {
  maxPlaylistBytes: 4 * 1024 * 1024,
  maxPlaylistEntries: 5100,
  maxInitBytes: 1024 * 1024,
  maxFragmentBytes: 64 * 1024 * 1024,
  maxRedirects: 0,
  maxPixels: 8192 * 8192,
  maxFramesPerFragment: 10_000,
  maxDecodeSeconds: 60,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxMemoryBytes: 2 * 1024 * 1024 * 1024,
};

/** The largest picture that libavcodec takes: a side has 16 bits in H.264 and H.265 headers. */
const MOST_PIXELS = 65535 * 65535;

/** Names are checked as the user knows them. */
const PREFIX = 'limits.';

function integer(name: keyof SourceLimits, min = 1, max = Number.MAX_SAFE_INTEGER): Rules {
  return { [`${PREFIX}${name}`]: { kind: 'integer', min, max, default: DEFAULT_LIMITS[name] } };
}

/** What one array of bytes can be counted on to hold, wherever it goes: lengths of 32 bits with a sign. */
const MOST_BYTES = 2 ** 31 - 1;

const RULES: Rules = {
  ...integer('maxPlaylistBytes', 1, MOST_BYTES),
  ...integer('maxPlaylistEntries'),
  ...integer('maxInitBytes', 1, MOST_BYTES),
  ...integer('maxFragmentBytes', 1, MOST_BYTES),
  ...integer('maxRedirects', 0, 20),
  ...integer('maxPixels', 1, MOST_PIXELS),
  ...integer('maxFramesPerFragment', 1, 1_000_000),
  [`${PREFIX}maxDecodeSeconds`]: {
    kind: 'number',
    min: 0.001,
    max: 86_400,
    default: DEFAULT_LIMITS.maxDecodeSeconds,
  },
  ...integer('maxQueuedBytes', 1, MOST_BYTES),
  ...integer('maxMemoryBytes'),
};

/** An object as a literal or `JSON.parse` makes it, of whichever realm: what a Map or a class holds would go unread. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The limits checked, with the defaults filled in. Throws `ConfigError`. */
export function checkLimits(value: unknown = {}): Required<SourceLimits> {
  if (!isPlain(value)) {
    throw new ConfigError(
      `Expected an object such as { maxPixels: 8294400 } for limits but received ${shown(value)}`,
    );
  }
  const named = Object.fromEntries(Object.entries(value).map(([name, limit]) => [PREFIX + name, limit]));
  const checked = checkOptions<Record<string, number>>(named, RULES, 'limits');
  return Object.fromEntries(
    Object.entries(checked).map(([name, limit]) => [name.slice(PREFIX.length), limit]),
  ) as unknown as Required<SourceLimits>;
}

/** The refusal of a resource that is too large. `what`: e.g. `The fragment is larger than`, `most`: e.g. `1024 bytes`. */
export function tooLarge(
  resource: string,
  what: string,
  most: string,
  limit: keyof SourceLimits,
): HlsStreamError {
  return new HlsStreamError('HLS_TOO_LARGE', `${what} the limit of ${most}; raise limits.${limit}`, {
    resource,
  });
}
