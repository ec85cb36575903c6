import { describe, expect, it } from '@jest/globals';
import type { FaultClass } from '../../../lib/policy/fault';
import {
  advance,
  ConnectionState,
  initialState,
  type SupervisorEvent,
  type SupervisorState,
  type SupervisorStep,
} from '../../../lib/policy/supervisor';

const policy = { delayMs: 1000, maxDelayMs: 8000, multiplier: 2, maxConsecutiveErrors: 3 };
const step = (state: SupervisorState, event: SupervisorEvent): SupervisorStep =>
  advance(state, event, policy, () => 0.5);
const after = (...events: SupervisorEvent[]): SupervisorStep =>
  events.reduce<SupervisorStep>((last, event) => step(last.state, event), {
    state: initialState,
    action: { kind: 'none' },
  });
const fault = (name: FaultClass): SupervisorEvent => ({ kind: 'fault', fault: name });
const START: SupervisorEvent = { kind: 'start' };
const FRAME: SupervisorEvent = { kind: 'frame' };

describe('the supervisor', () => {
  it('connects at once when started', () => {
    const { state, action } = after(START);
    expect(state.connection).toBe(ConnectionState.CONNECTING);
    expect(action).toEqual({ kind: 'connect', afterMs: 0 });
  });

  it('is connected with the first good frame, not with the session', () => {
    expect(after(START, FRAME).state.connection).toBe(ConnectionState.CONNECTED);
  });

  it('backs off exponentially and gives up after maxConsecutiveErrors', () => {
    expect(after(START, FRAME, fault('network')).action).toEqual({ kind: 'connect', afterMs: 1000 });
    expect(after(START, FRAME, fault('network'), fault('media')).action).toEqual({
      kind: 'connect',
      afterMs: 2000,
    });
    const last = after(START, FRAME, fault('network'), fault('media'), fault('throttled'));
    expect(last.action).toEqual({ kind: 'give-up', exhausted: true });
    expect(last.state.connection).toBe(ConnectionState.ERROR);
  });

  it('starts afresh after a good frame', () => {
    const { state, action } = after(START, fault('network'), fault('network'), FRAME, fault('network'));
    expect(action).toEqual({ kind: 'connect', afterMs: 1000 });
    expect(state.consecutiveErrors).toBe(1);
  });

  it('stays connecting until the first frame, then it reconnects', () => {
    expect(after(START, fault('network')).state.connection).toBe(ConnectionState.CONNECTING);
    expect(after(START, FRAME, fault('network')).state.connection).toBe(ConnectionState.RECONNECTING);
  });

  it('opens a new session at once when one expired, and backs off from the second refusal in a row', () => {
    const first = after(START, FRAME, fault('expired'));
    expect(first.action).toEqual({ kind: 'connect', afterMs: 0 });
    expect(first.state.consecutiveErrors).toBe(0);
    expect(after(START, FRAME, fault('expired'), fault('expired')).action).toEqual({
      kind: 'connect',
      afterMs: 1000,
    });
  });

  it('waits for an offline camera for ever', () => {
    const silence = Array.from({ length: 50 }, () => fault('offline'));
    const { state, action } = after(START, ...silence);
    expect(state.consecutiveErrors).toBe(0);
    expect(action).toEqual({ kind: 'connect', afterMs: 8000 });
  });

  it('waits as long as the server asks', () => {
    const { action } = after(START, { kind: 'fault', fault: 'throttled', retryAfterMs: 9000 });
    expect(action).toEqual({ kind: 'connect', afterMs: 9000 });
  });

  it('gives up at once where trying again cannot help', () => {
    expect(after(START, fault('fatal')).action).toEqual({ kind: 'give-up', exhausted: false });
  });

  it('is disconnected after the end and after a stop', () => {
    expect(after(START, FRAME, { kind: 'end' }).state).toEqual(initialState);
    expect(after(START, fault('network'), { kind: 'stop' }).state).toEqual(initialState);
  });
});
