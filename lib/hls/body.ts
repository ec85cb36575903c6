import type { Dispatcher } from 'undici';
import { HlsStreamError } from '../errors.js';
import type { ByteRange } from './playlist.js';

function tooLarge(kind: string, maxBytes: number): HlsStreamError {
  return new HlsStreamError('HLS_TOO_LARGE', `The ${kind} is larger than the limit of ${maxBytes} bytes`, {
    resource: kind,
  });
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

/** Reads straight into memory of the right size: the only copy on the way from the socket. */
async function readKnown(
  body: AsyncIterable<Uint8Array>,
  kind: string,
  length: number,
  onProgress: (bytes: number) => void,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of body) {
    onProgress(chunk.byteLength);
    if (at + chunk.byteLength > length) throw tooLarge(kind, length);
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  if (at < length) throw tooShort(kind, at, length);
  return bytes;
}

async function readUnknown(
  body: AsyncIterable<Uint8Array>,
  kind: string,
  maxBytes: number,
  onProgress: (bytes: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    onProgress(chunk.byteLength);
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge(kind, maxBytes);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
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
  maxBytes: number,
  range: ByteRange | null,
  onProgress: (bytes: number) => void,
): Promise<Uint8Array> {
  const length = contentLength(response.headers);
  if (length !== null && length > maxBytes) throw tooLarge(kind, maxBytes);
  const body = response.body as AsyncIterable<Uint8Array>;
  const bytes =
    length === null
      ? await readUnknown(body, kind, maxBytes, onProgress)
      : await readKnown(body, kind, length, onProgress);
  return range === null ? bytes : cut(bytes, response, kind, range);
}
