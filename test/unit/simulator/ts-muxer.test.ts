import { describe, expect, test } from '@jest/globals';

import { type Clip, type ClipOptions, prepareClip } from '../../../lib/simulator/index.js';
import { muxTransportStream } from '../../../lib/simulator/ts-muxer.js';
import { pictureHashes, wholeMp4 } from './media.js';

function transportStream(clip: Clip, fromTicks = 0): Buffer[] {
  return clip.fragments.map(({ contents }) =>
    muxTransportStream(clip.init, contents, fromTicks + contents.decodeTicks),
  );
}

/** PTS and DTS of each PES packet, in the order of the stream. */
function times(packets: Buffer): { pts: number; dts: number }[] {
  const found: { pts: number; dts: number }[] = [];
  const time = (at: number): number =>
    ((packets[at]! >> 1) & 7) * 2 ** 30 +
    (packets.readUInt16BE(at + 1) >> 1) * 2 ** 15 +
    (packets.readUInt16BE(at + 3) >> 1);
  for (let at = 0; at < packets.length; at += 188) {
    if ((packets.readUInt16BE(at + 1) & 0x5fff) !== 0x4100) continue;
    const payload = at + 4 + ((packets[at + 3]! & 0x20) === 0 ? 0 : packets[at + 4]! + 1);
    found.push({ pts: time(payload + 9), dts: time(payload + 14) });
  }
  return found;
}

describe('The MPEG-TS muxer', () => {
  const forms: [string, ClipOptions][] = [
    ['without B-frames', {}],
    ['with B-frames', { bFrames: 2 }],
    ['with open groups of pictures', { bFrames: 2, openGop: true }],
    ['of tiny pictures', { width: 160, height: 90, bitrateKbps: 20 }],
  ];
  test.each(forms)('decodes to the same pictures as the MP4 form: H.264 %s', async (_, options) => {
    const clip = await prepareClip({ width: 320, height: 180, seconds: 3, ...options });
    const expected = pictureHashes(wholeMp4(clip));
    expect(expected).toHaveLength(45);
    expect(pictureHashes(Buffer.concat(transportStream(clip)))).toEqual(expected);
  });

  test('makes each fragment decodable on its own', async () => {
    const clip = await prepareClip({ width: 320, height: 180, seconds: 3 });
    const alone = transportStream(clip).map((fragment) => pictureHashes(fragment));
    expect(alone.flat()).toEqual(pictureHashes(wholeMp4(clip)));
  });

  test('writes whole packets, never shows a picture before decoding it, and wraps at 33 bits', async () => {
    const clip = await prepareClip({ width: 320, height: 180, seconds: 3, bFrames: 2 });
    const nearWrap = ((2 ** 33 - 63_000 - 3000) * clip.init.timescale) / 90_000;
    const [first] = transportStream(clip, nearWrap);
    expect(first!.length % 188).toBe(0);
    for (let at = 0; at < first!.length; at += 188) expect(first![at]).toBe(0x47);
    const seen = times(first!);
    expect(seen).toHaveLength(15);
    expect(seen[0]!.dts).toBe(2 ** 33 - 3000);
    expect(seen[1]!.dts).toBe(3000);
    for (const { pts, dts } of seen) expect((pts - dts + 2 ** 33) % 2 ** 33).toBeLessThan(90_000);
  });
});
