import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { FaultClass } from '../../../lib/policy/fault';
import {
  advance,
  connectionOf,
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
const fault = (name: FaultClass, retryAfterMs = 0): SupervisorEvent => ({
  kind: 'fault',
  fault: name,
  retryAfterMs,
});
const START: SupervisorEvent = { kind: 'start' };
const FRAME: SupervisorEvent = { kind: 'frame' };

describe('the supervisor', () => {
  it('connects at once when started', () => {
    const { state, action } = after(START);
    expect(connectionOf(state)).toBe(ConnectionState.CONNECTING);
    expect(action).toEqual({ kind: 'connect', afterMs: 0 });
  });

  it('is connected with the first good frame, not with the session', () => {
    expect(connectionOf(after(START, FRAME).state)).toBe(ConnectionState.CONNECTED);
  });

  it('backs off exponentially and gives up after maxConsecutiveErrors', () => {
    expect(after(START, FRAME, fault('network')).action).toEqual({ kind: 'connect', afterMs: 1000 });
    expect(after(START, FRAME, fault('network'), fault('media')).action).toEqual({
      kind: 'connect',
      afterMs: 2000,
    });
    const last = after(START, FRAME, fault('network'), fault('media'), fault('throttled'));
    expect(last.action).toEqual({ kind: 'give-up', exhausted: true });
    expect(connectionOf(last.state)).toBe(ConnectionState.ERROR);
  });

  it('starts afresh after a good frame', () => {
    const { state, action } = after(START, fault('network'), fault('network'), FRAME, fault('network'));
    expect(action).toEqual({ kind: 'connect', afterMs: 1000 });
    expect(state.consecutiveErrors).toBe(1);
  });

  it('stays connecting until the first frame, then it reconnects', () => {
    expect(connectionOf(after(START, fault('network')).state)).toBe(ConnectionState.CONNECTING);
    expect(connectionOf(after(START, FRAME, fault('network')).state)).toBe(ConnectionState.RECONNECTING);
    expect(connectionOf(after(START, fault('offline')).state)).toBe(ConnectionState.CONNECTING);
    expect(connectionOf(after(START, FRAME, fault('offline')).state)).toBe(ConnectionState.RECONNECTING);
  });

  it('opens a new session at once when one expired, and backs off from the second refusal in a row', () => {
    const first = after(START, FRAME, fault('expired'));
    expect(first.action).toEqual({ kind: 'connect', afterMs: 0 });
    expect(after(START, FRAME, fault('expired'), fault('expired')).action).toEqual({
      kind: 'connect',
      afterMs: 1000,
    });
    const many = after(START, FRAME, ...Array.from({ length: 50 }, () => fault('expired')));
    expect(many.state).toMatchObject({ phase: 'reconnecting', consecutiveErrors: 0 });
    expect(many.action).toEqual({ kind: 'connect', afterMs: 8000 });
  });

  it('tries another session at once when one stands still, then looks for the camera steadily and for ever', () => {
    expect(after(START, FRAME, fault('offline')).action).toEqual({ kind: 'connect', afterMs: 0 });
    const silence = Array.from({ length: 50 }, () => fault('offline'));
    const { state, action } = after(START, FRAME, ...silence);
    expect(state).toMatchObject({ phase: 'offline', consecutiveErrors: 0, attempts: 0 });
    expect(action).toEqual({ kind: 'connect', afterMs: 6000 });
  });

  it('stays offline when a session expires meanwhile, and counts afresh what fails after a sign of silence', () => {
    expect(after(START, FRAME, fault('offline'), fault('expired')).state.phase).toBe('offline');
    const { state } = after(START, fault('network'), fault('network'), fault('offline'), fault('network'));
    expect(state).toMatchObject({ phase: 'connecting', consecutiveErrors: 1 });
  });

  it('waits as long as the server asks, an hour at most', () => {
    expect(after(START, fault('throttled', 9000)).action).toEqual({ kind: 'connect', afterMs: 9000 });
    expect(after(START, fault('network', 1e12)).action).toEqual({ kind: 'connect', afterMs: 3_600_000 });
  });

  it('waits longer when throttled than when a connection was lost', () => {
    expect(after(START, fault('throttled')).action).toEqual({ kind: 'connect', afterMs: 2000 });
  });

  it.each(['denied', 'misconfigured', 'defect'] as const)('gives up at once when %s', (name) => {
    expect(after(START, FRAME, fault(name)).action).toEqual({ kind: 'give-up', exhausted: false });
  });

  it('gives up without credentials at first, and waits for them once frames have flowed', () => {
    expect(after(START, fault('credentials')).action).toEqual({ kind: 'give-up', exhausted: false });
    expect(after(START, FRAME, fault('credentials')).action).toEqual({ kind: 'connect', afterMs: 1000 });
  });

  it('is disconnected after the end and after a stop', () => {
    expect(after(START, FRAME, { kind: 'end' }).state).toEqual(initialState);
    expect(after(START, fault('network'), { kind: 'stop' }).state).toEqual(initialState);
  });
});

describe('the table of transitions in docs/architecture.md', () => {
  const states: [string, SupervisorState][] = [
    ['stopped', initialState],
    ['connecting', after(START).state],
    ['connected', after(START, FRAME).state],
    ['reconnecting', after(START, FRAME, fault('network')).state],
    ['offline', after(START, FRAME, fault('offline')).state],
    ['failed', after(START, fault('defect')).state],
  ];
  const events: [string, SupervisorEvent][] = [
    ['start', START],
    ['frame', FRAME],
    ['end', { kind: 'end' }],
    ['stop', { kind: 'stop' }],
    ...(
      [
        'expired',
        'offline',
        'throttled',
        'network',
        'media',
        'credentials',
        'denied',
        'misconfigured',
        'defect',
      ] as const
    ).map((name): [string, SupervisorEvent] => [name, fault(name)]),
  ];
  /** Events that each state can meet: a stopped or failed source meets no fault. */
  const possible: Record<string, readonly string[]> = { stopped: ['start'], failed: ['stop'] };

  const wait = ({ action }: SupervisorStep, { consecutiveErrors }: SupervisorState): string => {
    if (action.kind === 'none') return '';
    if (action.kind === 'give-up') return ', give up';
    if (action.afterMs === 0) return ', connect now';
    const unit = 1000 * 2 ** consecutiveErrors;
    return action.afterMs === 6000 ? ', poll' : `, back-off${action.afterMs === 2 * unit ? ' ×2' : ''}`;
  };
  const rows = states.map(([name, state]) => {
    const cells = events.map(([event, value]) => {
      const met = possible[name];
      const isMet = met === undefined ? event !== 'start' : met.includes(event);
      if (!isMet) return '–';
      const next = step(state, value);
      return `${next.state.phase}${wait(next, state)}`;
    });
    return { name, cells };
  });
  /** One line per event, one column per state. */
  const lines = events.map(([event], i) => `${event} | ${rows.map(({ cells }) => cells[i]).join(' | ')}`);

  it('is what the state machine does', () => {
    const text = readFileSync(join(__dirname, '../../../docs/architecture.md'), 'utf8');
    const table = text
      .slice(text.indexOf('| Event'))
      .split('\n\n')[0]
      ?.split('\n')
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll('`', ''))
          .join(' | '),
      );
    expect(table?.[0]).toBe(`Event | ${states.map(([name]) => name).join(' | ')}`);
    expect(table?.slice(2)).toEqual(lines);
  });
});
