import { describe, expect, test } from '@jest/globals';

import { type ClipOptions, prepareClip, readStamp } from '../../../lib/simulator/index.js';
import { picturesOf, wholeMp4 } from './media.js';

describe('A stamp', () => {
  const kinds: ClipOptions[] = [
    { width: 160, height: 90, bitrateKbps: 15 },
    { width: 160, height: 90, bitrateKbps: 15, codec: 'h265' },
    { width: 854, height: 480, bitrateKbps: 100, bFrames: 3 },
    { width: 1280, height: 720, bitrateKbps: 150, codec: 'h265', bFrames: 3 },
    { width: 1080, height: 1920, bitrateKbps: 300 },
    { width: 3840, height: 2160, bitrateKbps: 1000, fps: 5 },
  ];
  test.each(kinds)('is read exactly from every picture of %j', async (options) => {
    const { width = 0, height = 0, fps = 15 } = options;
    const clip = await prepareClip({ ...options, seconds: 2 });
    const pictures = picturesOf(wholeMp4(clip), width, height);
    expect(pictures).toHaveLength(2 * fps);
    const stamps = pictures.map((pixels) => readStamp(pixels, width, height));
    expect(stamps).toEqual(
      pictures.map((_, n) => ({ frameNumber: n, captureMs: Math.round((n * 1000) / fps) })),
    );
  });

  test('is read from a picture that was made smaller, darker and tinted', async () => {
    const clip = await prepareClip({ width: 1280, height: 720, seconds: 1 });
    const filters = 'scale=640:360:flags=area,eq=brightness=-0.1:contrast=0.8,colorbalance=rs=0.2:bm=-0.2';
    const pictures = picturesOf(wholeMp4(clip), 640, 360, filters);
    const numbers = pictures.map((pixels) => readStamp(pixels, 640, 360)?.frameNumber);
    expect(numbers).toEqual(pictures.map((_, n) => n));
  });

  test('is read from rows that are padded', async () => {
    const clip = await prepareClip({ width: 160, height: 90, seconds: 1 });
    const tight = picturesOf(wholeMp4(clip), 160, 90)[7]!;
    const stride = 160 * 3 + 32;
    const padded = Buffer.alloc(stride * 90);
    for (let y = 0; y < 90; y++) tight.copy(padded, y * stride, y * 480, (y + 1) * 480);
    expect(readStamp(padded, 160, 90, stride)).toEqual({ frameNumber: 7, captureMs: 467 });
  });

  test('that has one wrong cell is refused, whichever it is', async () => {
    const clip = await prepareClip({ width: 160, height: 90, seconds: 1 });
    const picture = picturesOf(wholeMp4(clip), 160, 90)[9]!;
    for (let cell = 0; cell < 96; cell++) {
      const damaged = Buffer.from(picture);
      for (let y = 0; y < 8; y++) {
        const from = (Math.floor(cell / 16) * 8 + y) * 480 + (cell % 16) * 24;
        for (let at = from; at < from + 24; at++) damaged[at] = 255 - damaged[at]!;
      }
      expect(readStamp(damaged, 160, 90)).toBeNull();
    }
  });

  test('is not found in black, white or too small pictures', () => {
    expect(readStamp(Buffer.alloc(160 * 90 * 3), 160, 90)).toBeNull();
    expect(readStamp(Buffer.alloc(160 * 90 * 3, 255), 160, 90)).toBeNull();
    expect(readStamp(Buffer.alloc(64 * 64 * 3), 64, 64)).toBeNull();
    expect(readStamp(Buffer.alloc(10), 160, 90)).toBeNull();
  });
});
