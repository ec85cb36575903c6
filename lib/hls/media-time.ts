import { boxesOf, TS_PACKET_BYTES } from './boxes.js';
import type { FragmentBytes } from './fragment.js';

/** MPEG-TS counts 90,000 a second, in 33 bits (ISO/IEC 13818-1). */
const TS_TICKS_PER_MS = 90;
const TS_WRAP_MS = 2 ** 33 / TS_TICKS_PER_MS;

interface VideoTrack {
  id: number;
  timescale: number;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The first box at the end of a path of boxes; `null` if there is none. */
function find(bytes: Uint8Array, ...path: string[]): Uint8Array | null {
  const [type, ...rest] = path;
  if (type === undefined) return bytes;
  for (const box of boxesOf(bytes, 'fragment')) {
    const found = box.type === type ? find(box.payload, ...rest) : null;
    if (found !== null) return found;
  }
  return null;
}

/** ISO/IEC 14496-12: `tkhd`, `hdlr` and `mdhd`, whose times have 8 bytes from version 1 on. */
function videoTrack(init: Uint8Array): VideoTrack | null {
  for (const { type, payload: trak } of boxesOf(find(init, 'moov') ?? new Uint8Array(), 'init')) {
    if (type !== 'trak') continue;
    const [tkhd, hdlr, mdhd] = [find(trak, 'tkhd'), find(trak, 'mdia', 'hdlr'), find(trak, 'mdia', 'mdhd')];
    if (tkhd === null || hdlr === null || mdhd === null) continue;
    if (String.fromCharCode(...hdlr.subarray(8, 12)) !== 'vide') continue;
    const id = view(tkhd).getUint32(tkhd[0] === 1 ? 20 : 12);
    const timescale = view(mdhd).getUint32(mdhd[0] === 1 ? 20 : 12);
    return timescale > 0 ? { id, timescale } : null;
  }
  return null;
}

function fmp4StartMs(init: Uint8Array, media: Uint8Array): number | null {
  const track = videoTrack(init);
  if (track === null) return null;
  for (const { type, payload: traf } of boxesOf(find(media, 'moof') ?? new Uint8Array(), 'fragment')) {
    if (type !== 'traf') continue;
    const [tfhd, tfdt] = [find(traf, 'tfhd'), find(traf, 'tfdt')];
    if (tfhd === null || tfdt === null || view(tfhd).getUint32(4) !== track.id) continue;
    const ticks = tfdt[0] === 1 ? Number(view(tfdt).getBigUint64(4)) : view(tfdt).getUint32(4);
    return (ticks / track.timescale) * 1000;
  }
  return null;
}

/** The PTS of the first PES packet of a video stream. */
function tsStartMs(media: Uint8Array): number | null {
  for (let at = 0; at < media.byteLength; at += TS_PACKET_BYTES) {
    const isStart = (media[at + 1]! & 0x40) !== 0;
    const control = (media[at + 3]! >> 4) & 3;
    const from = control === 3 ? at + 5 + media[at + 4]! : at + 4;
    if (!isStart || (control & 1) === 0 || from + 14 > at + TS_PACKET_BYTES) continue;
    const pes = media.subarray(from, from + 14);
    const isVideo = pes[0] === 0 && pes[1] === 0 && pes[2] === 1 && (pes[3]! & 0xf0) === 0xe0;
    if (!isVideo || (pes[7]! & 0x80) === 0) continue;
    const ticks =
      ((pes[9]! >> 1) & 7) * 2 ** 30 +
      (pes[10]! << 22) +
      ((pes[11]! >> 1) << 15) +
      (pes[12]! << 7) +
      (pes[13]! >> 1);
    return ticks / TS_TICKS_PER_MS;
  }
  return null;
}

/**
 * When a fragment's video begins, in ms of its own timeline, which variants of one stream share (RFC 8216, 6.2.4): where the
 * first picture is decoded in fMP4, and presented in MPEG-TS.
 *
 * @param fragment whole, as `checkFragment` lets pass
 * @returns `null` if it can't be told
 */
export function mediaStartMs({ init, media }: FragmentBytes): number | null {
  try {
    return init === null ? tsStartMs(media) : fmp4StartMs(init, media);
  } catch {
    // Boxes within boxes are looked at nowhere else: those that don't fit tell nothing.
    return null;
  }
}

/** How far two times of a timeline lie apart; that of MPEG-TS begins anew after 26.5 hours. */
export function apartMs(aMs: number, bMs: number, isWrapping: boolean): number {
  const ms = Math.abs(aMs - bMs);
  return isWrapping ? Math.min(ms, TS_WRAP_MS - ms) : ms;
}
