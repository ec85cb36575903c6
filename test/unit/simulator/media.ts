import { spawnSync } from 'node:child_process';

import type { Clip } from '../../../lib/simulator/index.js';

/** All of a clip as one fragmented MP4. */
export function wholeMp4(clip: Clip): Buffer {
  return Buffer.concat([clip.init.bytes, ...clip.fragments.map((fragment) => fragment.media)]);
}

/** Runs ffmpeg on bytes; fails on any word of complaint. */
export function ffmpegOn(input: Buffer | null, commandArguments: readonly string[]): Buffer {
  const run = spawnSync('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', ...commandArguments], {
    maxBuffer: 2 ** 30,
    ...(input === null ? {} : { input }),
  });
  const said = run.stderr.toString('utf8');
  if (run.status !== 0 || said !== '') throw new Error(`ffmpeg ended with ${run.status}: ${said}`);
  return run.stdout;
}

/** MD5 of every decoded picture, in presentation order. */
export function pictureHashes(media: Buffer): string[] {
  const text = ffmpegOn(media, ['-i', '-', '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-']);
  const lines = text.toString('utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)!.trim());
}

/** Every decoded picture as BGR24. */
export function picturesOf(media: Buffer, width: number, height: number, filters = 'null'): Buffer[] {
  const output = ['-fps_mode', 'passthrough', '-vf', filters, '-pix_fmt', 'bgr24', '-f', 'rawvideo', '-'];
  const pixels = ffmpegOn(media, ['-i', '-', '-map', '0:v', ...output]);
  const pictureBytes = width * height * 3;
  return Array.from({ length: pixels.length / pictureBytes }, (_, n) =>
    pixels.subarray(n * pictureBytes, (n + 1) * pictureBytes),
  );
}
