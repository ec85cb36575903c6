import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { checkFragment, checkInit } from '../../../lib/hls/boxes.js';
import { box, fragmentBytes, initBytes, tsBytes } from './media.js';

const MEDIA = join(__dirname, '../../../../shared/media');

describe('a whole fMP4 fragment', () => {
  test('ends with its last box and has moof and mdat', () => {
    expect(checkFragment(fragmentBytes(7))).toBe('fmp4');
    expect(checkFragment(Buffer.concat([box('styp', 4), box('sidx', 32), fragmentBytes(1)]))).toBe('fmp4');
  });

  test('may carry 64-bit box sizes, and a last box that runs to the end', () => {
    const long = Buffer.alloc(16 + 5);
    long.writeUInt32BE(1, 0);
    long.write('mdat', 4);
    long.writeBigUInt64BE(21n, 8);
    expect(checkFragment(Buffer.concat([box('moof', 8), long]))).toBe('fmp4');
    const open = Buffer.concat([box('moof', 8), box('mdat', 3)]);
    open.writeUInt32BE(0, 16);
    expect(checkFragment(open)).toBe('fmp4');
  });

  test('is told from one that was cut at any byte', () => {
    const whole = fragmentBytes(3);
    for (let length = 0; length < whole.byteLength; length++) {
      expect(() => checkFragment(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'HLS_TRUNCATED' }),
      );
    }
  });

  test.each([
    ['a box smaller than its header', Buffer.from([0, 0, 0, 7, 0x6d, 0x6f, 0x6f, 0x66])],
    [
      'a 64-bit size beyond all bounds',
      Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from('mdat'), Buffer.alloc(8, 0xff)]),
    ],
    ['a fragment without mdat', box('moof', 20)],
    ['an error page', Buffer.from('<html><body>404 Not Found</body></html>')],
  ])('is not %s', (_name, bytes) => {
    expect(() => checkFragment(bytes)).toThrow(
      expect.objectContaining({ code: 'HLS_TRUNCATED', resource: 'fragment' }),
    );
  });
});

describe('a whole MPEG-TS fragment', () => {
  test('is a number of packets, each with its sync byte', () => {
    expect(checkFragment(tsBytes(3))).toBe('mpegts');
    expect(() => checkFragment(tsBytes(3).subarray(0, 500))).toThrow(
      expect.objectContaining({ code: 'HLS_TRUNCATED' }),
    );
    const bad = tsBytes(3);
    bad[188] = 0;
    expect(() => checkFragment(bad)).toThrow(/no sync byte at byte 188/);
  });
});

describe('a whole init section', () => {
  test('has a moov box and ends with its last box', () => {
    expect(() => checkInit(initBytes(1))).not.toThrow();
    expect(() => checkInit(initBytes(1).subarray(0, -1))).toThrow(
      expect.objectContaining({ code: 'HLS_TRUNCATED', resource: 'init' }),
    );
    expect(() => checkInit(box('ftyp', 8))).toThrow(/no moov/);
  });
});

const describeWithMedia = existsSync(MEDIA) ? describe : describe.skip;
if (!existsSync(MEDIA)) console.info('Skipped: public test media are not here (../shared/media)');

describeWithMedia('real media', () => {
  const read = (name: string): Buffer => readFileSync(join(MEDIA, name));

  test.each(['hls-fmp4/playlist0.m4s', 'hls-fmp4/playlist1.m4s', 'hls-cmaf-demuxed/video_1.m4s'])(
    '%s is fMP4',
    (name) => {
      expect(checkFragment(read(name))).toBe('fmp4');
    },
  );

  test.each(['hls-ts/sd-hls0000000000.ts', 'ts/sample_h264.ts', 'ts/oneSecond.ts', 'ts/zeroLength.ts'])(
    '%s is MPEG-TS',
    (name) => {
      expect(checkFragment(read(name))).toBe('mpegts');
    },
  );

  test.each(['hls-fmp4/init.mp4', 'hls-cmaf-demuxed/video_init.mp4'])('%s is an init section', (name) => {
    expect(() => checkInit(read(name))).not.toThrow();
  });
});
