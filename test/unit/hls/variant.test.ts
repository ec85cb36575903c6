import { describe, expect, test } from '@jest/globals';
import type { Variant } from '../../../lib/hls/playlist.js';
import { ladderOf, variantKey, variantName } from '../../../lib/hls/variant.js';

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

const urls = (variants: readonly Variant[]): string[] => variants.map(({ url }) => url);

describe('the variant that is read first', () => {
  test.each([
    ['is the largest', {}, 'high'],
    ['is not higher than asked', { maxHeight: 720 }, 'mid+'],
    ['takes no more bandwidth than asked', { maxBandwidth: 2_500_000 }, 'mid'],
    ['keeps both limits', { maxHeight: 1080, maxBandwidth: 900_000 }, 'low'],
    ['is the lowest where none keeps the limits', { maxHeight: 100 }, 'low'],
    ['is the smallest that is not smaller than wanted', { wantedWidth: 640, wantedHeight: 360 }, 'low'],
    ['is not smaller in either direction', { wantedWidth: 640, wantedHeight: 640 }, 'mid+'],
    [
      'may be smaller in one direction where the whole picture is fitted in',
      { wantedWidth: 640, wantedHeight: 640, wantedSides: 'one' as const },
      'low',
    ],
    ['suits a wanted height alone, fitted in', { wantedHeight: 721, wantedSides: 'one' as const }, 'high'],
    ['suits a wanted width alone', { wantedWidth: 641 }, 'mid+'],
    ['suits a wanted height alone', { wantedHeight: 721 }, 'high'],
    ['is the largest where all are smaller than wanted', { wantedWidth: 3840, wantedHeight: 2160 }, 'high'],
    [
      'is the largest that the limits allow where that is smaller',
      { wantedHeight: 900, maxHeight: 720 },
      'mid+',
    ],
  ])('%s', (_name, limits, url) => {
    expect(ladderOf(LADDER, limits).steps[0]?.url).toBe(url);
  });

  test('goes by bandwidth where no resolution is told', () => {
    expect(
      urls(ladderOf([variant('a', null, 1), variant('b', null, 3), variant('c', null, 2)]).steps),
    ).toEqual(['b', 'c', 'a']);
  });

  test('is never audio alone, nor a codec that is not decoded', () => {
    const odd = [
      variant('audio', null, 9, ['mp4a.40.2']),
      variant('vp9', 2160, 9, ['vp09.00.10.08']),
      variant('dolby', 2160, 9, ['dvh1.05.06']),
    ];
    const hevc = ladderOf([...odd, variant('hevc', 360, 1, ['hvc1.1.6.l93.b0'])]);
    expect([urls(hevc.steps), urls(hevc.spares)]).toEqual([['hevc'], []]);
    expect(urls(ladderOf([...odd, variant('unknown', null, 1, null)]).steps)).toEqual(['unknown']);
  });

  test('is missing where none can be decoded, and the error names the codecs', () => {
    expect(() => ladderOf([variant('audio', null, 9, ['mp4a.40.2'])])).toThrow(
      expect.objectContaining({ code: 'HLS_UNSUPPORTED', message: expect.stringContaining('mp4a.40.2') }),
    );
    expect(() => ladderOf([])).toThrow(expect.objectContaining({ code: 'HLS_UNSUPPORTED' }));
  });
});

describe('the other variants', () => {
  test('are steps where each needs less than the one before, and spares else: lower first, then larger', () => {
    const { steps, spares } = ladderOf(
      [...LADDER, variant('mid backup', 720, 3_000_000), variant('odd', 540, 2_500_000)],
      {
        wantedHeight: 700,
      },
    );
    expect(urls(steps)).toEqual(['mid+', 'mid', 'low']);
    expect(urls(spares)).toEqual(['mid backup', 'odd', 'high']);
  });

  test('are one per URL, though a master names them once for each group of audio', () => {
    const twice = [variant('a', 720, 2_200_000), variant('a', 720, 2_000_000), variant('b', 360, 900_000)];
    const { steps, spares } = ladderOf(twice);
    expect(steps.map(({ url, bandwidth }) => [url, bandwidth])).toEqual([
      ['a', 2_000_000],
      ['b', 900_000],
    ]);
    expect(spares).toEqual([]);
  });

  test('keep their limits as long as one does', () => {
    const { steps, spares } = ladderOf(LADDER, { maxBandwidth: 2_500_000 });
    expect(urls(steps)).toEqual(['mid', 'low']);
    expect(urls(spares)).toEqual(['mid+', 'high']);
  });
});

test('a variant that is to be kept is the only step; the others are there if it can not be had', () => {
  const { steps, spares } = ladderOf(LADDER, { wantedHeight: 700, keepVariant: true });
  expect(urls(steps)).toEqual(['mid+']);
  expect(urls(spares)).toEqual(['mid', 'low', 'high']);
});

test('a variant is known again whatever token its URL bears', () => {
  const [a, b, c] = [
    'https://host/hi/list.m3u8?t=1',
    'https://host/hi/list.m3u8?t=2',
    'https://host/lo/list.m3u8?t=1',
  ].map((url) => variantKey(variant(url, 720, 1_000_000)));
  expect(a).toBe(b);
  expect(c).not.toBe(a);
  expect(a).not.toContain('t=');
});

test('a log names a variant by its size and bandwidth', () => {
  expect(variantName(variant('x', 720, 2_000_000))).toBe('1280x720, 2000 kb/s');
  expect(variantName(variant('x', null, 64_400))).toBe('of unknown size, 64 kb/s');
});
