import { describe, expect, test } from '@jest/globals';
import { apartMs, mediaStartMs } from '../../../lib/hls/media-time.js';
import { box, fragmentBytes, initBytes, timedFragment, timedInit, tsBytes } from './media.js';

/** One transport packet with a PES header in it; `pts` in ticks. */
function pesPacket(streamId: number, pts: number | null, adaptationBytes = 0): Buffer {
  const packet = Buffer.alloc(188, 0xff);
  const hasField = adaptationBytes > 0;
  packet.set([0x47, 0x41, 0x00, hasField ? 0x30 : 0x10]);
  if (hasField) packet[4] = adaptationBytes - 1;
  const high = pts === null ? 0 : Math.floor(pts / 2 ** 30);
  const low = pts === null ? 0 : pts % 2 ** 30;
  packet.set(
    [
      ...[0, 0, 1, streamId, 0, 0, 0x80, pts === null ? 0 : 0x80, 5],
      0x21 | (high << 1),
      (low >> 22) & 0xff,
      ((low >> 14) & 0xfe) | 1,
      (low >> 7) & 0xff,
      ((low << 1) & 0xfe) | 1,
    ],
    4 + adaptationBytes,
  );
  return packet;
}

describe('the start of a fragment on its timeline', () => {
  test('is that of its video track, in the ticks that the init section tells', () => {
    const init = timedInit(1);
    expect(mediaStartMs({ init, media: timedFragment(3, 123_456.5) })).toBeCloseTo(123_456.5, 1);
    // 2^32 ticks are 13 hours.
    expect(mediaStartMs({ init, media: timedFragment(3, 1e9) })).toBeCloseTo(1e9, 1);
  });

  test('is the PTS of the first video packet of a transport stream, all 33 bits of it', () => {
    const media = Buffer.concat([
      tsBytes(2),
      pesPacket(0xc0, 90),
      pesPacket(0xe0, null),
      pesPacket(0xe1, 2 ** 33 - 90_001, 40),
      pesPacket(0xe0, 90),
    ]);
    expect(mediaStartMs({ init: null, media })).toBeCloseTo((2 ** 33 - 90_001) / 90, 6);
  });

  test('is unknown where the boxes or packets do not tell, or do not fit', () => {
    const init = timedInit(1);
    expect(mediaStartMs({ init, media: fragmentBytes(1) })).toBeNull();
    expect(mediaStartMs({ init: initBytes(1), media: timedFragment(1, 5) })).toBeNull();
    expect(mediaStartMs({ init: box('ftyp', 8), media: timedFragment(1, 5) })).toBeNull();
    const short = Buffer.concat([box('moof', box('traf', box('tfhd', 2))), box('mdat', 4)]);
    expect(mediaStartMs({ init, media: short })).toBeNull();
    expect(mediaStartMs({ init: null, media: tsBytes(4) })).toBeNull();
  });
});

test('times of a transport stream are near one another across its wrap, those of fMP4 are not', () => {
  const wrapMs = 2 ** 33 / 90;
  expect(apartMs(wrapMs - 30, 20, true)).toBeCloseTo(50, 6);
  expect(apartMs(wrapMs - 30, 20, false)).toBeGreaterThan(9e7);
  expect(apartMs(1000, 4000, true)).toBe(3000);
});
