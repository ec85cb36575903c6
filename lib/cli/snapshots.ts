import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { types } from 'node:util';
import { deadline, type Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import type { Frame } from '../frames/frame.js';
import { abortable } from '../session/shared-call.js';
import { FramePace } from './frame-pace.js';

/** Bytes of a camera's name in a file name; most file systems take names of 255 in all. */
const MAX_NAME_BYTES = 120;
/** How long the last file may take when the command ends: a disk that hangs must not keep it. */
const LAST_FILE_MS = 5_000;

const reasonOf = (error: unknown): string => (types.isNativeError(error) ? error.message : String(error));

/** What is written to find out whether files can be: a block of the usual file systems, since an empty file fits on a full disk. */
const PROBE_BYTES = 4096;

/** What helps, by the error. */
function remedyFor(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? 'Free some space there, or give another directory.'
    : 'Give another one, or make this one writable for the user who runs the command.';
}

/** Makes a directory, and those above it. Node's own way of that never ends in a file system that refuses with ENOENT, as /proc. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path);
  }
}

/** A camera's name as part of a file name: one that leads nowhere else, is not hidden, and differs if the names do. */
export function fileNameOf(cameraId: string): string {
  const encode = (text: string): string =>
    [...Buffer.from(text, 'utf8')]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join('');
  const safe = cameraId.replace(/[^\p{L}\p{M}\p{N}_.-]|^\./gu, encode);
  if (Buffer.byteLength(safe) <= MAX_NAME_BYTES) return safe;
  let short = safe;
  while (Buffer.byteLength(short) > MAX_NAME_BYTES) short = [...short].slice(0, -1).join('');
  return `${short}~${createHash('sha256').update(cameraId).digest('hex').slice(0, 12)}`;
}

/** What a snapshot is made of. */
export type SnapshotFrame = Pick<Frame, 'cameraId' | 'timestampMs' | 'toJpeg'>;

export interface SnapshotOptions {
  directory: string;
  /** Capture time between two, in s. */
  everySeconds: number;
  clock: Clock;
  /** Told of each file. */
  onWritten: (path: string, timestampMs: number) => void;
  /** Told of the first failure only. */
  onFailure: (message: string) => void;
}

/** Keeps a picture now and then as a JPEG file. Files appear whole or not at all. */
export class Snapshots {
  readonly #options: SnapshotOptions;
  readonly #directory: string;
  readonly #pace: FramePace;
  #work: Promise<void> | null = null;
  /** Files written. */
  written = 0;
  /** Pictures that could not be encoded or written. */
  errors = 0;

  private constructor(options: SnapshotOptions) {
    this.#options = options;
    this.#directory = resolve(options.directory);
    this.#pace = new FramePace(1 / options.everySeconds);
  }

  /** Makes the directory, and a file in it for a moment. Throws `ConfigError` if that can't be done. */
  static async open(options: SnapshotOptions): Promise<Snapshots> {
    const snapshots = new Snapshots(options);
    try {
      await makeDirectory(snapshots.#directory);
      const probe = snapshots.#temporary();
      try {
        await writeFile(probe, Buffer.alloc(PROBE_BYTES), { flag: 'wx' });
      } finally {
        await rm(probe, { force: true });
      }
    } catch (error) {
      throw new ConfigError(
        `Expected a directory for --out that can be made and written to but received ${options.directory}: ` +
          `${reasonOf(error)}. ${remedyFor(error)}`,
      );
    }
    return snapshots;
  }

  /** The frame may be kept: if one is due and the last is done. It may be released at once. */
  offer(frame: SnapshotFrame): void {
    if (this.#work !== null || !this.#pace.wants(frame.timestampMs)) return;
    this.#work = this.#keep(frame).finally(() => (this.#work = null));
  }

  /** Resolves when the file under way is done, or after 5 s. */
  async close(): Promise<void> {
    if (this.#work === null) return;
    using limit = deadline(
      this.#options.clock,
      LAST_FILE_MS,
      () => new Error('The last snapshot takes too long'),
    );
    await abortable(this.#work, limit.signal).catch((error: unknown) => this.#fail(error));
  }

  async #keep(frame: SnapshotFrame): Promise<void> {
    const { cameraId, timestampMs } = frame;
    const temporary = this.#temporary();
    try {
      const jpeg = await frame.toJpeg();
      const time = new Date(timestampMs).toISOString().replaceAll(':', '-');
      const path = join(this.#directory, `${fileNameOf(cameraId)}_${time}.jpg`);
      await writeFile(temporary, jpeg, { flag: 'wx' });
      await rename(temporary, path);
      this.written += 1;
      this.#options.onWritten(path, timestampMs);
    } catch (error) {
      this.#fail(error);
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  #fail(error: unknown): void {
    this.errors += 1;
    if (this.errors > 1) return;
    this.#options.onFailure(
      `A snapshot could not be kept: ${reasonOf(error)}. Reading goes on, and the next one is tried; later failures are ` +
        'counted in the report.',
    );
  }

  #temporary(): string {
    return join(this.#directory, `.snapshot-${randomUUID()}.part`);
  }
}
