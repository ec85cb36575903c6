import type { EngineFault } from '../binding.js';
import { deadline, systemClock, type Clock } from './clock.js';
import { FrameSourceError } from './errors.js';
import { SourceEmitter } from './events.js';
import { FrameEngine } from './frames/engine.js';
import type { Frame, FrameFragment } from './frames/frame.js';
import type { DateTrust } from './frames/timestamp.js';
import type { Fragment } from './hls/fragment.js';
import { healthOf, type SourceHealth } from './health.js';
import { newCounters, publishCounters, type SourceMetrics } from './metrics.js';
import type { CheckedFrameSourceOptions } from './options.js';
import { Decodability } from './policy/decodability.js';
import { Ledger } from './policy/ledger.js';
import type { ConnectionState } from './policy/supervisor.js';
import { SessionLoop, type FragmentSource } from './session-loop.js';
import type { Session, SessionProvider } from './session/provider.js';
import {
  checkFramesOptions,
  checkReadOptions,
  type FramesOptions,
  type ReadOptions,
} from './read-options.js';
import { Wakeup } from './wakeup.js';

/** What a kind of source is made of. */
export interface SourceParts {
  provider: SessionProvider;
  /** Fragments of the provider's sessions. `open` gets ready for the first, `close` lets go of all connections. */
  fragments: FragmentSource & { open(): void; close(): Promise<void> };
  dates: DateTrust;
  /** How long before its end a session is replaced, ms. */
  renewalMarginMs: number;
  /** Whether a playlist that ended after this many new fragments is only part of what was asked for. */
  continues(fragmentsInSession: number): boolean;
  clock?: Clock;
  /** Answers [0, 1). */
  random?: () => number;
}

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
  readonly #parts: SourceParts;
  readonly #clock: Clock;
  readonly #loop: SessionLoop;
  readonly #counters = newCounters();
  readonly #unpublish: () => void;
  readonly #stopping = new AbortController();

  #engine: FrameEngine | undefined;
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  /** Set once no more frames will come; `error` is `null` at a regular end. */
  #outcome: { error: Error | null } | undefined;
  /** An error of the engine itself, which ends the source. */
  #engineFailure: FrameSourceError | undefined;
  readonly #opened: Promise<void>;
  #settleOpened: { resolve: () => void; reject: (error: unknown) => void };

  /** The frame handed over last; asking for the next one releases it. */
  #current: Frame | undefined;
  #isReading = false;
  /** Wakes the consumer: a frame, or the outcome. */
  readonly #news = new Wakeup();
  /** Wakes the session loop: the engine takes another fragment. */
  readonly #room = new Wakeup();
  #engineEnded: Promise<void> | undefined;
  #onEngineEnded: (() => void) | undefined;

  readonly #ledger = new Ledger();
  readonly #decodability = new Decodability();
  #fragmentsInSession = 0;
  #sessions = 0;
  #fragments = 0;
  #fragmentBytes = 0;
  #decodedAtMs: number | undefined;

  /** @internal */
  constructor(options: CheckedFrameSourceOptions, parts: SourceParts) {
    super();
    this.cameraId = options.cameraId;
    this.#options = options;
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#settleOpened = { resolve: () => {}, reject: () => {} };
    this.#opened = new Promise((resolve, reject) => (this.#settleOpened = { resolve, reject }));
    // Only who calls start() asks about the opening; others learn of a failure from the frames.
    this.#opened.catch(() => {});
    this.#loop = new SessionLoop(
      {
        provider: parts.provider,
        fragments: parts.fragments,
        policy: {
          delayMs: options.reconnectDelaySeconds * 1000,
          maxDelayMs: options.maxReconnectDelaySeconds * 1000,
          multiplier: options.backoffMultiplier,
          maxConsecutiveErrors: options.maxConsecutiveErrors,
        },
        renewalMarginMs: parts.renewalMarginMs,
        clock: this.#clock,
        random: parts.random ?? Math.random,
        logger: options.logger,
        cameraId: this.cameraId,
      },
      {
        onFragment: (fragment, signal) => this.#onFragment(fragment, signal),
        onEnd: () => this.#onEnd(),
        onState: (from, to, error) => {
          this.#counters.connectionState = to;
          this.tell('state', error === undefined ? { from, to } : { from, to, error });
        },
        onSession: (session, isRenewal) => this.#onSession(session, isRenewal),
        onReconnect: (consecutiveErrors, afterMs, error) => {
          this.#counters.reconnects += 1;
          this.tell('reconnect', { consecutiveErrors, afterMs, error });
        },
        onError: () => (this.#counters.readErrors += 1),
      },
    );
    this.#unpublish = publishCounters(this.cameraId, this.#counters, options.registry);
  }

  /**
   * Begins to read; asking for a frame does so too. Resolves when the first session is open, rejects with what made the
   * source give up before that. Calling it again answers the same. Throws `SOURCE_STOPPED` after `stop()`.
   */
  async start(): Promise<void> {
    if (this.#stopped !== undefined) {
      throw new FrameSourceError(
        'SOURCE_STOPPED',
        `${this.cameraId} was stopped; make a new source to read it again`,
      );
    }
    this.#begin();
    return this.#opened;
  }

  /**
   * Ends everything: connections, timers, the native thread. Legal in every state, resolves within 250 ms, may be called
   * more than once. A pending `read` answers `null`, a loop ends. Frames on loan stay valid.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
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
    this.#claim();
    let isLeftEarly = true;
    try {
      for (let count = 0; count < maxFrames; count++) {
        const frame = await this.#next(signal);
        if (frame === null) break;
        yield frame;
      }
      isLeftEarly = false;
      this.#releaseCurrent();
    } finally {
      this.#isReading = false;
      if (isLeftEarly) await this.stop();
    }
  }

  /**
   * The next frame, or `null` at the end of the stream or after `stop()`. The frame before it is released, unless
   * `frame.retain()` was called. Throws as {@link FrameSource.frames} does, and `READ_TIMEOUT`.
   */
  async read(options: ReadOptions = {}): Promise<Frame | null> {
    const { signal, timeoutMs } = checkReadOptions(options);
    this.#claim();
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
    return this.#loop.connection;
  }

  /** True while frames flow, or wait to be taken. {@link FrameSource.health} says why not. */
  isHealthy(): boolean {
    return this.health().healthy;
  }

  health(): SourceHealth {
    return healthOf({
      state: this.#loop.connection,
      isStarted: this.#running !== undefined,
      consecutiveErrors: this.#loop.consecutiveErrors,
      lastFrameAgoMs: this.#decodedAtMs === undefined ? null : this.#clock.monotonic() - this.#decodedAtMs,
      bufferedFrames: this.#engine?.readyCount ?? 0,
      fragmentMs: this.#ledger.fragmentMs,
    });
  }

  getMetrics(): SourceMetrics {
    const { frames, reconnects, urlRefreshes, readErrors, lastFrameTimestampSeconds } = this.#counters;
    const session = this.#loop.session;
    return {
      frames,
      fragments: this.#fragments,
      fragmentBytes: this.#fragmentBytes,
      reconnects,
      urlRefreshes,
      readErrors,
      consecutiveErrors: this.#loop.consecutiveErrors,
      gaps: this.#ledger.gaps,
      gapMs: this.#ledger.gapMs,
      bufferedFrames: this.#engine?.readyCount ?? 0,
      lastFrameTimestampMs: frames === 0 ? null : lastFrameTimestampSeconds * 1000,
      connectionState: this.#loop.connection,
      session: session === undefined ? null : { id: session.id, expiresAtMs: session.expiresAtMs },
      engine: this.#stopped === undefined ? (this.#engine?.stats() ?? null) : null,
    };
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

  #begin(): void {
    if (this.#running !== undefined || this.#stopped !== undefined) return;
    this.#engine = new FrameEngine(
      { ...this.#options, dates: this.#parts.dates },
      {
        onFrames: (newest) => this.#onFrames(newest),
        onFormat: (format) => this.tell('format', format),
        onRoom: () => this.#room.wake(),
        onFault: (fault, fragment) => this.#onFault(fault, fragment),
        onEnded: () => this.#onEngineEnded?.(),
        onFailure: (error) => {
          this.#engineFailure ??= error;
          this.#loop.fail(error);
          this.#stopping.abort(error);
          this.#onEngineEnded?.();
        },
      },
    );
    this.#parts.fragments.open();
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    let failure: Error | null = null;
    try {
      await this.#loop.run(this.#stopping.signal);
    } catch (error) {
      failure = error as Error;
      // What was fetched before the failure is still good.
      await this.#finishEngine();
    }
    this.#outcome = { error: this.#engineFailure ?? failure };
    const reason =
      this.#outcome.error ?? new FrameSourceError('SOURCE_STOPPED', `${this.cameraId} was stopped`);
    this.#settleOpened.reject(reason);
    this.#news.wake();
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new FrameSourceError('SOURCE_STOPPED', `${this.cameraId} was stopped`));
    await this.#engine?.close();
    this.#onEngineEnded?.();
    await this.#running;
    this.#outcome ??= { error: null };
    this.#parts.provider.close();
    await this.#parts.fragments.close();
    this.#unpublish();
    this.#news.wake();
  }

  async #next(signal: AbortSignal | undefined): Promise<Frame | null> {
    this.#releaseCurrent();
    this.#begin();
    for (;;) {
      signal?.throwIfAborted();
      const frame = this.#engine?.take();
      if (frame !== undefined) {
        this.#current = frame;
        this.#counters.frames += 1;
        this.#counters.lastFrameTimestampSeconds = frame.timestampMs / 1000;
        return frame;
      }
      if (this.#outcome !== undefined || this.#stopped !== undefined) {
        // Nothing will come any more: let go of the thread and the connections, also if nobody calls stop().
        await this.stop();
        if (this.#outcome?.error) throw this.#outcome.error;
        return null;
      }
      await this.#news.wait(signal);
    }
  }

  #releaseCurrent(): void {
    this.#current?.release();
    this.#current = undefined;
  }

  async #onFragment(fragment: Fragment, signal: AbortSignal): Promise<void> {
    const gap = this.#ledger.note(fragment);
    if (gap !== null) this.tell('gap', gap);
    this.#fragmentsInSession += 1;
    this.#fragments += 1;
    this.#fragmentBytes += fragment.media.length;
    signal.throwIfAborted();
    while (this.#engine?.push(fragment, gap !== null) === false) {
      await this.#room.wait(signal);
    }
    // After the push: the fragment was handed over, and is not handed over again.
    this.#decodability.check();
  }

  async #onEnd(): Promise<boolean> {
    if (this.#parts.continues(this.#fragmentsInSession)) return true;
    await this.#finishEngine();
    this.#decodability.checkEnd();
    return false;
  }

  /** Resolves when all frames of the fragments pushed so far are made, or the source is stopped. */
  #finishEngine(): Promise<void> {
    this.#engineEnded ??= new Promise((resolve) => {
      this.#onEngineEnded = resolve;
      if (this.#stopping.signal.aborted) resolve();
      else this.#engine?.finish();
    });
    return this.#engineEnded;
  }

  #onSession(session: Session, isRenewal: boolean): void {
    this.#fragmentsInSession = 0;
    this.#sessions += 1;
    if (this.#sessions > 1) this.#counters.urlRefreshes += 1;
    this.#settleOpened.resolve();
    this.tell('session', { id: session.id, expiresAtMs: session.expiresAtMs, renewal: isRenewal });
  }

  #onFrames(newest: Frame): void {
    this.#decodedAtMs = this.#clock.monotonic();
    this.#decodability.onFrame();
    this.#loop.onFrame(newest.fragment.sessionId);
    this.#news.wake();
  }

  #onFault(fault: EngineFault, fragment: FrameFragment | undefined): void {
    this.#counters.readErrors += 1;
    this.#decodability.onFault(fault.message);
    const { stage, message, codeName, log } = fault;
    this.#options.logger.warn(`${this.cameraId}: ${stage}: ${message}`);
    this.tell('fault', { stage, message, codeName, log, fragment });
  }
}
