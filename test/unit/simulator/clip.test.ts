import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CameraError, prepareClip } from '../../../lib/simulator/index.js';
import { ConfigError } from '../../../lib/errors.js';

const small = { width: 160, height: 90, seconds: 2 };

describe('A prepared clip', () => {
  let cacheDirectory: string;
  beforeAll(async () => {
    cacheDirectory = await mkdtemp(join(tmpdir(), 'kvs-frames-test-'));
  });
  afterAll(() => rm(cacheDirectory, { recursive: true }));

  test('is made once, also by parallel callers, and then needs no ffmpeg', async () => {
    const made = await Promise.all([1, 2, 3].map(() => prepareClip({ ...small, cacheDirectory })));
    expect(await readdir(cacheDirectory)).toHaveLength(1);
    const again = await prepareClip({ ...small, cacheDirectory, ffmpegPath: '/nonexistent/ffmpeg' });
    expect(again).toEqual(made[0]);
  });

  test('that was damaged on disk is made again', async () => {
    const intact = await prepareClip({ ...small, cacheDirectory });
    const [name] = await readdir(cacheDirectory);
    const file = join(cacheDirectory, name!);
    const bytes = await readFile(file);
    bytes[bytes.length - 100]! ^= 1;
    await writeFile(file, bytes);
    expect(await prepareClip({ ...small, cacheDirectory })).toEqual(intact);
    await writeFile(file, 'short');
    expect(await prepareClip({ ...small, cacheDirectory })).toEqual(intact);
  });

  test('needs ffmpeg the first time, and says what to install', async () => {
    const failure = prepareClip({ ...small, fps: 7, cacheDirectory, ffmpegPath: '/nonexistent/ffmpeg' });
    await expect(failure).rejects.toThrow(/install the package "ffmpeg"/);
    await expect(failure).rejects.toMatchObject({ code: 'FFMPEG_MISSING' });
    await expect(failure).rejects.toBeInstanceOf(CameraError);
  });

  test.each([
    [{ width: 161 }, 'even numbers'],
    [{ width: 100 }, 'from 160 to 8192 for width'],
    [{ fps: 0 }, 'for fps'],
    [{ bFrames: 9 }, 'for bFrames'],
    [{ fragmentSeconds: 30 }, 'for fragmentSeconds'],
    [{ seconds: 1.5 }, 'multiple of fragmentSeconds'],
    [{ clock: true }, 'at least 320 × 180'],
    [{ scene: 'snow' as 'life' }, 'Expected pattern, fractal, life, colours for scene'],
  ])('refuses %j', async (options, message) => {
    const failure = prepareClip({ ...small, ...options, cacheDirectory });
    await expect(failure).rejects.toBeInstanceOf(ConfigError);
    await expect(failure).rejects.toThrow(message);
  });
});
