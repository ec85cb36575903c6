import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConfigError } from '../errors.js';
import { CameraError, fragmentedOutput, outputOf } from './ffmpeg.js';
import { Mp4Splitter } from './mp4-boxes.js';
import { type FragmentContents, parseFragment } from './mp4-fragment.js';
import { type InitSection, parseInit } from './mp4-init.js';
import { type TestPictureOptions, fragmentFrames, pictureArguments, testPicture } from './test-camera.js';

/** One fragment of a clip, its times counted from the clip's start. */
export interface ClipFragment {
  /** `moof` + `mdat`. */
  readonly media: Buffer;
  readonly contents: FragmentContents;
}

/** Media in memory, ready to be sent over and over. */
export interface Clip {
  readonly init: InitSection;
  readonly fragments: readonly ClipFragment[];
  /** Pictures in one run of the clip: what a stamp's frame number counts modulo. */
  readonly frames: number;
  /** Length of one run in ms: what a stamp's capture time counts modulo. */
  readonly durationMs: number;
  /** The same in ticks of the init section's timescale. */
  readonly durationTicks: number;
}

export interface ClipOptions extends TestPictureOptions {
  /** Length, a multiple of `fragmentSeconds`. Default 10 fragments. */
  seconds?: number;
  /**
   * Where made clips are kept. Default: `kvs-frames/clips` under `XDG_CACHE_HOME`, or a folder of this
   * user in the system's temporary one.
   */
  cacheDirectory?: string;
  /** The ffmpeg command. Default `ffmpeg`, from the path. */
  ffmpegPath?: string;
}

/** Part of a cached clip's name; changes whenever the same options would make other pictures. */
const recipe = 1;
const digestBytes = 32;

/**
 * A clip of the test camera's pictures, stamps counting from 0. Made once by ffmpeg, faster than real time, and kept
 * on disk; later calls with the same options, from any process, only read it.
 *
 * Throws `ConfigError`, and `CameraError` when ffmpeg is missing or fails.
 */
export async function prepareClip(options: ClipOptions = {}): Promise<Clip> {
  const picture = testPicture(options);
  const seconds = options.seconds ?? picture.fragmentSeconds * 10;
  const fragmentCount = Math.round(seconds / picture.fragmentSeconds);
  if (fragmentCount < 1 || Math.abs(fragmentCount * picture.fragmentSeconds - seconds) > 1e-6) {
    throw new ConfigError(
      `Expected a multiple of fragmentSeconds (${picture.fragmentSeconds}) for seconds but received ${seconds}`,
    );
  }
  const frames = fragmentCount * fragmentFrames(picture);
  const directory = options.cacheDirectory ?? defaultCacheDirectory();
  const key = createHash('sha256').update(JSON.stringify({ recipe, picture, frames })).digest('hex');
  const file = join(directory, `${key.slice(0, 32)}.clip`);

  const cached = await readChecked(file);
  if (cached !== null) return parseClip(cached);
  const made = await outputOf(options.ffmpegPath ?? 'ffmpeg', [
    ...pictureArguments(picture, 'veryfast', 0, 0),
    ...['-frames:v', String(frames)],
    ...fragmentedOutput,
  ]);
  await writeChecked(directory, file, made);
  return parseClip(made);
}

/** A clip from the bytes of a whole fragmented MP4 with one video track. Throws `CameraError`. */
export function parseClip(bytes: Buffer): Clip {
  const found: { init: InitSection | null; fragments: ClipFragment[] } = { init: null, fragments: [] };
  const splitter = new Mp4Splitter({
    onInit: (init) => (found.init = parseInit(init)),
    onFragment: (media) => {
      if (found.init !== null) found.fragments.push({ media, contents: parseFragment(found.init, media) });
    },
  });
  splitter.push(bytes);
  const { init, fragments } = found;
  if (init === null || fragments.length === 0 || !splitter.isAtBoundary) {
    throw new CameraError('MEDIA_UNSUPPORTED', 'The clip is not a whole fragmented MP4');
  }
  const samples = fragments.flatMap((fragment) => fragment.contents.samples);
  const durationTicks = samples.reduce((sum, sample) => sum + sample.durationTicks, 0);
  return {
    init,
    fragments,
    frames: samples.length,
    durationTicks,
    durationMs: (durationTicks * 1000) / init.timescale,
  };
}

function defaultCacheDirectory(): string {
  const cacheHome = process.env['XDG_CACHE_HOME'];
  if (cacheHome !== undefined && cacheHome !== '') return join(cacheHome, 'kvs-frames', 'clips');
  // The temporary folder is shared between users; another one's files could not be replaced.
  return join(tmpdir(), `kvs-frames-clips-${process.getuid?.() ?? 0}`);
}

/** The file's bytes after its leading SHA-256, or `null` where it is absent or damaged. */
async function readChecked(file: string): Promise<Buffer | null> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (bytes === null || bytes.length < digestBytes) return null;
  const body = bytes.subarray(digestBytes);
  return digestOf(body).equals(bytes.subarray(0, digestBytes)) ? body : null;
}

/** Writes beside and renames, so that a parallel reader sees the whole file or none. */
async function writeChecked(directory: string, file: string, body: Buffer): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const beside = `${file}.${process.pid}.${randomUUID()}`;
  try {
    await writeFile(beside, Buffer.concat([digestOf(body), body]), { mode: 0o600 });
    await rename(beside, file);
  } finally {
    await rm(beside, { force: true });
  }
}

function digestOf(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest();
}
