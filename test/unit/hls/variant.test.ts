import { describe, expect, test } from '@jest/globals';
import type { Variant } from '../../../lib/hls/playlist.js';
import { chooseVariant } from '../../../lib/hls/variant.js';

function variant(
  url: string,
  height: number | null,
  bandwidth: number,
  codecs: string[] | null = ['avc1.4d4029', 'mp4a.40.2'],
): Variant {
  return { url, bandwidth, height, width: height === null ? null : (height * 16) / 9, codecs };
}

const LADDER = [
  variant('low', 360, 800_000),
  variant('high', 1080, 5_000_000),
  variant('mid', 720, 2_000_000),
  variant('mid+', 720, 3_000_000),
];

describe('the variant that is read', () => {
  test.each([
    ['is the largest', {}, 'high'],
    ['is not higher than asked', { maxHeight: 720 }, 'mid+'],
    ['takes no more bandwidth than asked', { maxBandwidth: 2_500_000 }, 'mid'],
    ['keeps both limits', { maxHeight: 1080, maxBandwidth: 900_000 }, 'low'],
    ['is the lowest where none keeps the limits', { maxHeight: 100 }, 'low'],
  ])('%s', (_name, limits, url) => {
    expect(chooseVariant(LADDER, limits).url).toBe(url);
  });

  test('goes by bandwidth where no resolution is told', () => {
    expect(chooseVariant([variant('a', null, 1), variant('b', null, 3), variant('c', null, 2)]).url).toBe(
      'b',
    );
  });

  test('is never audio alone, nor a codec that is not decoded', () => {
    const odd = [
      variant('audio', null, 9, ['mp4a.40.2']),
      variant('vp9', 2160, 9, ['vp09.00.10.08']),
      variant('dolby', 2160, 9, ['dvh1.05.06']),
    ];
    expect(chooseVariant([...odd, variant('hevc', 360, 1, ['hvc1.1.6.l93.b0'])]).url).toBe('hevc');
    expect(chooseVariant([...odd, variant('unknown', null, 1, null)]).url).toBe('unknown');
  });

  test('is missing where none can be decoded, and the error names the codecs', () => {
    expect(() => chooseVariant([variant('audio', null, 9, ['mp4a.40.2'])])).toThrow(
      expect.objectContaining({ code: 'HLS_UNSUPPORTED', message: expect.stringContaining('mp4a.40.2') }),
    );
    expect(() => chooseVariant([])).toThrow(expect.objectContaining({ code: 'HLS_UNSUPPORTED' }));
  });
});
