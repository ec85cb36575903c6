import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { HlsFrameSource, type Frame, type HlsFrameSourceOptions } from '../../lib/index';
import { serveFolder, type StaticServer } from '../support/static-server';

const MEDIA = join(__dirname, '..', '..', '..', 'shared', 'media');
const describeWithMedia = existsSync(MEDIA) ? describe : describe.skip;
if (!existsSync(MEDIA))
  console.warn('Skipped: the folder shared/media with sample clips is not beside the checkout');

const open = (options: HlsFrameSourceOptions): HlsFrameSource =>
  new HlsFrameSource({
    registry: new Registry(),
    reconnectDelaySeconds: 0.05,
    maxConsecutiveErrors: 2,
    ...options,
  });

/** All pictures of a file or playlist as ffmpeg's accurate conversion gives them. */
function ffmpegPictures(url: string, ...filters: string[]): Buffer {
  const { stdout, status, stderr } = spawnSync(
    'ffmpeg',
    [
      '-v',
      'error',
      '-i',
      url,
      '-map',
      '0:v',
      '-fps_mode',
      'passthrough',
      ...filters,
      '-f',
      'rawvideo',
      '-pix_fmt',
      'bgr24',
      '-',
    ],
    { maxBuffer: 1 << 30 },
  );
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

/** Mean difference of every 7th byte: all channels and columns take part. */
function meanDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < a.length; i += 7) {
    sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    count += 1;
  }
  return sum / count;
}

describeWithMedia('a source on recorded HLS', () => {
  let server: StaticServer;
  beforeAll(async () => {
    server = await serveFolder(MEDIA);
  });
  afterAll(() => server.close());

  it.each([
    ['H.265 in fMP4 with muxed audio', 'hls-fmp4/playlist.m3u8', 30, 1080, 720],
    ['H.264 in CMAF with audio apart', 'hls-cmaf-demuxed/playlist.m3u8', 90, 640, 360],
    ['H.264 in a TS byte range', 'hls-ts/manifest.m3u8', 58, 640, 360],
  ])('yields the same pictures as ffmpeg: %s', async (_, path, count, width, height) => {
    await using source = open({ url: `${server.url}/${path}` });
    // None of them names its matrix: 709 from 720 lines up, 601 below. ffmpeg reads the files, since the server can't answer
    // while this process waits for it.
    const expected = ffmpegPictures(
      join(MEDIA, path),
      '-vf',
      `scale=in_color_matrix=${height >= 720 ? 'bt709' : 'bt601'}`,
    );
    const size = width * height * 3;
    expect(expected).toHaveLength(count * size);
    let read = 0;
    let lastPtsMs = -Infinity;
    for await (const frame of source) {
      expect(frame).toMatchObject({ width, height, index: read, damaged: false });
      expect(frame.ptsMs).toBeGreaterThan(lastPtsMs);
      lastPtsMs = frame.ptsMs;
      const at = read * size;
      const difference = meanDifference(frame.data, expected.subarray(at, at + size));
      expect(difference).toBeLessThan(2);
      read += 1;
    }
    expect(read).toBe(count);
    expect(await source.read()).toBeNull();
  });

  it('says where frames without dates have their time from', async () => {
    await using source = open({ url: `${server.url}/hls-fmp4/playlist.m3u8` });
    const frame = (await source.read()) as Frame;
    expect(frame.timestampSource).toBe('received');
    expect(Math.abs(frame.ageMs)).toBeLessThan(60_000);
  });

  it('refuses encrypted streams with a clear word', async () => {
    await using source = open({ url: `${server.url}/playlists/encrypted.m3u8` });
    await expect(source.read()).rejects.toMatchObject({ code: 'HLS_UNSUPPORTED' });
  });

  it('refuses what is not a playlist, and gives up after maxConsecutiveErrors', async () => {
    await using source = open({ url: `${server.url}/README.md` });
    await expect(source.read()).rejects.toMatchObject({
      code: 'TOO_MANY_ERRORS',
      cause: { code: 'HLS_PLAYLIST_INVALID' },
    });
    expect(source.getMetrics()).toMatchObject({ readErrors: 2, reconnects: 1 });
  });

  it('does not follow a playlist to another host', async () => {
    await using source = open({ url: `${server.url}/playlists/absoluteUris.m3u8` });
    await expect(source.read()).rejects.toMatchObject({ code: 'HLS_FOREIGN_ORIGIN' });
  });
});
