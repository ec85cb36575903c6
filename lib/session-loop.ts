import { sleep, type Clock } from './clock.js';
import { FrameSourceError, withoutSecrets } from './errors.js';
import type { Fragment, LostFragments } from './hls/fragment.js';
import type { Logger } from './logger.js';
import { classify, type FaultClass } from './policy/fault.js';
import { renewalDelayMs } from './policy/rollover.js';
import {
  advance,
  connectionOf,
  initialState,
  type ConnectionState,
  type SourcePhase,
  type SupervisorAction,
  type SupervisorEvent,
  type SupervisorPolicy,
  type SupervisorState,
} from './policy/supervisor.js';
import type { Session, SessionProvider } from './session/provider.js';

/** The part of the follower the loop uses. */
export interface FragmentSource {
  /** Each fragment once and in order; returns at the end of the stream what is lost behind the last one; throws what
   *  ended the session. */
  run(session: Session, signal: AbortSignal): AsyncGenerator<Fragment, LostFragments | null>;
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

/** What the loop is doing. */
export interface LoopState {
  connection: ConnectionState;
  phase: SourcePhase;
}

/** What the loop does next by itself, monotonic ms; `null` where that is not planned. */
export interface LoopPlan {
  /** The next session is opened while this one plays. */
  renewAtMs: number | null;
  /** The wait before the next session is over. */
  connectAtMs: number | null;
  /** Since when the next fragment of the session in use is waited for; `null` while none is, as there is no room for one. */
  awaitedSinceMs: number | null;
  renewal: RenewalTrouble;
}

/** What renewing the session in use has met. */
export interface RenewalTrouble {
  /** Tries that failed. */
  failures: number;
  /** Why the last of them did; `''` without one. */
  reason: string;
  /** It is not tried any more: the source ends with the session. */
  isGivenUp: boolean;
}

const NO_TROUBLE: RenewalTrouble = { failures: 0, reason: '', isGivenUp: false };

export interface SessionLoopHooks {
  /** Takes a fragment; resolves when the next one may come. */
  onFragment(fragment: Fragment, signal: AbortSignal): Promise<void>;
  /** All fragments up to the end of the stream were taken; `lost` is missing behind the last. Resolves when their frames
   *  are made. `true`: go on with a new session, the end was only the end of a list. */
  onEnd(lost: LostFragments | null): Promise<boolean>;
  onPhase(from: LoopState, to: LoopState, error?: FrameSourceError): void;
  onSession(session: Session, isRenewal: boolean): void;
  /** The camera sends nothing, as far as this error tells: once for each look. */
  onOffline(error: FrameSourceError): void;
  onReconnect(consecutiveErrors: number, afterMs: number, error: FrameSourceError): void;
  /** Something failed, an expired session and a silent camera included; the loop goes on, or `run` throws it. */
  onFault(fault: FaultClass, error: Error): void;
}

/** Opens sessions, follows them, renews them, and reconnects: does what the policies say. */
export class SessionLoop {
  readonly #options: SessionLoopOptions;
  readonly #hooks: SessionLoopHooks;
  #state: SupervisorState = initialState;
  #session: Session | undefined;
  #failure: FrameSourceError | undefined;
  /** The log says that the camera sends nothing, and not yet that it does again. */
  #isSilenceTold = false;
  /** Date of the last fragment taken: where a new session has to start. */
  #resumeAtMs: number | undefined;
  #renewAtMs: number | null = null;
  #connectAtMs: number | null = null;
  #awaitedSinceMs: number | null = null;
  #renewal = NO_TROUBLE;

  constructor(options: SessionLoopOptions, hooks: SessionLoopHooks) {
    this.#options = options;
    this.#hooks = hooks;
  }

  get state(): LoopState {
    return { connection: connectionOf(this.#state), phase: this.#state.phase };
  }

  get consecutiveErrors(): number {
    return this.#state.consecutiveErrors;
  }

  /** The session in use. */
  get session(): Session | undefined {
    return this.#session;
  }

  get plan(): LoopPlan {
    return {
      renewAtMs: this.#renewAtMs,
      connectAtMs: this.#connectAtMs,
      awaitedSinceMs: this.#awaitedSinceMs,
      renewal: this.#renewal,
    };
  }

  /** A frame of a session was decoded; only one that was asked for since the session in use says that all is well. */
  onFrame(sessionId: number): void {
    // Ids count up: a later one is that of a recording which the session in use waits for.
    if (this.#state.phase === 'connected' || sessionId < (this.#session?.id ?? Infinity)) return;
    const { logger, cameraId } = this.#options;
    if (this.#isSilenceTold) logger.info(`${cameraId}: the camera sends again`);
    this.#isSilenceTold = false;
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
        this.#connectAtMs = null;
        action = await this.#follow(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#session = undefined;
      this.#connectAtMs = null;
      if (signal.aborted) {
        if (this.#failure !== undefined) this.#hooks.onFault('defect', this.#failure);
        this.#advance(this.#failure ? { kind: 'fault', fault: 'defect' } : { kind: 'stop' }, this.#failure);
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
      const lost = await this.#take(this.#options.fragments.run(session, ending.signal), ending.signal);
      ending.abort(new Error('The session was read to its end'));
      if (await this.#hooks.onEnd(lost)) return { kind: 'connect', afterMs: 0 };
      return this.#advance({ kind: 'end' });
    } catch (error) {
      if (signal.aborted) throw error;
      return this.#onFailure(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
      ending.abort(new Error('The session is over'));
      this.#session = undefined;
      this.#renewAtMs = null;
      this.#renewal = NO_TROUBLE;
    }
  }

  async #take(
    fragments: AsyncGenerator<Fragment, LostFragments | null>,
    signal: AbortSignal,
  ): Promise<LostFragments | null> {
    try {
      for (;;) {
        this.#awaitedSinceMs = this.#options.clock.monotonic();
        const { value, done } = await fragments.next();
        this.#awaitedSinceMs = null;
        if (done) return value;
        await this.#hooks.onFragment(value, signal);
        if (value.dateMs !== null) this.#resumeAtMs = value.dateMs;
      }
    } finally {
      this.#awaitedSinceMs = null;
      await fragments.return(null);
    }
  }

  #acquire(signal: AbortSignal): Promise<Session> {
    const resumeAtMs = this.#resumeAtMs;
    return this.#options.provider.acquire(resumeAtMs === undefined ? { signal } : { signal, resumeAtMs });
  }

  #use(session: Session, isRenewal: boolean, signal: AbortSignal): void {
    const { clock, random, renewalMarginMs } = this.#options;
    this.#session = session;
    this.#renewal = NO_TROUBLE;
    this.#hooks.onSession(session, isRenewal);
    const delayMs = renewalDelayMs(session, clock.monotonic(), renewalMarginMs, random);
    if (delayMs !== null)
      this.#renewAfter(delayMs, signal).catch((error: unknown) => this.#onRenewalEnd(error, signal));
    else this.#renewAtMs = null;
  }

  /** Replaces the session in use while it still plays; failures cost nothing until it ends by itself. */
  async #renewAfter(delayMs: number, signal: AbortSignal): Promise<void> {
    const { random, policy, fragments, logger, cameraId } = this.#options;
    await this.#waitToRenew(delayMs, signal);
    // A machine of its own, asked for its waits only: what a renewal meets is no state of the source.
    let waits: SupervisorState = { ...initialState, phase: 'reconnecting', hadFrame: true };
    const patience = { ...policy, maxConsecutiveErrors: Infinity };
    for (;;) {
      try {
        const next = await this.#acquire(signal);
        await fragments.offer(next, signal);
        signal.throwIfAborted();
        this.#use(next, true, signal);
        return;
      } catch (error) {
        if (signal.aborted || !(error instanceof FrameSourceError)) throw error;
        const fault = classify(error);
        const level = fault === 'offline' ? 'debug' : 'warn';
        logger[level](`${cameraId}: renewing the session failed: ${error.message}`);
        this.#hooks.onFault(fault, error);
        const failures = this.#renewal.failures + 1;
        this.#renewal = { failures, reason: error.message, isGivenUp: false };
        const event = { kind: 'fault', fault, retryAfterMs: error.retryAfterMs ?? 0 } as const;
        const { state, action } = advance(waits, event, patience, random);
        waits = state;
        // Nothing another try would change; the session in use plays to its end, and then this error ends the source.
        if (action.kind === 'give-up') {
          this.#renewAtMs = null;
          this.#renewal = { ...this.#renewal, isGivenUp: true };
          return;
        }
        if (action.kind === 'connect') await this.#waitToRenew(action.afterMs, signal);
      }
    }
  }

  async #waitToRenew(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#renewAtMs = clock.monotonic() + ms;
    await sleep(clock, ms, signal);
  }

  #onRenewalEnd(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#options.logger.error(`${this.#options.cameraId}: renewal stopped: ${String(error)}`);
  }

  #onFailure(cause: unknown): SupervisorAction {
    const { logger, cameraId } = this.#options;
    const fault = classify(cause);
    const error = withoutSecrets(cause);
    this.#hooks.onFault(fault, error as Error);
    // An error that is not ours is a defect of this package: it ends the source as it is, but for what may be secret in it.
    if (!(error instanceof FrameSourceError)) {
      this.#advance({ kind: 'fault', fault });
      throw error;
    }
    if (fault === 'offline') this.#hooks.onOffline(error);
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
      if (action.afterMs > 0) this.#connectAtMs = this.#options.clock.monotonic() + action.afterMs;
      const isOffline = this.#state.phase === 'offline';
      const next = `next try in ${Math.round(action.afterMs)} ms`;
      // A camera may sleep for days: that is said once, and once more when it wakes up.
      if (isOffline && this.#isSilenceTold) logger.debug(`${cameraId}: ${error.message}; ${next}`);
      else if (isOffline)
        logger.warn(`${cameraId}: the camera sends nothing, waiting for it: ${error.message}`);
      else logger.warn(`${cameraId}: ${error.message}; ${next}`);
      this.#isSilenceTold ||= isOffline;
      if (!isOffline) this.#hooks.onReconnect(this.#state.consecutiveErrors, action.afterMs, error);
    }
    return action;
  }

  #advance(event: SupervisorEvent, error?: FrameSourceError): SupervisorAction {
    const from = this.state;
    const { state, action } = advance(this.#state, event, this.#options.policy, this.#options.random);
    this.#state = state;
    if (state.phase !== from.phase) this.#hooks.onPhase(from, this.state, error);
    return action;
  }
}
