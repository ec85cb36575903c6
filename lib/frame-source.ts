import { register as defaultRegistry } from 'prom-client';
import { BatchReader, checkBatchLength, type BatchesOptions } from './batches.js';
import { channels } from './channels.js';
import { deadline, systemClock, type Clock } from './clock.js';
import { ConfigError, FrameSourceError } from './errors.js';
import { SourceEmitter } from './events.js';
import type { FrameBatch } from './frames/batch.js';
import type { Frame } from './frames/frame.js';
import { GapFiller } from './gap-filler.js';
import type { SourceHealth } from './health.js';
import { publishSource } from './metrics/registry-metrics.js';
import type { CheckedFrameSourceOptions } from './options.js';
import type { Outlet } from './outlet.js';
import { Pipeline } from './pipeline.js';
import type { ConnectionState } from './policy/supervisor.js';
import {
  checkFramesOptions,
  checkReadOptions,
  type FramesOptions,
  type ReadOptions,
} from './read-options.js';
import type { SourceMetrics } from './source-metrics.js';
import type { SourceParts } from './source-parts.js';
import { Wakeup } from './wakeup.js';

/**
 * Frames of one camera, for one consumer at a time. `KvsHlsFrameSource` and `HlsFrameSource` are its kinds.
 *
 * Asking for the first frame starts it. Leaving a `for await` loop early (break, return, throw, an aborted signal) stops
 * it, and so does the end of an `await using` block.
 */
export abstract class FrameSource extends SourceEmitter implements AsyncDisposable {
  /** Names the camera in metrics, logs and events. */
  readonly cameraId: string;

  readonly #options: CheckedFrameSourceOptions;
  readonly #clock: Clock;
  readonly #pipeline: Pipeline;
  readonly #filler: GapFiller | undefined;
  /** Ends the source's series, or leaves them as they are now. */
  readonly #unpublish: (keep: boolean) => void;
  #closed: Promise<void> | undefined;

  /** The frame handed over last; asking for the next one releases it. */
  #current: Frame | undefined;
  #isReading = false;
  /** Wakes the consumer: a frame, or the outcome. */
  readonly #news = new Wakeup();
  /** Frames are handed on, by a group, or as batches. */
  #outlet: Outlet | undefined;
  #batches: BatchReader | undefined;

  /** @internal */
  constructor(options: CheckedFrameSourceOptions, parts: SourceParts) {
    super();
    this.cameraId = options.cameraId;
    this.#options = options;
    this.#clock = parts.clock ?? systemClock;
    this.#filler = options.fillGaps === undefined ? undefined : new GapFiller();
    this.#pipeline = new Pipeline(options, parts, {
      tell: (name, news) => this.tell(name, news),
      onNews: () => this.#wake(),
    });
    this.#unpublish = publishSource(
      this.cameraId,
      () => this.#pipeline.reading(),
      options.registry ?? defaultRegistry,
      options.logger,
    );
  }

  /**
   * Begins to read; asking for a frame does so too. Resolves when the first session is open, rejects with what made the
   * source give up before that. Calling it again answers the same. Throws `SOURCE_STOPPED` after `stop()`.
   */
  async start(): Promise<void> {
    if (this.#closed !== undefined) {
      throw new FrameSourceError(
        'SOURCE_STOPPED',
        `${this.cameraId} was stopped; make a new source to read it again`,
      );
    }
    this.#pipeline.begin();
    return this.#pipeline.opened;
  }

  /**
   * Ends everything: connections, timers, the native thread. Legal in every state, resolves within 250 ms, may be called
   * more than once. A pending `read` answers `null`, a loop ends. Frames on loan stay valid. Its metrics go, those of a source that
   * gave up included, unless `keepMetrics` was asked for.
   */
  async stop(): Promise<void> {
    await this.#close();
    this.#unpublish(this.#options.keepMetrics ?? false);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  [Symbol.asyncIterator](): AsyncGenerator<Frame, void, undefined> {
    return this.frames();
  }

  /**
   * The frames, in presentation order. Each is released when the next is asked for, unless `frame.retain()` was called.
   *
   * Ends at the end of the stream, after `maxFrames`, or when the source is stopped. Throws what made the source give up
   * (`KvsConnectionError`, `HlsStreamError`, `TOO_MANY_ERRORS`), after the frames that came before; `ALREADY_READING`
   * while somebody else reads; `ConfigError` for a wrong option.
   */
  async *frames(options: FramesOptions = {}): AsyncGenerator<Frame, void, undefined> {
    const { signal, maxFrames = Infinity } = checkFramesOptions(options);
    this.#claimFrames();
    let isLeftEarly = true;
    try {
      for (let count = 0; count < maxFrames; count++) {
        const frame = await this.#next(signal);
        if (frame === null) break;
        // Repetitions are no frames that were read.
        if (frame.synthetic) count -= 1;
        yield frame;
      }
      isLeftEarly = false;
      this.#releaseCurrent();
    } finally {
      this.#isReading = false;
      if (isLeftEarly) await this.#close();
    }
  }

  /**
   * The frames in batches of `length`, 1–1024, each in one piece of memory without a copy: `batch.tensor` is what a model takes.
   * Each batch is released when the next is asked for, unless `batch.retain()` was called. They come in the frames' order; what is
   * retained, a single frame too, takes a batch's memory from the others, and the source waits while none is left.
   *
   * A batch is shorter only at the end of the stream, before frames of another size, and after `maxWaitMs`. Memory is kept for
   * `bufferedFrames`, rounded up to whole batches, and for two at least. That is settled before the start, so this is to be
   * called before the first frame is asked for or `start()` is called, and the source then gives batches of this length only.
   *
   * Ends, and throws, as {@link FrameSource.frames}. `ConfigError` also where `encoded`, `fillGaps`, `pace: 'realtime'`, or a
   * `delivery` other than `every` was asked for.
   */
  batches(length: number, options: BatchesOptions = {}): AsyncGenerator<FrameBatch, void, undefined> {
    checkBatchLength(length);
    this.#batches ??= new BatchReader(this.outlet, length);
    return this.#batches.read(length, options);
  }

  /**
   * The next frame, or `null` at the end of the stream or after `stop()`. The frame before it is released, unless
   * `frame.retain()` was called. Throws as {@link FrameSource.frames} does, and `READ_TIMEOUT`.
   */
  async read(options: ReadOptions = {}): Promise<Frame | null> {
    const { signal, timeoutMs } = checkReadOptions(options);
    this.#claimFrames();
    try {
      if (timeoutMs === undefined) return await this.#next(signal);
      const late = (): Error =>
        new FrameSourceError('READ_TIMEOUT', `${this.cameraId} gave no frame within ${timeoutMs} ms`);
      using limit = deadline(this.#clock, timeoutMs, late, signal);
      return await this.#next(limit.signal);
    } finally {
      this.#isReading = false;
    }
  }

  getConnectionState(): ConnectionState {
    return this.#pipeline.state.connection;
  }

  /**
   * True while frames flow, wait to be taken, or the camera sends none: while nobody has to look after the reader.
   * {@link FrameSource.health} tells these apart, and says why not.
   */
  isHealthy(): boolean {
    return this.health().healthy;
  }

  health(): SourceHealth {
    return this.#pipeline.health();
  }

  getMetrics(): SourceMetrics {
    return this.#pipeline.metrics();
  }

  /** The source for those who hand its frames on. @internal */
  get outlet(): Outlet {
    return (this.#outlet ??= this.#newOutlet());
  }

  #newOutlet(): Outlet {
    const pipeline = this.#pipeline;
    const isStopped = (): boolean => this.#closed !== undefined;
    return {
      cameraId: this.cameraId,
      clock: this.#clock,
      options: this.#options,
      onNews: undefined,
      claim: () => this.#claim(),
      unclaim: () => (this.#isReading = false),
      get isStopped() {
        return isStopped();
      },
      get isPlaced() {
        return pipeline.isBegun || pipeline.rings !== undefined || isStopped();
      },
      useRings: (rings) => (pipeline.rings = rings),
      begin: () => {
        if (!isStopped()) pipeline.begin();
      },
      take: () => this.#take(),
      get dueInMs() {
        return isStopped() ? undefined : pipeline.dueInMs;
      },
      get outcome() {
        return pipeline.outcome ?? (isStopped() ? { error: null } : undefined);
      },
      close: () => this.#close(),
    };
  }

  #claimFrames(): void {
    if (this.#pipeline.rings !== undefined) {
      throw new ConfigError(`${this.cameraId} gives batches: it can't be asked for single frames any more`);
    }
    this.#claim();
  }

  #claim(): void {
    if (this.#isReading) {
      throw new FrameSourceError(
        'ALREADY_READING',
        `${this.cameraId} is being read already. A source has one consumer at a time: let one loop hand the frames on, ` +
          'or make a source for each consumer.',
      );
    }
    this.#isReading = true;
  }

  /** Ends everything. What it gave up with, if it did, can be seen in the metrics until the program stops it. */
  #close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#filler?.close();
    await this.#pipeline.stop();
    const hasFailed = (this.#pipeline.outcome?.error ?? null) !== null;
    this.#unpublish(this.#options.keepMetrics === true || hasFailed);
    this.#wake();
  }

  #wake(): void {
    this.#news.wake();
    this.#outlet?.onNews?.();
  }

  async #next(signal: AbortSignal | undefined): Promise<Frame | null> {
    this.#releaseCurrent();
    if (this.#closed === undefined) this.#pipeline.begin();
    for (;;) {
      signal?.throwIfAborted();
      const frame = this.#take();
      if (frame !== undefined) return (this.#current = frame);
      const { outcome, dueInMs } = this.#pipeline;
      if (dueInMs !== undefined && this.#closed === undefined) {
        await this.#waitUntilDue(dueInMs, signal);
        continue;
      }
      if (outcome !== undefined || this.#closed !== undefined) {
        // Nothing will come any more: let go of the thread and the connections, also if nobody calls stop().
        await this.#close();
        if (outcome?.error) throw outcome.error;
        return null;
      }
      await this.#news.wait(signal);
    }
  }

  async #waitUntilDue(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const cancel = this.#clock.after(ms, () => this.#news.wake());
    try {
      await this.#news.wait(signal);
    } finally {
      cancel();
    }
  }

  #take(): Frame | undefined {
    const take = (): Frame | undefined => this.#pipeline.take();
    const frame = this.#filler === undefined ? take() : this.#filler.next(take);
    if (frame === undefined) return undefined;
    this.#pipeline.account.onFrame(frame);
    if (channels.frame.hasSubscribers)
      channels.frame.publish({ cameraId: this.cameraId, source: this, frame });
    return frame;
  }

  #releaseCurrent(): void {
    this.#current?.release();
    this.#current = undefined;
  }
}
