import { describe, expect, test } from '@jest/globals';
import { extentOf, mediaDigest } from '../../../lib/hls/digest.js';
import { box } from './media.js';

/** One PES packet with a PTS, as transport packets: the first with an adaptation field of some bytes. */
function pes(pid: number, pts: number, payload: Buffer, adaptationBytes: number, counter = 0): Buffer {
  const stamp = Buffer.alloc(5, 0x21);
  stamp.writeUInt32BE(pts, 1);
  const bytes = Buffer.concat([Buffer.from([0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5]), stamp, payload]);
  const packets: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const first = at === 0;
    const room = 184 - (first ? adaptationBytes + 1 : 0);
    const part = bytes.subarray(at, at + room);
    const stuffing = room - part.byteLength;
    const fieldBytes = (first ? adaptationBytes + 1 : 0) + stuffing;
    const header = Buffer.from([
      0x47,
      (first ? 0x40 : 0) | (pid >> 8),
      pid & 0xff,
      (fieldBytes > 0 ? 0x30 : 0x10) | (counter++ & 15),
    ]);
    const field = Buffer.alloc(fieldBytes, 0xff);
    if (fieldBytes > 0) field[0] = fieldBytes - 1;
    if (fieldBytes > 1) field[1] = 0;
    packets.push(Buffer.concat([header, field, part]));
    at += part.byteLength;
  }
  return Buffer.concat(packets);
}

/** A table such as PAT, with some version. */
function table(version: number): Buffer {
  const packet = Buffer.alloc(188, 0xff);
  Buffer.from([0x47, 0x40, 0, 0x10, 0, 0, 0xb0, 13, 0, 1, 0xc1 | (version << 1)]).copy(packet);
  return packet;
}

const video = Buffer.from(Array.from({ length: 700 }, (_, i) => i % 251));
const sound = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 13));

describe('the digest of MPEG-TS', () => {
  const digest = (...parts: Buffer[]): string => mediaDigest(Buffer.concat(parts), 'mpegts');
  const one = digest(table(0), pes(256, 9000, video, 7), pes(257, 9000, sound, 0));

  test('does not depend on times, tables, counters, stuffing or the order of the streams', () => {
    expect(digest(table(1), pes(256, 12_345, video, 20, 9), pes(257, 1, sound, 3))).toBe(one);
    expect(digest(table(0), pes(257, 9000, sound, 0), pes(256, 9000, video, 7))).toBe(one);
  });

  test('depends on what is coded', () => {
    const other = Buffer.from(video);
    other[699] = 0;
    expect(digest(table(0), pes(256, 9000, other, 7), pes(257, 9000, sound, 0))).not.toBe(one);
    expect(digest(table(0), pes(256, 9000, video, 7))).not.toBe(one);
  });
});

describe('the digest of fMP4', () => {
  const digest = (...boxes: Buffer[]): string => mediaDigest(Buffer.concat(boxes), 'fmp4');

  test('is that of its mdat boxes, whatever stands around them', () => {
    const one = digest(box('moof', 24), box('mdat', video));
    expect(digest(box('styp', 4), box('moof', 80), box('mdat', video), box('free', 9))).toBe(one);
    expect(digest(box('moof', 24), box('mdat', sound))).not.toBe(one);
  });
});

describe('a sampled digest', () => {
  const media = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));
  const digest = (payload: Buffer): string => mediaDigest(box('mdat', payload), 'fmp4', 'sampled');
  const changedAt = (...ats: number[]): Buffer => {
    const copy = Buffer.from(media);
    for (const at of ats) copy[at]! ^= 1;
    return copy;
  };

  test('is the same whatever stands around the media, and says what it is of', () => {
    const around = Buffer.concat([box('styp', 4), box('moof', 80), box('mdat', media)]);
    expect(mediaDigest(around, 'fmp4', 'sampled')).toBe(digest(media));
    expect(extentOf(digest(media))).toBe('sampled');
    expect(extentOf(mediaDigest(around, 'fmp4'))).toBe('whole');
    expect(mediaDigest(table(0), 'mpegts', 'sampled')).toBe(mediaDigest(table(0), 'mpegts'));
  });

  test('depends on the length, the first and last bytes, and whatever differs from some place on', () => {
    const one = digest(media);
    const rest = Array.from({ length: 6000 }, (_, i) => 100_000 + i);
    for (const other of [
      media.subarray(1),
      media.subarray(0, -1),
      changedAt(0),
      changedAt(299_999),
      changedAt(...rest),
    ])
      expect(digest(other)).not.toBe(one);
  });

  test('is of every byte of short media', () => {
    const short = media.subarray(0, 32_000);
    for (let at = 0; at < short.length; at += 997) {
      const other = Buffer.from(short);
      other[at]! ^= 1;
      expect(digest(other)).not.toBe(digest(short));
    }
  });
});
