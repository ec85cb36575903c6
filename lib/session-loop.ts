import { sleep, type Clock } from './clock.js';
import { FrameSourceError } from './errors.js';
import type { Fragment } from './hls/fragment.js';
import type { Logger } from './logger.js';
import { backoffMs } from './policy/backoff.js';
import { classify, type FaultClass } from './policy/fault.js';
import { renewalDelayMs } from './policy/rollover.js';
import {
  advance,
  ConnectionState,
  initialState,
  type SupervisorAction,
  type SupervisorEvent,
  type SupervisorPolicy,
  type SupervisorState,
} from './policy/supervisor.js';
import type { Session, SessionProvider } from './session/provider.js';

/** The part of the follower the loop uses. */
export interface FragmentSource {
  /** Each fragment once and in order; returns at the end of the stream; throws what ended the session. */
  run(session: Session, signal: AbortSignal): AsyncGenerator<Fragment, void>;
  /** Lets `run` go over to the next session without a seam. Rejects if that session can't be opened. */
  offer(session: Session, signal: AbortSignal): Promise<void>;
}

export interface SessionLoopOptions {
  provider: SessionProvider;
  fragments: FragmentSource;
  policy: SupervisorPolicy;
  /** How long before its end a session is replaced, ms. */
  renewalMarginMs: number;
  clock: Clock;
  /** Answers [0, 1). */
  random: () => number;
  logger: Logger;
  cameraId: string;
}

export interface SessionLoopHooks {
  /** Takes a fragment; resolves when the next one may come. */
  onFragment(fragment: Fragment, signal: AbortSignal): Promise<void>;
  /** All fragments up to the end of the stream were taken. Resolves when their frames are made. `true`: go on with a new
   *  session, the end was only the end of a list. */
  onEnd(): Promise<boolean>;
  onState(from: ConnectionState, to: ConnectionState, error?: FrameSourceError): void;
  onSession(session: Session, isRenewal: boolean): void;
  onReconnect(consecutiveErrors: number, afterMs: number, error: FrameSourceError): void;
  /** Something failed that counts as a read error; the loop goes on or `run` throws it. */
  onError(error: FrameSourceError): void;
}

/** Opens sessions, follows them, renews them, and reconnects: does what the policies say. */
export class SessionLoop {
  readonly #options: SessionLoopOptions;
  readonly #hooks: SessionLoopHooks;
  #state: SupervisorState = initialState;
  #session: Session | undefined;
  #failure: FrameSourceError | undefined;
  #lastFault: FaultClass | undefined;
  /** Date of the last fragment taken: where a new session has to start. */
  #resumeAtMs: number | undefined;

  constructor(options: SessionLoopOptions, hooks: SessionLoopHooks) {
    this.#options = options;
    this.#hooks = hooks;
  }

  get connection(): ConnectionState {
    return this.#state.connection;
  }

  get consecutiveErrors(): number {
    return this.#state.consecutiveErrors;
  }

  /** The session in use. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** A frame of a session was decoded; only one of the session in use says that all is well. */
  onFrame(sessionId: number): void {
    if (this.#state.connection === ConnectionState.CONNECTED || sessionId !== this.#session?.id) return;
    this.#lastFault = undefined;
    this.#advance({ kind: 'frame' });
  }

  /** What the fragments are for has failed: when the signal fires, the source has given up rather than stopped. */
  fail(error: FrameSourceError): void {
    this.#failure = error;
  }

  /** Runs until the stream ends, the signal fires (both resolve), or the policy gives up (throws). */
  async run(signal: AbortSignal): Promise<void> {
    let action = this.#advance({ kind: 'start' });
    try {
      while (action.kind === 'connect') {
        await sleep(this.#options.clock, action.afterMs, signal);
        action = await this.#follow(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#session = undefined;
      if (signal.aborted) {
        this.#advance(this.#failure ? { kind: 'fault', fault: 'fatal' } : { kind: 'stop' }, this.#failure);
      }
    }
  }

  /** Opens one session and follows it, and those that renew it, to an end or a failure. */
  async #follow(signal: AbortSignal): Promise<SupervisorAction> {
    // Whatever belongs to this run of sessions, the renewal above all, ends with it.
    const ending = new AbortController();
    const onAbort = (): void => ending.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const session = await this.#acquire(ending.signal);
      this.#use(session, false, ending.signal);
      for await (const fragment of this.#options.fragments.run(session, ending.signal)) {
        await this.#hooks.onFragment(fragment, ending.signal);
        if (fragment.dateMs !== null) this.#resumeAtMs = fragment.dateMs;
      }
      ending.abort(new Error('The session was read to its end'));
      if (await this.#hooks.onEnd()) return { kind: 'connect', afterMs: 0 };
      return this.#advance({ kind: 'end' });
    } catch (error) {
      if (signal.aborted) throw error;
      return this.#onFailure(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
      ending.abort(new Error('The session is over'));
      this.#session = undefined;
    }
  }

  #acquire(signal: AbortSignal): Promise<Session> {
    const resumeAtMs = this.#resumeAtMs;
    return this.#options.provider.acquire(resumeAtMs === undefined ? { signal } : { signal, resumeAtMs });
  }

  #use(session: Session, isRenewal: boolean, signal: AbortSignal): void {
    const { clock, random, renewalMarginMs } = this.#options;
    this.#session = session;
    this.#hooks.onSession(session, isRenewal);
    const delayMs = renewalDelayMs(session, clock.now(), renewalMarginMs, random);
    if (delayMs !== null)
      this.#renewAfter(delayMs, signal).catch((error: unknown) => this.#onRenewalEnd(error, signal));
  }

  /** Replaces the session in use while it still plays; failures cost nothing until it ends by itself. */
  async #renewAfter(delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock, random, policy, fragments, logger, cameraId } = this.#options;
    await sleep(clock, delayMs, signal);
    for (let attempt = 1; ; attempt++) {
      try {
        const next = await this.#acquire(signal);
        await fragments.offer(next, signal);
        this.#use(next, true, signal);
        return;
      } catch (error) {
        if (signal.aborted || !(error instanceof FrameSourceError)) throw error;
        logger.warn(`${cameraId}: renewing the session failed: ${error.message}`);
        this.#hooks.onError(error);
        await sleep(clock, backoffMs(policy, attempt, random), signal);
      }
    }
  }

  #onRenewalEnd(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#options.logger.error(`${this.#options.cameraId}: renewal stopped: ${String(error)}`);
  }

  #onFailure(error: unknown): SupervisorAction {
    const { logger, cameraId } = this.#options;
    const fault = classify(error);
    // An error that is not ours is a defect of this package: it ends the source as it is.
    if (!(error instanceof FrameSourceError)) {
      this.#advance({ kind: 'fault', fault });
      throw error;
    }
    this.#hooks.onError(error);
    const action = this.#advance({ kind: 'fault', fault, retryAfterMs: error.retryAfterMs ?? 0 }, error);
    if (action.kind === 'give-up') {
      if (!action.exhausted) throw error;
      throw new FrameSourceError(
        'TOO_MANY_ERRORS',
        `Gave up on ${cameraId} after ${this.#state.consecutiveErrors} failures in a row, the last: ${error.message}`,
        { cause: error },
      );
    }
    if (action.kind === 'connect') {
      // A camera may sleep for days: that is said once.
      const level = fault === 'offline' && this.#lastFault === 'offline' ? 'debug' : 'warn';
      logger[level](`${cameraId}: ${error.message}; next try in ${Math.round(action.afterMs)} ms`);
      this.#hooks.onReconnect(this.#state.consecutiveErrors, action.afterMs, error);
    }
    this.#lastFault = fault;
    return action;
  }

  #advance(event: SupervisorEvent, error?: FrameSourceError): SupervisorAction {
    const from = this.#state.connection;
    const { state, action } = advance(this.#state, event, this.#options.policy, this.#options.random);
    this.#state = state;
    if (state.connection !== from) this.#hooks.onState(from, state.connection, error);
    return action;
  }
}
