/** Small synthetic media: whole by their structure, with a number inside to tell them apart. */

export function box(type: string, payload: number | Uint8Array): Buffer {
  const body = typeof payload === 'number' ? Buffer.alloc(payload, 0xab) : payload;
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.byteLength, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}

/** `moof` + `mdat`; the number is in the last four bytes. */
export function fragmentBytes(number: number, mediaBytes = 32): Buffer {
  const media = Buffer.alloc(mediaBytes, 0xcd);
  media.writeInt32BE(number, mediaBytes - 4);
  return Buffer.concat([box('moof', 24), box('mdat', media)]);
}

/** The number that {@link fragmentBytes} wrote. */
export function numberIn(bytes: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readInt32BE(bytes.byteLength - 4);
}

/** `ftyp` + `moov` that differ by a number. */
export function initBytes(number: number): Buffer {
  return Buffer.concat([box('ftyp', 8), box('moov', Buffer.from([0, 0, 0, number]))]);
}

export function tsBytes(packets: number): Buffer {
  const bytes = Buffer.alloc(packets * 188, 0xff);
  for (let at = 0; at < bytes.byteLength; at += 188) bytes[at] = 0x47;
  return bytes;
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

/** Track 7 is video of 90,000 ticks a second, track 1 is sound; the number is in the last byte. */
export function timedInit(number: number): Buffer {
  const trak = (id: number, handler: string, timescale: number): Buffer => {
    const hdlr = Buffer.concat([words(0, 0), Buffer.from(handler, 'latin1'), words(0, 0, 0)]);
    const mdia = Buffer.concat([box('mdhd', words(0, 0, 0, timescale)), box('hdlr', hdlr)]);
    return box('trak', Buffer.concat([box('tkhd', words(0, 0, 0, id)), box('mdia', mdia)]));
  };
  const udta = box('udta', Buffer.from([0, 0, 0, number]));
  const moov = Buffer.concat([trak(1, 'soun', 48_000), trak(7, 'vide', 90_000), udta]);
  return Buffer.concat([box('ftyp', 8), box('moov', moov)]);
}

/** With the times of {@link timedInit}; the number is in the last four bytes. */
export function timedFragment(number: number, startMs: number): Buffer {
  const traf = (id: number, tfdt: Buffer): Buffer =>
    box('traf', Buffer.concat([box('tfhd', words(0, id)), box('tfdt', tfdt)]));
  const ticks = Buffer.alloc(12);
  ticks[0] = 1;
  ticks.writeBigUInt64BE(BigInt(Math.round(startMs * 90)), 4);
  const moof = Buffer.concat([box('mfhd', words(0, 1)), traf(1, words(0, 5)), traf(7, ticks)]);
  return Buffer.concat([box('moof', moof), fragmentBytes(number).subarray(32)]);
}
