import type { CameraContext, CameraFeed } from './camera.js';
import { CameraError, FfmpegProcess } from './ffmpeg.js';
import { Mp4Splitter } from './mp4-boxes.js';
import { parseFragment } from './mp4-fragment.js';
import { type InitSection, parseInit } from './mp4-init.js';

/** A feed whose connections are one ffmpeg process each, sending fragmented MP4 in real time. */
export class FfmpegFeed implements CameraFeed {
  readonly stampEpochMs = 0;
  readonly #context: CameraContext;
  readonly #ffmpegPath: string;
  readonly #argumentsFor: (firstFrame: number, epochMs: number) => string[] | Promise<string[]>;
  #process: FfmpegProcess | null = null;
  #framesSent = 0;
  /** Counts starts and stops, so that a start can tell that it was overtaken. */
  #turn = 0;

  /**
   * @param argumentsFor the command line of a connection whose first picture has this number and time
   */
  constructor(
    context: CameraContext,
    ffmpegPath: string,
    argumentsFor: (firstFrame: number, epochMs: number) => string[] | Promise<string[]>,
  ) {
    this.#context = context;
    this.#ffmpegPath = ffmpegPath;
    this.#argumentsFor = argumentsFor;
  }

  async start(): Promise<void> {
    const turn = ++this.#turn;
    const connectionMs = Math.round(this.#context.clock.now());
    const commandArguments = await this.#argumentsFor(this.#framesSent, connectionMs);
    if (turn !== this.#turn) throw new CameraError('NOT_RUNNING', 'The camera was stopped while it started');
    await new Promise<void>((resolve, reject) => {
      let init: InitSection | null = null;
      let originTicks: number | null = null;
      const splitter = new Mp4Splitter({
        onInit: (bytes) => {
          init = parseInit(bytes);
          resolve();
        },
        onFragment: (bytes) => {
          if (init === null)
            throw new CameraError('MEDIA_UNSUPPORTED', 'ffmpeg sent media before its header');
          originTicks ??= originOf(init, bytes);
          this.#publish(init, bytes, connectionMs, originTicks);
        },
      });
      const process = new FfmpegProcess(this.#ffmpegPath, commandArguments, (chunk) => {
        if (this.#process === process) splitter.push(chunk);
      });
      this.#process = process;
      process.ended.then(
        () => {
          if (init === null) reject(new CameraError('MEDIA_UNSUPPORTED', 'ffmpeg ended without any media'));
          this.#over(process, null);
        },
        (error: Error) => {
          reject(error);
          this.#over(process, error);
        },
      );
    });
  }

  async stop(): Promise<void> {
    this.#turn += 1;
    const process = this.#process;
    this.#process = null;
    await process?.stop();
  }

  #over(process: FfmpegProcess, reason: Error | null): void {
    if (this.#process !== process) return;
    this.#process = null;
    this.#context.ended(reason);
  }

  #publish(init: InitSection, media: Buffer, connectionMs: number, originTicks: number): void {
    const contents = parseFragment(init, media);
    const decodeTicks = contents.decodeTicks - originTicks;
    const startTicks = decodeTicks + contents.firstPresentationTicks;
    const producerMs = connectionMs + (startTicks * 1000) / init.timescale;
    const durationMs = (contents.durationTicks * 1000) / init.timescale;
    this.#framesSent += contents.samples.length;
    this.#context.publish({
      init,
      media,
      connectionMs,
      decodeTicks,
      producerMs,
      durationMs,
      frames: contents.samples.length,
      sentFromMs: producerMs,
      sentUntilMs: Math.max(this.#context.clock.now(), producerMs + durationMs),
    });
  }
}

/** Media need not start at 0; its first picture is what the connection's time counts from. */
function originOf(init: InitSection, bytes: Buffer): number {
  const contents = parseFragment(init, bytes);
  return contents.decodeTicks + contents.firstPresentationTicks;
}
