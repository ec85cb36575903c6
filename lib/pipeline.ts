import type { EngineFault } from '../binding.js';
import { CatchUp, type CatchUpSource } from './catch-up.js';
import { systemClock, type Clock } from './clock.js';
import { FrameSourceError, HlsStreamError } from './errors.js';
import type { FrameSourceEvents } from './events.js';
import { FrameEngine } from './frames/engine.js';
import type { Frame, FrameFragment } from './frames/frame.js';
import { fragmentTime, type DateTrust } from './frames/timestamp.js';
import type { Fragment, FragmentBytes, LostFragments } from './hls/fragment.js';
import { healthOf, type SourceHealth } from './health.js';
import { newCounters, type SourceCounters, type SourceMetrics } from './metrics.js';
import type { CheckedFrameSourceOptions } from './options.js';
import { Decodability } from './policy/decodability.js';
import type { Gap } from './policy/gap.js';
import { Ledger } from './policy/ledger.js';
import { SessionLoop, type FragmentSource, type LoopState } from './session-loop.js';
import type { Session, SessionProvider } from './session/provider.js';
import { Wakeup } from './wakeup.js';

/** Fragments of a provider's sessions, over the network. */
export interface Fragments extends FragmentSource {
  /** Gets ready for the first session. */
  open(): void;
  /** Lets go of all connections. */
  close(): Promise<void>;
  /** The bytes of a fragment that was handed over recently, fetched anew; `null` if they can't be had. */
  again(of: { sessionId: number; sequence: number }, signal: AbortSignal): Promise<FragmentBytes | null>;
  /** How long the stream may show nothing new before it counts as stalled, ms; `null` before it is known. */
  readonly stallLimitMs: number | null;
}

/** What a kind of source is made of. */
export interface SourceParts {
  provider: SessionProvider;
  fragments: Fragments;
  /** Holes of the live stream are read from its recording. */
  catchUp?: CatchUpSource;
  dates: DateTrust;
  /** How long before its end a session is replaced, ms. */
  renewalMarginMs: number;
  /** The stream has no end: a session whose playlist says so is of no more use, and another one is needed. */
  isEndless: boolean;
  /** Whether a playlist that ended after this many new fragments is only part of what was asked for. */
  continues(fragmentsInSession: number): boolean;
  clock?: Clock;
  /** Answers [0, 1). */
  random?: () => number;
}

export interface PipelineHooks {
  tell<Name extends keyof FrameSourceEvents>(name: Name, news: FrameSourceEvents[Name][0]): void;
  /** A frame waits to be taken, or there is an outcome. */
  onNews(): void;
}

/** From a provider of sessions to frames that wait to be taken: the session loop, the engine, and the account of both. */
export class Pipeline {
  readonly counters: SourceCounters;
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

  #engine: FrameEngine | undefined;
  #running: Promise<void> | undefined;
  #outcome: { error: Error | null } | undefined;
  /** An error of the engine itself, which ends the source. */
  #engineFailure: FrameSourceError | undefined;
  #settleOpened: { resolve: () => void; reject: (error: unknown) => void };
  /** Wakes the session loop: the engine takes another fragment. */
  readonly #room = new Wakeup();
  #engineEnded: Promise<void> | undefined;
  #onEngineEnded: (() => void) | undefined;

  #fragmentsInSession = 0;
  #sessions = 0;
  #fragments = 0;
  #fragmentBytes = 0;
  #decodedAtMs: number | undefined;

  constructor(options: CheckedFrameSourceOptions, parts: SourceParts, hooks: PipelineHooks) {
    this.#cameraId = options.cameraId;
    this.#options = options;
    this.#parts = parts;
    this.#hooks = hooks;
    this.#clock = parts.clock ?? systemClock;
    this.#ledger = new Ledger({ isServerDated: parts.dates.source === 'server' });
    this.counters = newCounters(this.#ledger.totals);
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
          this.counters.reconnects += 1;
          this.#hooks.tell('reconnect', { consecutiveErrors, afterMs, error });
        },
        onError: () => (this.counters.readErrors += 1),
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

  /** Starts it; only the first call does. */
  begin(): void {
    if (this.#running !== undefined || this.#stopping.signal.aborted) return;
    this.#engine = new FrameEngine(
      {
        ...this.#options,
        // One more for the picture that is kept to be repeated.
        bufferedFrames: this.#options.bufferedFrames + (this.#options.fillGaps === undefined ? 0 : 1),
        dates: this.#parts.dates,
        ledger: this.#ledger,
      },
      {
        fetchAgain: (fragment) => this.#parts.fragments.again(fragment, this.#stopping.signal),
        onGap: (gap) => this.#onGap(gap),
        onFrames: (newest) => this.#onFrames(newest),
        onFormat: (format) => this.#hooks.tell('format', format),
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

  /** The oldest frame that waits, or `undefined`. */
  take(): Frame | undefined {
    return this.#engine?.take();
  }

  /** Ends all of it within 250 ms; frames on loan stay valid. */
  async stop(): Promise<void> {
    this.#stopping.abort(new FrameSourceError('SOURCE_STOPPED', `${this.#cameraId} was stopped`));
    // Side by side: each may take a good part of the time there is.
    const engineClosed = this.#engine?.close();
    this.#onEngineEnded?.();
    await this.#running;
    this.#outcome ??= { error: null };
    this.#parts.provider.close();
    await Promise.all([engineClosed, this.#parts.fragments.close()]);
  }

  health(): SourceHealth {
    return healthOf({
      state: this.#loop.state.connection,
      phase: this.#loop.state.phase,
      isStarted: this.#running !== undefined,
      consecutiveErrors: this.#loop.consecutiveErrors,
      lastFrameAgoMs: this.#decodedAtMs === undefined ? null : this.#clock.monotonic() - this.#decodedAtMs,
      bufferedFrames: this.#engine?.readyCount ?? 0,
      stallMs: this.#parts.fragments.stallLimitMs,
    });
  }

  metrics(): Omit<SourceMetrics, 'syntheticFrames'> {
    const { frames, reconnects, urlRefreshes, readErrors, lastFrameTimestampSeconds } = this.counters;
    const session = this.#loop.session;
    return {
      frames,
      fragments: this.#fragments,
      fragmentBytes: this.#fragmentBytes,
      reconnects,
      urlRefreshes,
      readErrors,
      consecutiveErrors: this.#loop.consecutiveErrors,
      mediaMs: this.#ledger.deliveredMs,
      gaps: this.#ledger.gaps,
      gapMs: this.#ledger.gapMs,
      gapsByCause: structuredClone(this.#ledger.totals),
      recoveredMs: this.#ledger.recoveredMs,
      refetchedFragments: this.#engine?.refetched ?? 0,
      repairedFragments: this.#engine?.repaired ?? 0,
      bufferedFrames: this.#engine?.readyCount ?? 0,
      lastFrameTimestampMs: frames === 0 ? null : lastFrameTimestampSeconds * 1000,
      connectionState: this.#loop.state.connection,
      phase: this.#loop.state.phase,
      session: session === undefined ? null : { id: session.id, expiresAtMs: session.expiresAtMs },
      engine: this.#stopping.signal.aborted ? null : (this.#engine?.stats() ?? null),
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
    this.#fragmentsInSession += 1;
    this.#fragments += 1;
    this.#fragmentBytes += fragment.media.length;
    signal.throwIfAborted();
    while (this.#engine?.push(fragment) === false) await this.#room.wait(signal);
    // After the push: the fragment was handed over, and is not handed over again.
    this.#decodability.check();
  }

  async #onEnd(lost: LostFragments | null): Promise<boolean> {
    if (this.#parts.isEndless) {
      const message =
        'The playlist of the live stream says that nothing will follow: a new session is needed';
      throw new HlsStreamError('HLS_SESSION_EXPIRED', message, { resource: 'playlist' });
    }
    if (this.#parts.continues(this.#fragmentsInSession)) return true;
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
      onError: () => (this.counters.readErrors += 1),
    });
  }

  #onPhase(from: LoopState, to: LoopState, error: FrameSourceError | undefined): void {
    this.counters.connectionState = to.connection;
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
    this.#fragmentsInSession = 0;
    this.#sessions += 1;
    if (this.#sessions > 1) this.counters.urlRefreshes += 1;
    this.#settleOpened.resolve();
    this.#hooks.tell('session', { id: session.id, expiresAtMs: session.expiresAtMs, renewal: isRenewal });
  }

  #onFrames(newest: Frame): void {
    this.#decodedAtMs = this.#clock.monotonic();
    this.#decodability.onFrame();
    this.#loop.onFrame(newest.fragment.sessionId);
    this.#hooks.onNews();
  }

  #onFault(fault: EngineFault, fragment: FrameFragment | undefined): void {
    this.counters.readErrors += 1;
    this.#decodability.onFault(fault.message);
    const { stage, message, codeName, log } = fault;
    this.#options.logger.warn(`${this.#cameraId}: ${stage}: ${message}`);
    this.#hooks.tell('fault', { stage, message, codeName, log, fragment });
  }
}
