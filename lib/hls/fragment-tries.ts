import { HlsStreamError } from '../errors.js';
import { isThrottled, isTransient, pauseAfterMs } from './failure.js';
import type { LostFragments } from './fragment.js';

/** What to do about a fragment, or the init section it needs, that could not be had. */
export type Verdict =
  /** Ask again after a pause; `listFirst`: only if the list, asked anew, still has it. */
  | { kind: 'again'; afterMs: number; listFirst: boolean }
  /** It is lost, and reading goes on behind it. */
  | { kind: 'give-up'; cause: LostFragments['cause'] }
  /** The session is at fault. */
  | { kind: 'throw' };

/** What a failure happened in. */
export interface FailureContext {
  /** Monotonic clock. */
  nowMs: number;
  /** 0 ≤ n < 1. */
  random: number;
  /** How long nothing may come until the session is at fault. */
  limitMs: number;
  /** The list has ended: what it holds does not slide out of it. */
  ended: boolean;
}

/** Tries at least, and for how long at least, until a fragment of a recording is given up. */
const RECORDING_TRIES = 5;
const RECORDING_MS = 3_000;

/**
 * The policy for one fragment: asked after each failure.
 *
 * | failure | what is done |
 * | --- | --- |
 * | truncated, damaged | once more, then given up (`media`) |
 * | larger than the limit | given up (`policy`) |
 * | connection, timeout, 5xx | again while the list has it, up to the limit; of a recording 5 times in 3 s, then given up (`outage`) |
 * | throttled | the same, slowly, and never given up |
 * | 404, 410 | once more if the list still has it, then given up (`window-slid`); at once if the server asks for a pause beyond the limit |
 * | else, 403 above all | the session is at fault |
 */
export class FragmentTries {
  readonly #startedMs: number;
  #transient = 0;
  #damaged = 0;
  #gone = 0;

  /** `startedMs`: when the session was asked for the first of the fragments it has not brought, monotonic. */
  constructor(startedMs: number) {
    this.#startedMs = startedMs;
  }

  after(error: unknown, context: FailureContext): Verdict {
    if (isTransient(error)) return this.#afterTransient(error, context);
    if (!(error instanceof HlsStreamError)) return { kind: 'throw' };
    const elapsedMs = context.nowMs - this.#startedMs;
    const afterMs = pauseAfterMs(error, 0, context.random);
    switch (error.code) {
      case 'HLS_TOO_LARGE':
        return { kind: 'give-up', cause: 'policy' };
      case 'HLS_TRUNCATED':
        if (++this.#damaged > 1) return { kind: 'give-up', cause: 'media' };
        return { kind: 'again', afterMs, listFirst: false };
      case 'HLS_STATUS':
        if (error.status !== 404 && error.status !== 410) return { kind: 'throw' };
        if (++this.#gone > 1 || elapsedMs + afterMs > context.limitMs)
          return { kind: 'give-up', cause: 'window-slid' };
        return { kind: 'again', afterMs, listFirst: true };
      default:
        return { kind: 'throw' };
    }
  }

  #afterTransient(error: unknown, { nowMs, random, limitMs, ended }: FailureContext): Verdict {
    const elapsedMs = nowMs - this.#startedMs;
    const afterMs = pauseAfterMs(error, this.#transient, random);
    this.#transient += 1;
    const isRecording = ended && !isThrottled(error);
    if (isRecording && this.#transient >= RECORDING_TRIES && elapsedMs >= RECORDING_MS)
      return { kind: 'give-up', cause: 'outage' };
    return elapsedMs + afterMs > limitMs ? { kind: 'throw' } : { kind: 'again', afterMs, listFirst: false };
  }
}
