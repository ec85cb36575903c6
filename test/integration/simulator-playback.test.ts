import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import {
  CameraError,
  type Clip,
  clipCamera,
  fileCamera,
  prepareClip,
  readStamp,
  type Simulator,
  startSimulator,
  type TestCameraOptions,
  testCamera,
} from '../../lib/simulator/index.js';
import { get, mediaPlaylist, readPlaylist, sessionUrl } from '../unit/simulator/kvs-client.js';
import { pictureHashes, picturesOf, wholeMp4 } from '../unit/simulator/media.js';

const run = promisify(execFile);
const mediaFolder = join(__dirname, '../../../shared/media');
const hasMedia = existsSync(mediaFolder);
if (!hasMedia) console.info('Skipping tests of file cameras: the folder ../shared/media is not there');
const testWithMedia = hasMedia ? test : test.skip;

let simulator: Simulator;
afterEach(() => simulator?.close());

const containers = ['FRAGMENTED_MP4', 'MPEG_TS'] as const;
const byProducer = {
  HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' },
  DisplayFragmentTimestamp: 'ALWAYS',
} as const;

/** Ids of child processes of this one that still run. */
function children(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
}

describe('ffmpeg as an independent HLS client', () => {
  let clip: Clip;
  beforeAll(async () => {
    clip = await prepareClip({ width: 320, height: 180, seconds: 2, bFrames: 2 });
  });

  test.each(containers)('decodes recorded %s to the very pictures of the camera', async (container) => {
    const streams = [{ name: 'front-door', camera: clipCamera({ clip, backlogFragments: 6 }) }];
    simulator = await startSimulator({ streams });
    const url = await sessionUrl(simulator, {
      StreamName: 'front-door',
      PlaybackMode: 'ON_DEMAND',
      ContainerFormat: container,
      HLSFragmentSelector: {
        FragmentSelectorType: 'PRODUCER_TIMESTAMP',
        TimestampRange: {
          StartTimestamp: new Date(Date.now() - 60_000),
          EndTimestamp: new Date(simulator.stream('front-door').fragments[5]!.producerMs),
        },
      },
    });
    const output = ['-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
    const { stdout, stderr } = await run('ffmpeg', [
      '-nostdin',
      '-loglevel',
      'error',
      '-i',
      url.href,
      ...output,
    ]);
    expect(stderr).toBe('');
    const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const once = pictureHashes(wholeMp4(clip));
    expect(lines.map((line) => line.split(',').at(-1)!.trim())).toEqual([...once, ...once, ...once]);
  });

  test.each(containers)('follows live %s', async (container) => {
    simulator = await startSimulator({ streams: [{ name: 'front-door', camera: clipCamera({ clip }) }] });
    const url = await sessionUrl(simulator, { StreamName: 'front-door', ContainerFormat: container });
    const { stdout } = await run('ffprobe', [
      ...['-loglevel', 'error', '-count_frames', '-read_intervals', '%+#60', '-of', 'json'],
      ...['-show_entries', 'stream=codec_name,width,height,nb_read_frames', url.href],
    ]);
    const [track] = (JSON.parse(stdout) as { streams: Record<string, unknown>[] }).streams;
    expect(track).toMatchObject({ codec_name: 'h264', width: 320, height: 180 });
    expect(Number(track!['nb_read_frames'])).toBeGreaterThanOrEqual(55);
    expect(simulator.requests.counts.GetHLSMediaPlaylist).toBeGreaterThan(1);
  });
});

describe('A live test camera', () => {
  /** Reads the session until it has listed so many fragments, and answers them with their dates. */
  async function follow(playlist: URL, count: number): Promise<{ media: Buffer; dateMs: number }[]> {
    const found: { media: Buffer; dateMs: number }[] = [];
    while (found.length < count) {
      await simulator.stream('front-door').untilVisible(found.length + 1);
      const { uris, text } = await readPlaylist(playlist);
      const dates = [...text.matchAll(/DATE-TIME:(.*)/g)].map((match) => Date.parse(match[1]!));
      for (const [n, uri] of uris.entries()) {
        if (Number(uri.searchParams.get('FragmentNumber')) !== found.length) continue;
        found.push({ media: (await get(uri)).bytes, dateMs: dates[n]! });
      }
    }
    return found;
  }

  test.each<TestCameraOptions>([{ codec: 'h264' }, { codec: 'h265', bFrames: 2 }])(
    'as %j stamps each picture with its number and time, also over a restart',
    async (options) => {
      const picture = { width: 320, height: 180, fps: 20, fragmentSeconds: 0.5, ...options };
      const startedMs = Date.now();
      simulator = await startSimulator({ streams: [{ name: 'front-door', camera: testCamera(picture) }] });
      const stream = simulator.stream('front-door');
      await stream.untilVisible();
      const { url } = await mediaPlaylist(
        await sessionUrl(simulator, {
          StreamName: 'front-door',
          MaxMediaPlaylistFragmentResults: 50,
          ...byProducer,
        }),
      );
      const before = await follow(url, 3);
      await stream.stopCamera();
      expect(stream.cameraState).toBe('stopped');
      expect(children()).toEqual([]);
      await stream.startCamera();
      const fragments = await follow(url, before.length + 3);

      const init = (await mediaPlaylist(url)).text;
      expect(init.match(/EXT-X-MAP/g)).toBeNull();
      const section = await get(
        new URL(url.href.replace('getHLSMediaPlaylist.m3u8', 'getMP4InitFragment.mp4')),
      );
      const stamps = fragments.flatMap(({ media, dateMs }) =>
        picturesOf(Buffer.concat([section.bytes, media]), 320, 180).map((pixels, n) => ({
          stamp: readStamp(pixels, 320, 180),
          expectedMs: dateMs + n * 50,
        })),
      );
      expect(stamps.map(({ stamp }) => stamp?.frameNumber)).toEqual(stamps.map((_, n) => n));
      expect(stamps.map(({ stamp }) => stamp?.captureMs)).toEqual(stamps.map(({ expectedMs }) => expectedMs));
      expect(stamps[0]!.stamp!.captureMs).toBeGreaterThanOrEqual(startedMs);
      expect(stamps.at(-1)!.stamp!.captureMs).toBeLessThan(Date.now());
      await simulator.close();
      expect(children()).toEqual([]);
    },
  );

  test('that can’t start says why', async () => {
    const start = (camera: ReturnType<typeof testCamera>): Promise<unknown> =>
      startSimulator({ streams: [{ name: 'front-door', camera }] });
    await expect(start(testCamera({ ffmpegPath: '/nonexistent/ffmpeg' }))).rejects.toMatchObject({
      name: 'CameraError',
      code: 'FFMPEG_MISSING',
    });
    await expect(start(fileCamera({ input: '/nonexistent/video.mp4' }))).rejects.toBeInstanceOf(CameraError);
    await expect(start(fileCamera({ input: '/nonexistent/video.mp4' }))).rejects.toThrow('No such file');
  });
});

describe('A file camera', () => {
  testWithMedia.each([
    ['ts/sample_h264.ts', {}, 'h264', 854],
    ['mp4/h265_bframes.mp4', {}, 'h265', 854],
    ['kvs/frames-1080p.h264', { inputArguments: ['-framerate', '30'] }, 'h264', 1920],
  ] as const)('sends %s in real time, over and over', async (file, options, codec, width) => {
    const camera = fileCamera({ input: join(mediaFolder, file), ...options });
    simulator = await startSimulator({ streams: [{ name: 'front-door', camera }] });
    const stream = simulator.stream('front-door');
    await stream.untilVisible(2);
    const url = await sessionUrl(simulator, { StreamName: 'front-door', ...byProducer });
    const master = (await get(url)).text;
    expect(master).toContain(`RESOLUTION=${width}x`);
    expect(master).toContain(codec === 'h264' ? 'CODECS="avc1.' : 'CODECS="hvc1.');
    const [first, second] = stream.fragments;
    expect(second!.producerMs).toBeCloseTo(first!.producerMs + first!.durationMs, -2);
  });

  testWithMedia('that has played its file to the end has ended', async () => {
    const camera = fileCamera({ input: join(mediaFolder, 'mp4/bt601.mp4'), loop: false });
    simulator = await startSimulator({ streams: [{ name: 'front-door', camera }] });
    const stream = simulator.stream('front-door');
    while (stream.cameraState === 'running') await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stream.cameraState).toBe('ended');
    expect(stream.fragments.reduce((sum, fragment) => sum + fragment.frames, 0)).toBe(30);
  });

  testWithMedia('of something that is no video is refused', async () => {
    const camera = fileCamera({ input: join(mediaFolder, 'mp4/sample_audio_only.mp4') });
    const start = startSimulator({ streams: [{ name: 'front-door', camera }] });
    await expect(start).rejects.toMatchObject({ code: 'MEDIA_UNSUPPORTED' });
  });
});
