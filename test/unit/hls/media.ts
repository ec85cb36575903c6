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
