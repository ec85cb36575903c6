import { beforeAll, describe, expect, test } from '@jest/globals';

import { type Clip, parseClip, prepareClip } from '../../../lib/simulator/index.js';
import { boxAt, boxesOf, Mp4Error, Mp4Splitter } from '../../../lib/simulator/mp4-boxes.js';
import { parseFragment, withTimes } from '../../../lib/simulator/mp4-fragment.js';
import { wholeMp4 } from './media.js';

function split(data: Buffer, chunkBytes: number): { inits: Buffer[]; fragments: Buffer[]; whole: boolean } {
  const inits: Buffer[] = [];
  const fragments: Buffer[] = [];
  const splitter = new Mp4Splitter({
    onInit: (bytes) => inits.push(bytes),
    onFragment: (bytes) => fragments.push(bytes),
  });
  for (let at = 0; at < data.length; at += chunkBytes) splitter.push(data.subarray(at, at + chunkBytes));
  return { inits, fragments, whole: splitter.isAtBoundary };
}

describe('MP4 boxes', () => {
  let clip: Clip;
  beforeAll(async () => {
    clip = await prepareClip({ width: 160, height: 90, seconds: 3, bFrames: 2 });
  });

  test.each([1, 7, 4096, 1 << 20])(
    'are cut into init and fragments when %i bytes come at a time',
    (chunkBytes) => {
      const { inits, fragments, whole } = split(wholeMp4(clip), chunkBytes);
      expect(inits).toEqual([clip.init.bytes]);
      expect(fragments).toEqual(clip.fragments.map((fragment) => fragment.media));
      expect(whole).toBe(true);
    },
  );

  test('of a file that ends early leave the last fragment out', () => {
    const { fragments, whole } = split(wholeMp4(clip).subarray(0, -1), 1000);
    expect(fragments).toHaveLength(2);
    expect(whole).toBe(false);
    expect(() => parseClip(wholeMp4(clip).subarray(0, -1))).toThrow('not a whole fragmented MP4');
  });

  test('that announce less than their own header are refused', () => {
    expect(() => split(Buffer.from([0, 0, 0, 4, 0x6d, 0x6f, 0x6f, 0x66]), 8)).toThrow(Mp4Error);
  });

  test('that overrun their parent are refused', () => {
    const broken = Buffer.from(clip.init.bytes);
    broken.writeUInt32BE(0x7fffffff, boxAt(broken, ['moov', 'trak']).start);
    expect(() => boxesOf(broken, boxAt(broken, ['moov']).body, broken.length)).toThrow(Mp4Error);
  });

  test('of an init section tell codec, size and timescale', () => {
    expect(clip.init).toMatchObject({ codec: 'h264', width: 160, height: 90, nalLengthBytes: 4 });
    expect(clip.init.codecs).toMatch(/^avc1\.[0-9a-f]{6}$/);
    expect(clip.init.parameterSets.map((set) => set[0]! & 0x1f)).toEqual([7, 8]);
  });

  test('of a fragment tell every picture, key frame first, and times that go on', () => {
    expect(clip.frames).toBe(45);
    expect(clip.durationMs).toBe(3000);
    let expected = 0;
    for (const { contents } of clip.fragments) {
      expect(contents.decodeTicks).toBe(expected);
      expect(contents.samples.map((sample) => sample.isKey)).toEqual([
        true,
        ...Array<boolean>(14).fill(false),
      ]);
      expect(contents.samples.some((sample) => sample.compositionTicks < 0)).toBe(true);
      expected += contents.durationTicks;
    }
  });

  test('get new times without any other change', () => {
    const { media, contents } = clip.fragments[1]!;
    const moved = withTimes(media, 77, 2 ** 40);
    const read = parseFragment(clip.init, moved);
    expect(read.decodeTicks).toBe(2 ** 40);
    expect(moved.readUInt32BE(boxAt(moved, ['moof', 'mfhd']).body + 4)).toBe(77);
    expect({ ...read, decodeTicks: contents.decodeTicks }).toEqual(contents);
    expect(moved).toHaveLength(media.length);
  });

  test('of H.265 give the codec text that players expect', async () => {
    const h265 = await prepareClip({ width: 160, height: 90, seconds: 1, codec: 'h265' });
    expect(h265.init.codec).toBe('h265');
    expect(h265.init.codecs).toBe('hvc1.1.6.L30.90');
  });
});
