import type { Dispatcher } from 'undici';
import { HlsStreamError } from '../errors.js';
import { tooLarge, type SourceLimits } from '../limits.js';
import type { ByteRange } from './playlist.js';

/** How large a body may be, and which option says so. */
export interface SizeLimit {
  name: keyof SourceLimits;
  bytes: number;
}

function refuseSize(kind: string, { name, bytes }: SizeLimit): never {
  throw tooLarge(kind, `The ${kind} is larger than`, `${bytes} bytes`, name);
}

function tooShort(kind: string, received: number, expected: number): HlsStreamError {
  return new HlsStreamError('HLS_TRUNCATED', `The ${kind} ended after ${received} of ${expected} bytes`, {
    resource: kind,
  });
}

/** As announced, or `null`. */
export function contentLength(headers: Dispatcher.ResponseData['headers']): number | null {
  const value = headers['content-length'];
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : null;
}

/** Memory at first for a body of announced length: what is only announced takes no more. Most fragments are smaller. */
const FIRST_ANNOUNCED_BYTES = 1024 * 1024;
/** Memory at first for a body of unknown length: a usual playlist. */
const FIRST_BYTES = 64 * 1024;

function allocate(bytes: number, kind: string, { name }: SizeLimit): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    const message = `There is no memory for ${bytes} bytes of the ${kind}; lower limits.${name}`;
    throw new HlsStreamError('HLS_TOO_LARGE', message, { resource: kind, cause: error });
  }
}

/**
 * Gathers what comes, in memory that grows with it: pieces of a byte each would take a hundred times as much if they were kept.
 * `length`: as announced, or `null`.
 */
async function readWhole(
  body: AsyncIterable<Uint8Array>,
  kind: string,
  length: number | null,
  limit: SizeLimit,
  onProgress: (bytes: number) => void,
): Promise<Uint8Array> {
  const most = length ?? limit.bytes;
  const first = length === null ? FIRST_BYTES : FIRST_ANNOUNCED_BYTES;
  let bytes = allocate(Math.min(first, most), kind, limit);
  let at = 0;
  for await (const chunk of body) {
    onProgress(chunk.byteLength);
    const end = at + chunk.byteLength;
    if (end > most) refuseSize(kind, limit);
    if (end > bytes.byteLength) {
      const larger = allocate(Math.min(most, Math.max(end, 2 * bytes.byteLength)), kind, limit);
      larger.set(bytes.subarray(0, at));
      bytes = larger;
    }
    bytes.set(chunk, at);
    at = end;
  }
  if (length !== null && at < length) throw tooShort(kind, at, length);
  return at === bytes.byteLength ? bytes : bytes.slice(0, at);
}

/** The asked-for range of a body that is the range (206) or the whole resource (200). */
function cut(
  bytes: Uint8Array,
  response: Dispatcher.ResponseData,
  kind: string,
  range: ByteRange,
): Uint8Array {
  if (response.statusCode === 206) {
    const answered = /^bytes (\d+)-/.exec(String(response.headers['content-range'] ?? ''))?.[1];
    if (Number(answered) !== range.offset) {
      throw new HlsStreamError(
        'HLS_STATUS',
        `The ${kind} was answered with another byte range than ${range.offset}+${range.length}`,
        {
          resource: kind,
          status: 206,
        },
      );
    }
    if (bytes.byteLength < range.length) throw tooShort(kind, bytes.byteLength, range.length);
    return bytes.byteLength === range.length ? bytes : bytes.slice(0, range.length);
  }
  const end = range.offset + range.length;
  if (bytes.byteLength < end) throw tooShort(kind, bytes.byteLength, end);
  // A copy, so that the rest of the resource is let go.
  return bytes.slice(range.offset, end);
}

/**
 * Reads a body whole, as one array that nobody else holds.
 *
 * @param onProgress called with the size of each piece that arrives
 * @throws HlsStreamError `HLS_TOO_LARGE` (before reading, where the length is announced), `HLS_TRUNCATED`, `HLS_STATUS`
 */
export async function readBody(
  response: Dispatcher.ResponseData,
  kind: string,
  limit: SizeLimit,
  range: ByteRange | null,
  onProgress: (bytes: number) => void,
): Promise<Uint8Array> {
  const length = contentLength(response.headers);
  if (length !== null && length > limit.bytes) refuseSize(kind, limit);
  const body = response.body as AsyncIterable<Uint8Array>;
  const bytes = await readWhole(body, kind, length, limit, onProgress);
  return range === null ? bytes : cut(bytes, response, kind, range);
}
