import { HlsStreamError } from '../errors.js';

/** Packet length and sync byte of an MPEG transport stream, ISO/IEC 13818-1. */
export const TS_PACKET_BYTES = 188;
const TS_SYNC = 0x47;

function truncated(resource: 'init' | 'fragment', message: string): HlsStreamError {
  return new HlsStreamError('HLS_TRUNCATED', message, { resource });
}

/** A top-level box. */
interface Box {
  type: string;
  payload: Uint8Array;
}

/** Walks over the top-level boxes; throws `HLS_TRUNCATED` unless the last ends exactly at the last byte. */
export function* boxesOf(bytes: Uint8Array, resource: 'init' | 'fragment'): Generator<Box, void, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.byteLength) {
    const left = bytes.byteLength - at;
    if (left < 8)
      throw truncated(resource, `The ${resource} ends ${left} bytes into a box header at byte ${at}`);
    let size = view.getUint32(at);
    let headerBytes = 8;
    if (size === 1 && left >= 16) {
      size = Number(view.getBigUint64(at + 8));
      headerBytes = 16;
    } else if (size === 0) {
      size = left;
    }
    if (size < headerBytes || size > left) {
      throw truncated(
        resource,
        `The ${resource} has a box of ${size} bytes at byte ${at} where ${left} bytes are left`,
      );
    }
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { type, payload: bytes.subarray(at + headerBytes, at + size) };
    at += size;
  }
}

function topLevelTypes(bytes: Uint8Array, resource: 'init' | 'fragment'): Set<string> {
  return new Set(Array.from(boxesOf(bytes, resource), ({ type }) => type));
}

function checkPackets(bytes: Uint8Array): void {
  if (bytes.byteLength % TS_PACKET_BYTES !== 0) {
    throw truncated(
      'fragment',
      `The fragment has ${bytes.byteLength} bytes, which is not a multiple of ${TS_PACKET_BYTES}`,
    );
  }
  for (let at = 0; at < bytes.byteLength; at += TS_PACKET_BYTES) {
    if (bytes[at] !== TS_SYNC) throw truncated('fragment', `The fragment has no sync byte at byte ${at}`);
  }
}

/**
 * Checks that a fragment is whole, since one cut short can hang a demuxer for good: fMP4 boxes end exactly at its last
 * byte and hold `moof` and `mdat`; MPEG-TS is whole packets, each with its sync byte.
 *
 * @returns the container, by its bytes
 * @throws HlsStreamError `HLS_TRUNCATED`
 */
export function checkFragment(bytes: Uint8Array): 'fmp4' | 'mpegts' {
  if (bytes.byteLength === 0) throw truncated('fragment', 'The fragment is empty');
  // As a box size, 0x47 would be the first byte of 1.1 GiB or more.
  if (bytes[0] === TS_SYNC) {
    checkPackets(bytes);
    return 'mpegts';
  }
  const types = topLevelTypes(bytes, 'fragment');
  for (const type of ['moof', 'mdat']) {
    if (!types.has(type)) throw truncated('fragment', `The fragment has no ${type} box`);
  }
  return 'fmp4';
}

/**
 * Checks that an fMP4 init section is whole and has a `moov` box.
 *
 * @throws HlsStreamError `HLS_TRUNCATED`
 */
export function checkInit(bytes: Uint8Array): void {
  if (!topLevelTypes(bytes, 'init').has('moov')) throw truncated('init', 'The init section has no moov box');
}
