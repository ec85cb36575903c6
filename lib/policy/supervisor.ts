import { backoffMs, type BackoffPolicy } from './backoff.js';
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

/** Everything the supervisor remembers: a value. */
export interface SupervisorState {
  connection: ConnectionState;
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
  connection: ConnectionState.DISCONNECTED,
  consecutiveErrors: 0,
  attempts: 0,
  refusals: 0,
};

/** A silent camera is looked for at least this often (kvs-hls §2.4: 2 s growing to 30 s). */
const MAX_OFFLINE_DELAY_MS = 30_000;

const NONE: SupervisorAction = { kind: 'none' };

/** The state machine: a pure function of state and event. `random` answers [0, 1). */
export function advance(
  state: SupervisorState,
  event: SupervisorEvent,
  policy: SupervisorPolicy,
  random: () => number,
): SupervisorStep {
  switch (event.kind) {
    case 'start':
      return {
        state: { ...initialState, connection: ConnectionState.CONNECTING },
        action: { kind: 'connect', afterMs: 0 },
      };
    case 'frame':
      return { state: { ...initialState, connection: ConnectionState.CONNECTED }, action: NONE };
    case 'end':
    case 'stop':
      return { state: { ...initialState, connection: ConnectionState.DISCONNECTED }, action: NONE };
    case 'fault':
      return afterFault(state, event.fault, event.retryAfterMs ?? 0, policy, random);
  }
}

function afterFault(
  state: SupervisorState,
  fault: FaultClass,
  retryAfterMs: number,
  policy: SupervisorPolicy,
  random: () => number,
): SupervisorStep {
  const isCounted = fault !== 'expired' && fault !== 'offline';
  const consecutiveErrors = state.consecutiveErrors + (isCounted ? 1 : 0);
  const exhausted = isCounted && consecutiveErrors >= policy.maxConsecutiveErrors;
  const isFirstTry = state.connection === ConnectionState.CONNECTING;
  if (fault === 'fatal' || (fault === 'credentials' && isFirstTry) || exhausted) {
    return {
      state: { ...state, consecutiveErrors, connection: ConnectionState.ERROR },
      action: { kind: 'give-up', exhausted },
    };
  }
  // A source that never had a frame is still connecting, however often it has tried.
  const connection =
    state.connection === ConnectionState.CONNECTING
      ? ConnectionState.CONNECTING
      : ConnectionState.RECONNECTING;
  if (fault === 'expired' && state.refusals === 0) {
    return {
      state: { ...state, connection, refusals: 1 },
      action: { kind: 'connect', afterMs: 0 },
    };
  }
  const attempts = state.attempts + 1;
  const refusals = state.refusals + (fault === 'expired' ? 1 : 0);
  const maxDelayMs =
    fault === 'offline' ? Math.min(policy.maxDelayMs, MAX_OFFLINE_DELAY_MS) : policy.maxDelayMs;
  const afterMs = Math.max(backoffMs({ ...policy, maxDelayMs }, attempts, random), retryAfterMs);
  return {
    state: { connection, consecutiveErrors, attempts, refusals },
    action: { kind: 'connect', afterMs },
  };
}
