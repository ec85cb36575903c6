import { backoffMs, jittered, type BackoffPolicy } from './backoff.js';
import type { FaultClass } from './fault.js';

/** What a source is doing, as the number the `kvs_hls_connection_state` metric shows. */
export const ConnectionState = {
  /** Not started, stopped, or at the end of the stream. */
  DISCONNECTED: 0,
  /** The first session is being opened. */
  CONNECTING: 1,
  /** Frames of the current session arrive. */
  CONNECTED: 2,
  /** Frames stopped; a new session is being opened or waited for. */
  RECONNECTING: 3,
  /** Given up; the error was thrown to the reader. */
  ERROR: 4,
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/**
 * The same, finer: `offline` is a reader that is well and waits for a camera that sends nothing. `stopped` also stands
 * for not started and for the end of the stream.
 */
export type SourcePhase = 'stopped' | 'connecting' | 'connected' | 'reconnecting' | 'offline' | 'failed';

/** Everything the supervisor remembers: a value. */
export interface SupervisorState {
  phase: SourcePhase;
  /** A frame has been decoded since the start. */
  hadFrame: boolean;
  /** Failures since the last good frame that count towards `maxConsecutiveErrors`. */
  consecutiveErrors: number;
  /** Waits since the last good frame: the exponent of the back-off. */
  attempts: number;
  /** Refused sessions since the last good frame. */
  refusals: number;
}

export interface SupervisorPolicy extends BackoffPolicy {
  /** This many counted failures in a row end the source. */
  maxConsecutiveErrors: number;
}

export type SupervisorEvent =
  | { kind: 'start' }
  /** A frame of the current session was decoded. */
  | { kind: 'frame' }
  /** Opening or following a session failed. */
  | { kind: 'fault'; fault: FaultClass; retryAfterMs?: number }
  /** The playlist's end was reached and all its frames were decoded. */
  | { kind: 'end' }
  | { kind: 'stop' };

export type SupervisorAction =
  | { kind: 'none' }
  /** Open a session after `afterMs` (0: now). */
  | { kind: 'connect'; afterMs: number }
  /** End the source with the last error; `exhausted` if it was one too many in a row. */
  | { kind: 'give-up'; exhausted: boolean };

export interface SupervisorStep {
  state: SupervisorState;
  action: SupervisorAction;
}

export const initialState: SupervisorState = {
  phase: 'stopped',
  hadFrame: false,
  consecutiveErrors: 0,
  attempts: 0,
  refusals: 0,
};

/**
 * A silent camera is looked for this often, spread over 80–120 %. Less than a live list of ten one-second fragments holds
 * (AWS recommends 3–10 entries), so that what a camera sends first when it wakes up is still listed.
 */
export const OFFLINE_POLL_MS = 6_000;
/** A server's `Retry-After` is obeyed up to this: an hour without a look would hide that all is well again. */
export const MAX_RETRY_AFTER_MS = 3_600_000;
/** Who was throttled waits so many times longer than who lost a connection, and a second at least (kvs-hls §2.4). */
const THROTTLED_FACTOR = 2;
const MIN_THROTTLED_MS = 1_000;

const NONE: SupervisorAction = { kind: 'none' };

/** The number that stands for a state in metrics and events. */
export function connectionOf({ phase, hadFrame }: SupervisorState): ConnectionState {
  switch (phase) {
    case 'stopped':
      return ConnectionState.DISCONNECTED;
    case 'connecting':
      return ConnectionState.CONNECTING;
    case 'connected':
      return ConnectionState.CONNECTED;
    case 'reconnecting':
      return ConnectionState.RECONNECTING;
    case 'offline':
      return hadFrame ? ConnectionState.RECONNECTING : ConnectionState.CONNECTING;
    case 'failed':
      return ConnectionState.ERROR;
  }
}

/** The state machine: a pure function of state and event. `random` answers [0, 1). */
export function advance(
  state: SupervisorState,
  event: SupervisorEvent,
  policy: SupervisorPolicy,
  random: () => number,
): SupervisorStep {
  switch (event.kind) {
    case 'start':
      return { state: { ...initialState, phase: 'connecting' }, action: { kind: 'connect', afterMs: 0 } };
    case 'frame':
      return { state: { ...initialState, phase: 'connected', hadFrame: true }, action: NONE };
    case 'end':
    case 'stop':
      return { state: initialState, action: NONE };
    case 'fault':
      return afterFault(
        state,
        event.fault,
        Math.min(event.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS),
        policy,
        random,
      );
  }
}

const CALM = { consecutiveErrors: 0, attempts: 0, refusals: 0 };

function afterFault(
  state: SupervisorState,
  fault: FaultClass,
  retryAfterMs: number,
  policy: SupervisorPolicy,
  random: () => number,
): SupervisorStep {
  // A source that never had a frame is still connecting, however often it has tried.
  const trying: SourcePhase = state.hadFrame ? 'reconnecting' : 'connecting';
  switch (fault) {
    case 'denied':
    case 'misconfigured':
    case 'defect':
      return giveUp(state, false);
    case 'offline': {
      // A session that stands still may be at fault itself; after that, another one tells nothing new soon.
      const isFirst = state.phase === 'connected';
      const afterMs = isFirst ? 0 : jittered(OFFLINE_POLL_MS, random);
      // Whoever says that the camera is silent proves that all else works.
      return {
        state: { ...state, ...CALM, phase: 'offline' },
        action: { kind: 'connect', afterMs: Math.max(afterMs, retryAfterMs) },
      };
    }
    case 'expired': {
      const refusals = state.refusals + 1;
      const attempts = state.attempts + (refusals > 1 ? 1 : 0);
      const afterMs = refusals === 1 ? 0 : backoffMs(policy, attempts, random);
      // That a session ends while the camera sleeps tells nothing of the camera.
      const phase = state.phase === 'offline' ? 'offline' : trying;
      return { state: { ...state, phase, refusals, attempts }, action: { kind: 'connect', afterMs } };
    }
    case 'credentials':
      if (!state.hadFrame) return giveUp(state, false);
      return backOff(state, trying, policy, retryAfterMs, random);
    case 'throttled': {
      const delayMs = Math.max(MIN_THROTTLED_MS, policy.delayMs * THROTTLED_FACTOR);
      const maxDelayMs = Math.max(MIN_THROTTLED_MS, policy.maxDelayMs);
      return backOff(state, trying, { ...policy, delayMs, maxDelayMs }, retryAfterMs, random);
    }
    case 'network':
    case 'media':
      return backOff(state, trying, policy, retryAfterMs, random);
  }
}

function giveUp(state: SupervisorState, exhausted: boolean): SupervisorStep {
  const consecutiveErrors = state.consecutiveErrors + 1;
  return { state: { ...state, consecutiveErrors, phase: 'failed' }, action: { kind: 'give-up', exhausted } };
}

function backOff(
  state: SupervisorState,
  phase: SourcePhase,
  policy: SupervisorPolicy,
  retryAfterMs: number,
  random: () => number,
): SupervisorStep {
  if (state.consecutiveErrors + 1 >= policy.maxConsecutiveErrors) return giveUp(state, true);
  const attempts = state.attempts + 1;
  return {
    state: { ...state, phase, attempts, consecutiveErrors: state.consecutiveErrors + 1 },
    action: { kind: 'connect', afterMs: Math.max(backoffMs(policy, attempts, random), retryAfterMs) },
  };
}
