import type { EngineFault } from '../binding.js';
import { CatchUp } from './catch-up.js';
import { systemClock, type Clock } from './clock.js';
import { FrameSourceError, HlsStreamError } from './errors.js';
import { channels, fragmentMessage, type FaultMessage } from './channels.js';
import type { FrameSourceEvents } from './events.js';
import { FrameEngine } from './frames/engine.js';
import type { Frame, FrameFragment } from './frames/frame.js';
import type { RingSupply } from './frames/ring.js';
import type { FrameChoice } from './frame-choice.js';
import { fragmentTime } from './frames/timestamp.js';
import type { Fragment, LostFragments } from './hls/fragment.js';
import type { SourceHealth } from './health.js';
import type { SourceReading } from './metrics/reading.js';
import { FrameDelivery } from './delivery.js';
import type { CheckedFrameSourceOptions } from './options.js';
import { Decodability } from './policy/decodability.js';
import { classify, type FaultClass } from './policy/fault.js';
import type { Gap } from './policy/gap.js';
import { Ledger } from './policy/ledger.js';
import { SessionLoop, type FragmentSource, type LoopState } from './session-loop.js';
import type { Session } from './session/provider.js';
import { SourceAccount } from './source-account.js';
import type { SourceMetrics } from './source-metrics.js';
import type { SourceParts } from './source-parts.js';
import { healthView, metricsView, readingView, type Viewed } from './source-views.js';
import { Wakeup } from './wakeup.js';

export interface PipelineHooks {
  tell<Name extends keyof FrameSourceEvents>(name: Name, news: FrameSourceEvents[Name][0]): void;
  /** A frame waits to be taken, or there is an outcome. */
  onNews(): void;
}

/** So much the follower's floor lags behind: it needs no message per frame. */
const FLOOR_STEP_MS = 1_000;
/** How often frames that nobody takes are looked through while a fragment waits for room. */
const ROOM_POLL_MS = 500;

/** From a provider of sessions to frames that wait to be taken: the session loop, the engine, and the account of both. */
export class Pipeline {
  readonly account: SourceAccount;
  /** Where frames are to lie, to be set before the begin. Default: as the options say. */
  rings: RingSupply | undefined;
  /** Settles when the first session is open, or nothing will come of it. */
  readonly opened: Promise<void>;

  readonly #cameraId: string;
  readonly #options: CheckedFrameSourceOptions;
  readonly #parts: SourceParts;
  readonly #hooks: PipelineHooks;
  readonly #clock: Clock;
  readonly #loop: SessionLoop;
  readonly #ledger: Ledger;
  readonly #decodability = new Decodability();
  readonly #stopping = new AbortController();

  /** Between engine and consumer, unless all frames are handed over as they come. */
  readonly #delivery: FrameDelivery | undefined;
  #engine: FrameEngine | undefined;
  /** What the follower was told. */
  #floorMs = -Infinity;
  #running: Promise<void> | undefined;
  #outcome: { error: Error | null } | undefined;
  /** An error of the engine itself, which ends the source. */
  #engineFailure: FrameSourceError | undefined;
  #settleOpened: { resolve: () => void; reject: (error: unknown) => void };
  /** Wakes the session loop: the engine takes another fragment. */
  readonly #room = new Wakeup();
  #engineEnded: Promise<void> | undefined;
  #onEngineEnded: (() => void) | undefined;

  constructor(options: CheckedFrameSourceOptions, parts: SourceParts, hooks: PipelineHooks) {
    this.#cameraId = options.cameraId;
    this.#options = options;
    this.#parts = parts;
    this.#hooks = hooks;
    this.#clock = parts.clock ?? systemClock;
    this.#ledger = new Ledger({ isServerDated: parts.dates.source === 'server' });
    this.account = new SourceAccount(this.#clock);
    const { delivery, isPaced } = options.choice;
    if (delivery.kind !== 'every' || isPaced) this.#delivery = this.#newDelivery(options.choice);
    this.#settleOpened = { resolve: () => {}, reject: () => {} };
    this.opened = new Promise((resolve, reject) => (this.#settleOpened = { resolve, reject }));
    // Only who calls start() asks about the opening; others learn of a failure from the frames.
    this.opened.catch(() => {});
    this.#loop = new SessionLoop(
      {
        provider: parts.provider,
        fragments: this.#withoutHoles(parts),
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
        cameraId: this.#cameraId,
      },
      {
        onFragment: (fragment, signal) => this.#onFragment(fragment, signal),
        onEnd: (lost) => this.#onEnd(lost),
        onPhase: (from, to, error) => this.#onPhase(from, to, error),
        onSession: (session, isRenewal) => this.#onSession(session, isRenewal),
        onOffline: ({ code }) => {
          // A list that stands still may be the server's doing; that no fragment came is its word.
          if (code !== 'HLS_STALLED') this.#ledger.silence();
        },
        onReconnect: (consecutiveErrors, afterMs, error) => {
          this.account.onReconnect();
          this.#hooks.tell('reconnect', { consecutiveErrors, afterMs, error });
        },
        onFault: (fault, error) => {
          if (fault !== 'offline' && fault !== 'expired') this.account.readErrors += 1;
          this.#tellFailure(fault, error);
        },
      },
    );
  }

  /** Set once no more frames will come; `error` is `null` at a regular end. */
  get outcome(): { error: Error | null } | undefined {
    return this.#outcome;
  }

  get state(): LoopState {
    return this.#loop.state;
  }

  get isBegun(): boolean {
    return this.#running !== undefined;
  }

  /** Starts it; only the first call does. */
  begin(): void {
    if (this.#running !== undefined || this.#stopping.signal.aborted) return;
    // First, since its thread starts while this one loads the addon and the AWS SDK.
    this.#parts.fragments.open();
    this.#engine = new FrameEngine(
      {
        ...this.#options,
        ...this.#options.choice,
        lateCause: this.#options.choice.delivery.kind === 'latest' ? 'latest' : 'age',
        // One more for the picture that is kept to be repeated.
        bufferedFrames: this.#options.bufferedFrames + (this.#options.fillGaps === undefined ? 0 : 1),
        ...(this.rings !== undefined && { rings: this.rings }),
        dates: this.#parts.dates,
        ledger: this.#ledger,
      },
      {
        fetchAgain: (fragment) => this.#parts.fragments.again(fragment, this.#stopping.signal),
        onGap: (gap) => this.#onGap(gap),
        onFrames: (newest) => this.#onFrames(newest),
        onDrop: (drop) => this.#hooks.tell('drop', drop),
        onDecoder: (decoder) => {
          this.account.decoder = decoder;
          if (decoder.fallbackReason !== '') {
            this.#options.logger.warn(`${this.#cameraId}: decodes in software: ${decoder.fallbackReason}`);
          }
          this.#hooks.tell('decoder', decoder);
        },
        onFormat: (format) => this.#hooks.tell('format', (this.account.format = format)),
        onRoom: (isSound) => {
          // Where few pictures are wanted, frames alone would look like a stall.
          if (isSound) this.account.onProgress(this.#parts.fragments.stallLimitMs);
          this.#room.wake();
        },
        onFault: (fault, fragment) => this.#onFault(fault, fragment),
        onLog: (lines) => {
          const { logger } = this.#options;
          for (const { level, message } of lines) logger[level](`${this.#cameraId}: libav: ${message}`);
        },
        onEnded: () => this.#onEngineEnded?.(),
        onFailure: (error) => {
          this.#engineFailure ??= error;
          this.#loop.fail(error);
          this.#stopping.abort(error);
          this.#onEngineEnded?.();
        },
      },
    );
    this.#running = this.#run();
  }

  /** The oldest frame that waits, or `undefined`. */
  take(): Frame | undefined {
    return this.#delivery === undefined ? this.#engine?.take() : this.#delivery.next();
  }

  /** In how many ms the next frame may be taken, if there is one and it has to wait; else `undefined`. */
  get dueInMs(): number | undefined {
    return this.#delivery?.dueInMs;
  }

  /** Ends all of it within 250 ms; frames on loan stay valid. */
  async stop(): Promise<void> {
    this.#stopping.abort(new FrameSourceError('SOURCE_STOPPED', `${this.#cameraId} was stopped`));
    // Side by side: each may take a good part of the time there is.
    this.#delivery?.close();
    const engineClosed = this.#engine?.close();
    this.#onEngineEnded?.();
    await this.#running;
    this.#outcome ??= { error: null };
    this.#parts.provider.close();
    await Promise.all([engineClosed, this.#parts.fragments.close()]);
    this.#options.logger.flush();
  }

  health(): SourceHealth {
    return healthView(this.#viewed());
  }

  metrics(): SourceMetrics {
    return metricsView(this.#viewed());
  }

  reading(): SourceReading {
    return readingView(this.#viewed());
  }

  #viewed(): Viewed {
    return {
      account: this.account,
      ledger: this.#ledger,
      loop: this.#loop,
      engine: this.#engine,
      parts: this.#parts,
      bufferedFrames: this.#readyCount,
      isBegun: this.#running !== undefined,
      isStopping: this.#stopping.signal.aborted,
      clock: this.#clock,
    };
  }

  async #run(): Promise<void> {
    let failure: Error | null = null;
    try {
      await this.#loop.run(this.#stopping.signal);
    } catch (error) {
      failure = error as Error;
      // What was fetched before the failure is still good.
      await this.#finishEngine(null);
    }
    this.#outcome = { error: this.#engineFailure ?? failure };
    const reason =
      this.#outcome.error ?? new FrameSourceError('SOURCE_STOPPED', `${this.#cameraId} was stopped`);
    this.#settleOpened.reject(reason);
    this.#hooks.onNews();
  }

  async #onFragment(fragment: Fragment, signal: AbortSignal): Promise<void> {
    this.account.onFragment(fragment);
    if (channels.fragment.hasSubscribers)
      channels.fragment.publish(fragmentMessage(this.#cameraId, fragment));
    signal.throwIfAborted();
    this.#delivery?.onFragment({
      captureMs: fragmentTime(fragment, this.#parts.dates).startMs,
      durationMs: fragment.durationMs,
      isBreak: fragment.discontinuity,
    });
    while (this.#engine?.push(fragment) === false) await this.#waitForRoom(signal);
    // After the push: the fragment was handed over, and is not handed over again.
    this.#decodability.check();
  }

  async #waitForRoom(signal: AbortSignal): Promise<void> {
    if (this.#delivery === undefined) return this.#room.wait(signal);
    // Frames that nobody takes grow too old meanwhile, and then make room.
    const cancel = this.#clock.after(ROOM_POLL_MS, () => this.#room.wake());
    try {
      this.#delivery.makeRoom();
      await this.#room.wait(signal);
    } finally {
      cancel();
    }
  }

  #newDelivery({ delivery, isPaced }: FrameChoice): FrameDelivery {
    return new FrameDelivery(
      { delivery, isPaced, isLive: this.#parts.dates.isLive, clock: this.#clock },
      {
        take: () => this.#engine?.take(),
        setFloor: (captureMs) => this.#setFloor(captureMs),
        setPeriod: (periodMs) => this.#engine?.setPeriod(periodMs),
        onDrop: (drop) => {
          this.#ledger.withdrawn(drop, drop.cause);
          this.#hooks.tell('drop', drop);
        },
      },
    );
  }

  #setFloor(captureMs: number): void {
    this.#engine?.setFloor(captureMs);
    // Also back: a floor that the host's clock has moved goes with it.
    if (Math.abs(captureMs - this.#floorMs) < FLOOR_STEP_MS) return;
    this.#floorMs = captureMs;
    this.#parts.fragments.setFloor(captureMs);
  }

  get #readyCount(): number {
    return (this.#engine?.readyCount ?? 0) + (this.#delivery?.readyCount ?? 0);
  }

  async #onEnd(lost: LostFragments | null): Promise<boolean> {
    if (this.#parts.isEndless) {
      const message =
        'The playlist of the live stream says that nothing will follow: a new session is needed';
      throw new HlsStreamError('HLS_SESSION_EXPIRED', message, { resource: 'playlist' });
    }
    if (this.#parts.continues(this.account.fragmentsInSession)) return true;
    await this.#finishEngine(lost);
    this.#decodability.checkEnd();
    return false;
  }

  /** Resolves when all frames of the fragments pushed so far are made, or the source is stopped. */
  #finishEngine(lost: LostFragments | null): Promise<void> {
    this.#engineEnded ??= new Promise((resolve) => {
      this.#onEngineEnded = resolve;
      if (this.#stopping.signal.aborted) resolve();
      else this.#engine?.finish(lost);
    });
    return this.#engineEnded;
  }

  /** The fragments to read: those of the live list, and with `catchUp` also what it has lost. */
  #withoutHoles({ fragments, provider, catchUp, dates }: SourceParts): FragmentSource {
    if (catchUp === undefined) return fragments;
    return new CatchUp(fragments, {
      ...catchUp,
      provider,
      isDated: (fragment) => fragmentTime(fragment, dates).source !== 'received',
      clock: this.#clock,
      logger: this.#options.logger,
      cameraId: this.#cameraId,
      onRecovered: (gap) => this.#hooks.tell('gap', this.#ledger.recovered(gap)),
      onSilence: () => this.#ledger.silence(),
      onError: (error) => {
        this.account.readErrors += 1;
        this.#tellFailure(classify(error), error);
      },
    });
  }

  #onPhase(from: LoopState, to: LoopState, error: FrameSourceError | undefined): void {
    this.account.onPhase();
    const change = { from: from.connection, to: to.connection, phase: to.phase };
    this.#hooks.tell('state', error === undefined ? change : { ...change, error });
  }

  #onGap(gap: Gap): void {
    const { cause, ms, recovered } = gap;
    const what = recovered ? 'came late after all' : `missing: ${cause}`;
    this.#options.logger.warn(`${this.#cameraId}: ${Math.round(ms)} ms of media ${what}`);
    this.#hooks.tell('gap', gap);
  }

  #onSession(session: Session, isRenewal: boolean): void {
    this.account.onSession(isRenewal);
    this.#settleOpened.resolve();
    const news = { id: session.id, expiresAtMs: session.expiresAtMs, renewal: isRenewal };
    if (channels.session.hasSubscribers) channels.session.publish({ cameraId: this.#cameraId, ...news });
    this.#hooks.tell('session', news);
  }

  #onFrames(newest: Frame): void {
    this.account.onDecoded(newest, this.#parts.fragments.stallLimitMs, this.#ledger.drops.age.frames);
    this.#decodability.onFrame();
    this.#loop.onFrame(newest.fragment.sessionId);
    this.#hooks.onNews();
  }

  #tellFailure(fault: FaultClass, error: Error): void {
    const { message } = error;
    this.account.onFault(fault, message);
    if (!channels.fault.hasSubscribers) return;
    const code = error instanceof FrameSourceError ? error.code : null;
    const told: FaultMessage = { cameraId: this.#cameraId, class: fault, code, message, error };
    channels.fault.publish(told);
  }

  #onFault(fault: EngineFault, fragment: FrameFragment | undefined): void {
    const { stage, message, codeName, log } = fault;
    this.account.readErrors += 1;
    this.account.onFault('media', message);
    this.#decodability.onFault(message);
    this.#options.logger.warn(`${this.#cameraId}: ${stage}: ${message}`);
    for (const line of log) this.#options.logger.warn(`${this.#cameraId}: libav: ${line}`);
    if (channels.fault.hasSubscribers) {
      const told: FaultMessage = { cameraId: this.#cameraId, class: 'media', code: stage, message };
      channels.fault.publish(told);
    }
    this.#hooks.tell('fault', { stage, message, codeName, log, fragment });
  }
}
