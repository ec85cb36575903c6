import { afterEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '../../lib/frames/addon';
import type { PixelFormat } from '../../lib/frames/layout';
import { layoutOf } from '../../lib/frames/records';
import { ENGINE_OPTIONS, EngineDriver } from '../support/engine-driver';
import { splitFragments, type FragmentedClip } from '../support/fragments';
import { decodeImages } from '../support/image-files';
import { LoanedFrames } from '../support/loaned-frames';

/** Side by side, each so wide. */
const PATCHES = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
  [0, 255, 255],
  [255, 0, 255],
  [255, 255, 255],
  [0, 0, 0],
] as const;
const PATCH_WIDTH = 16;
const WIDTH = PATCHES.length * PATCH_WIDTH;
const HEIGHT = 32;

/** The patches, coded in that matrix and range, and tagged so. */
function patchClip(matrix: 'bt709' | 'smpte170m', range: 'tv' | 'pc'): FragmentedClip {
  const row = PATCHES.flatMap((rgb) => Array.from({ length: PATCH_WIDTH }, () => rgb).flat());
  const input = Buffer.from(Array.from({ length: HEIGHT }, () => row).flat());
  const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-patches-'));
  try {
    const file = join(folder, 'clip.mp4');
    const scale = `scale=out_color_matrix=${matrix}:out_range=${range}:flags=accurate_rnd+full_chroma_int`;
    execFileSync(
      'ffmpeg',
      [
        ...['-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${WIDTH}x${HEIGHT}`, '-i', 'pipe:0'],
        ...['-vf', `${scale},format=yuv420p`, '-c:v', 'libx264', '-qp', '1'],
        ...['-colorspace', matrix, '-color_range', range],
        ...['-movflags', '+frag_keyframe+empty_moov+default_base_moof', file],
      ],
      { input },
    );
    return splitFragments(readFileSync(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('saturated colours of a stream', () => {
  const drivers: EngineDriver[] = [];
  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.engine.close()));
  });

  /** The files of the clip's picture. */
  async function filesOf(clip: FragmentedClip, format: PixelFormat): Promise<{ jpeg: Buffer; png: Buffer }> {
    const output = { ...ENGINE_OPTIONS.output, format };
    const driver = new EngineDriver(loadAddon(), { output });
    drivers.push(driver);
    driver.holdFrames = true;
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    driver.engine.finish();
    await driver.until(() => driver.ended);
    const { ringId, slot, bytes } = driver.frames[0]!;
    const fields = driver.layouts[0]!;
    const isPlanar = format === 'rgb-chw' || format === 'bgr-chw';
    const { layout } = layoutOf((field) => fields[field - 1] ?? 0, format, isPlanar ? 'float32' : 'uint8');
    const { factor, offset } = output;
    const { pixels, slotBytes } = driver.rings.get(ringId)!;
    const data = Buffer.from(pixels.buffer as ArrayBuffer, slot * slotBytes, bytes);
    using frame = new LoanedFrames().make(0, {
      slot: { data } as never,
      bytes,
      layout: isPlanar ? { ...layout, levels: { factor, offset } } : layout,
    });
    return { jpeg: await frame.toJpeg({ quality: 95 }), png: await frame.toPng() };
  }

  it.each([
    ['bt709', 'tv'],
    ['bt709', 'pc'],
    ['smpte170m', 'tv'],
    ['smpte170m', 'pc'],
  ] as const)('are right in the files of every format (%s, %s)', async (matrix, range) => {
    const clip = patchClip(matrix, range);
    const formats = ['bgr24', 'rgb24', 'nv12', 'i420', 'rgb-chw', 'bgr-chw'] as const;
    const files = await Promise.all(formats.map((format) => filesOf(clip, format)));
    for (const type of ['jpeg', 'png'] as const) {
      const images = decodeImages(
        files.map((file) => file[type]),
        'rgb24',
      );
      for (const [n, pixels] of images.entries()) {
        const seen = PATCHES.map((_, i) => {
          const at = ((HEIGHT / 2) * WIDTH + i * PATCH_WIDTH + PATCH_WIDTH / 2) * 3;
          return [...pixels.subarray(at, at + 3)];
        });
        const errors = PATCHES.flatMap((rgb, i) => rgb.map((level, c) => Math.abs(level - seen[i]![c]!)));
        const isRight = Math.max(...errors) <= 6;
        expect({ type, format: formats[n], seen, isRight }).toMatchObject({ isRight: true });
      }
    }
  });
});
