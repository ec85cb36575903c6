import { spawn, type ChildProcess } from 'node:child_process';

/** A camera's media could not be had. */
export class CameraError extends Error {
  override readonly name = 'CameraError';
  /**
   * `NOT_RUNNING`: it was stopped, has ended or failed; `FFMPEG_MISSING`: the command is not installed; `FFMPEG_FAILED`: it ended with an error;
   * `MEDIA_UNSUPPORTED`: it ran, but what came out is not
   * video that KVS would carry.
   */
  readonly code: 'NOT_RUNNING' | 'FFMPEG_MISSING' | 'FFMPEG_FAILED' | 'MEDIA_UNSUPPORTED';

  constructor(code: CameraError['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Fragmented MP4 with one fragment per key frame, on standard output. */
export const fragmentedOutput = [
  '-f',
  'mp4',
  // Negative composition offsets make the first picture of each fragment start at its decode time, so
  // no edit list is needed and presentation times start at 0.
  '-movflags',
  '+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets',
  '-flush_packets',
  '1',
  'pipe:1',
];

const keptErrorCharacters = 4_000;

/** A running ffmpeg (or ffprobe) whose standard output is read as it comes. */
export class FfmpegProcess {
  readonly #command: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #stopped = false;

  /**
   * Starts the command. A failing `onData` ends it with that error.
   * @param command `ffmpeg`, `ffprobe` or a path to one
   */
  constructor(command: string, commandArguments: readonly string[], onData: (chunk: Buffer) => void) {
    this.#command = command;
    this.#child = spawn(command, ['-hide_banner', '-loglevel', 'error', ...commandArguments], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let complaint = '';
    let failure: unknown;
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(-keptErrorCharacters);
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      if (failure !== undefined) return;
      try {
        onData(chunk);
      } catch (error) {
        failure = error;
        this.#child.kill('SIGKILL');
      }
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('error', (error) => reject(this.#startFailure(error)));
      this.#child.on('close', (exitCode, signal) => {
        if (this.#stopped || (exitCode === 0 && failure === undefined)) resolve();
        else if (failure instanceof Error) reject(failure);
        else reject(this.#exitFailure(exitCode, signal, complaint));
      });
    });
    // Whoever awaits `ended` sees the rejection; this only keeps an early one from being "unhandled".
    this.#ended.catch(() => {});
  }

  /** Resolves when it ended well or was stopped; rejects with a {@link CameraError} otherwise. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Ends it at once; resolves when it is gone. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => {});
  }

  #startFailure(error: NodeJS.ErrnoException): CameraError {
    if (error.code === 'ENOENT') {
      return new CameraError(
        'FFMPEG_MISSING',
        `The command ${this.#command} was not found. Simulated cameras need FFmpeg's programs: ` +
          'install the package "ffmpeg" (Debian and Ubuntu: apt-get install ffmpeg)',
        error,
      );
    }
    return new CameraError('FFMPEG_FAILED', `${this.#command} could not be started: ${error.message}`, error);
  }

  #exitFailure(exitCode: number | null, signal: NodeJS.Signals | null, complaint: string): CameraError {
    const how = signal === null ? `with status ${exitCode}` : `by signal ${signal}`;
    const said = complaint.trim() === '' ? 'it said nothing' : complaint.trim();
    return new CameraError('FFMPEG_FAILED', `${this.#command} ended ${how}: ${said}`);
  }
}

/** Runs the command to its end and answers its whole standard output. Throws {@link CameraError}. */
export async function outputOf(command: string, commandArguments: readonly string[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await new FfmpegProcess(command, commandArguments, (chunk) => chunks.push(chunk)).ended;
  return Buffer.concat(chunks);
}
