import { beforeAll, describe, expect, test } from '@jest/globals';

import { type Clip, prepareClip } from '../../../../lib/simulator/index.js';
import { damageFragment } from '../../../../lib/simulator/faults/fragment-damage.js';
import { damageInit } from '../../../../lib/simulator/faults/init-damage.js';
import { boxesOf } from '../../../../lib/simulator/mp4-boxes.js';
import { parseFragment } from '../../../../lib/simulator/mp4-fragment.js';
import { parseInit } from '../../../../lib/simulator/mp4-init.js';
import { muxTransportStream } from '../../../../lib/simulator/ts-muxer.js';
import { pictureHashes } from '../media.js';

let clip: Clip;
let mp4: Buffer;
let ts: Buffer;
beforeAll(async () => {
  clip = await prepareClip({ width: 160, height: 90, seconds: 2 });
  mp4 = clip.fragments[0]!.media;
  ts = muxTransportStream(clip.init, clip.fragments[0]!.contents, 0);
});

const types = (bytes: Buffer): string[] => boxesOf(bytes).map((box) => box.type);
const differences = (a: Buffer, b: Buffer): number => a.filter((byte, n) => byte !== b[n]).length;

describe('A damaged fragment', () => {
  test.each([
    ['fMP4', false],
    ['MPEG-TS', true],
  ] as const)('in %s keeps the original as it is', (_, isTs) => {
    const original = isTs ? ts : mp4;
    const before = Buffer.from(original);
    for (const type of ['truncated', 'bit-flipped', 'no-pictures', 'empty'] as const) {
      expect(damageFragment(original, isTs, { type }).equals(before)).toBe(false);
    }
    expect(original.equals(before)).toBe(true);
  });

  test('can end early, be empty, or have no media', () => {
    const cut = damageFragment(mp4, false, { type: 'truncated' });
    expect(cut.length / mp4.length).toBeCloseTo(2 / 3, 1);
    expect(() => boxesOf(cut)).toThrow('overruns');
    expect(damageFragment(ts, true, { type: 'truncated' }).length % 188).not.toBe(0);
    expect(damageFragment(mp4, false, { type: 'empty' })).toHaveLength(0);
    expect(types(damageFragment(mp4, false, { type: 'only-moof' }))).toEqual(['moof']);
  });

  test('can have one bit that is wrong, in its pictures', () => {
    for (const [isTs, original] of [
      [false, mp4],
      [true, ts],
    ] as const) {
      const flipped = damageFragment(original, isTs, { type: 'bit-flipped' });
      expect(differences(flipped, original)).toBe(1);
    }
    expect(types(damageFragment(mp4, false, { type: 'bit-flipped' }))).toEqual(['moof', 'mdat']);
  });

  test('can be well formed without a picture', () => {
    const bare = damageFragment(mp4, false, { type: 'no-pictures' });
    expect(parseFragment(clip.init, bare).samples).toHaveLength(15);
    expect(() => pictureHashes(Buffer.concat([clip.init.bytes, bare]))).toThrow();
    const bareTs = damageFragment(ts, true, { type: 'no-pictures' });
    expect(bareTs).toHaveLength(ts.length);
    for (let at = 0; at < ts.length; at += 188) {
      expect(bareTs.subarray(at, at + 4).equals(ts.subarray(at, at + 4))).toBe(true);
    }
    expect(() => pictureHashes(bareTs)).toThrow();
  });

  test('can be large and whole', () => {
    const hashes = pictureHashes(ts);
    const large = damageFragment(mp4, false, { type: 'padded', toBytes: 2_000_000 });
    expect(large).toHaveLength(2_000_000);
    expect(types(large)).toEqual(['moof', 'mdat', 'free']);
    expect(pictureHashes(Buffer.concat([clip.init.bytes, large]))).toEqual(hashes);
    const largeTs = damageFragment(ts, true, { type: 'padded', toBytes: 2_000_000 });
    expect(largeTs.length).toBeGreaterThan(2_000_000 - 188);
    expect(pictureHashes(largeTs)).toEqual(hashes);
  });
});

describe('A damaged init section', () => {
  test('can end early, be empty, or have no codec data', () => {
    const { bytes } = clip.init;
    expect(() => parseInit(damageInit(bytes, { type: 'truncated' }))).toThrow();
    expect(damageInit(bytes, { type: 'empty' })).toHaveLength(0);
    const bare = damageInit(bytes, { type: 'no-codec-data' });
    expect(bare).toHaveLength(bytes.length);
    expect(types(bare)).toEqual(types(bytes));
    expect(() => parseInit(bare)).toThrow();
    expect(parseInit(bytes).codec).toBe('h264');
  });
});
