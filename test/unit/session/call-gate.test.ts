import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { KvsConnectionError } from '../../../lib/errors.js';
import { silentLogger, type Logger } from '../../../lib/logger.js';
import { callGates, CallGates, closedMs, longestClosedMs } from '../../../lib/session/call-gate.js';
import { FakeClock, settled } from '../../support/fake-clock.js';

const KEY = '["111122223333","eu-west-1"]';
const half = (): number => 0.5;
const throttled = (retryAfterMs?: number): KvsConnectionError =>
  new KvsConnectionError('KVS_THROTTLED', 'slow down', {
    status: 400,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });

let clock: FakeClock;
let gates: CallGates;
let lines: string[];
let logger: Logger;

beforeEach(() => {
  clock = new FakeClock();
  gates = new CallGates(clock);
  lines = [];
  logger = {
    ...silentLogger,
    warn: (text) => lines.push(`warn ${text}`),
    debug: (text) => lines.push(`debug ${text}`),
  };
});

/** Makes a call that ends as told; answers when it was made, in ms from now, and how it ended. */
async function call(
  outcome: 'ok' | Error = 'ok',
  { random = half, key = KEY, signal = new AbortController().signal } = {},
): Promise<number> {
  const startMs = clock.monotonic();
  let madeMs = NaN;
  const run = gates.run(key, 'eu-west-1', { signal, random, logger }, () => {
    madeMs = clock.monotonic() - startMs;
    return outcome === 'ok' ? Promise.resolve() : Promise.reject(outcome);
  });
  await run.catch((error: unknown) => {
    if (error !== outcome) throw error;
  });
  return madeMs;
}

/** Lets the clock run until the promise is settled, at most an hour. */
async function eventually<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const done = (): void => void (isSettled = true);
  promise.then(done, done);
  for (let seconds = 0; seconds < 3600 && !isSettled; seconds += 0.5) await clock.advance(500);
  return promise;
}

describe('how long a gate stays closed', () => {
  test('doubles from 2 s to a minute, of which the upper half is left to chance', () => {
    expect([1, 2, 3, 5, 6, 7, 1000].map(longestClosedMs)).toEqual([
      2000, 4000, 8000, 32_000, 60_000, 60_000, 60_000,
    ]);
    expect(closedMs(1, () => 0)).toBe(1000);
    expect(closedMs(1, () => 1)).toBe(2000);
    expect(closedMs(6, () => 0)).toBe(30_000);
  });

  test('is at least as long as the server asks for, within an hour', () => {
    expect(closedMs(1, half, 45_000)).toBe(45_000);
    expect(closedMs(6, half, 1000)).toBe(45_000);
    expect(closedMs(1, half, 1e15)).toBe(3_600_000);
  });
});

describe('a gate', () => {
  test('holds up nobody before anything was throttled, and is not remembered', async () => {
    expect(await call()).toBe(0);
    expect(gates.size).toBe(0);
  });

  test('closes for all calls of its account and region, and for no others', async () => {
    await call(throttled());
    expect(await call('ok', { key: '["444455556666","eu-west-1"]' })).toBe(0);
    expect(await eventually(call())).toBe(1500 + 1000);
  });

  test('says once that it closes, and for how long, and once that it is open again', async () => {
    await Promise.all([call(throttled()), call(throttled()), call(throttled())]);
    expect(lines).toEqual(['warn KVS throttles eu-west-1: no control call for 1500 ms']);
    await eventually(Promise.all([call(), call()]));
    expect(lines.slice(1)).toEqual([
      'debug KVS throttles eu-west-1: a control call waits 2500 ms',
      'debug KVS throttles eu-west-1: a control call waits 2500 ms',
      'debug KVS throttles eu-west-1 no more',
    ]);
  });

  test('lets those who waited come back one by one, not all in one moment', async () => {
    await call(throttled());
    const waiting = [0, 0.25, 0.5, 0.75].map((chance) => call('ok', { random: () => chance }));
    expect(await eventually(Promise.all(waiting))).toEqual([1500, 2000, 2500, 3000]);
  });

  test('stays closed longer each time it is closed again, and less long after each call that was let through', async () => {
    await call(throttled());
    await eventually(call(throttled()));
    await eventually(call(throttled()));
    const closings = lines.filter((line) => line.startsWith('warn'));
    expect(closings.map((line) => /\d+ ms/.exec(line)?.[0])).toEqual(['1500 ms', '3000 ms', '6000 ms']);
    await eventually(call());
    await call(throttled());
    expect(lines.at(-1)).toContain('6000 ms');
    await eventually(call());
    await call();
    await call();
    expect(gates.size).toBe(0);
    await call(throttled());
    expect(lines.at(-1)).toContain('1500 ms');
  });

  test('takes calls that were throttled together for one reason, but obeys the longest Retry-After of them', async () => {
    await Promise.all([call(throttled()), call(throttled(20_000)), call(throttled())]);
    expect(await eventually(call())).toBe(20_000 + 1000);
    await call(throttled());
    expect(lines.at(-1)).toContain('1500 ms');
  });

  test('is not opened by the answer to a call that was under way when it closed', async () => {
    const before: { answer?: () => void } = {};
    const slow = gates.run(
      KEY,
      'eu-west-1',
      { signal: new AbortController().signal, random: half, logger },
      () => new Promise<void>((resolve) => (before.answer = resolve)),
    );
    await settled();
    await call(throttled());
    before.answer?.();
    await slow;
    expect(await eventually(call())).toBe(2500);
  });

  test('counts a refusal as an answer, and trouble of the network or the service as none', async () => {
    await call(throttled());
    await eventually(call(new KvsConnectionError('KVS_CALL_FAILED', 'oops', { status: 500 })));
    await call(new KvsConnectionError('KVS_CALL_FAILED', 'no connection'));
    expect(gates.size).toBe(1);
    await call(new KvsConnectionError('KVS_NO_FRAGMENTS', 'silent', { status: 404 }));
    expect(gates.size).toBe(0);
  });

  test('is waited for no longer than the caller is willing to', async () => {
    await call(throttled());
    const caller = new AbortController();
    const waiting = call('ok', { signal: caller.signal });
    await clock.advance(500);
    caller.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    expect(clock.pending).toBe(0);
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
    // The others wait as long as before, and the gate is forgotten with the last of them.
    expect(await eventually(call())).toBe(1000 + 1000);
    expect(gates.size).toBe(0);
  });

  test('that is closed again meanwhile holds up those who still wait', async () => {
    await call(throttled());
    const patient = call('ok', { random: () => 0.9 });
    await clock.advance(1600);
    await call(throttled());
    expect(await eventually(patient)).toBe(1600 + 3000 + 3600);
  });

  test('is forgotten when nobody has been throttled for long, so that keys which change do not add up', async () => {
    for (let i = 0; i < 10; i++) {
      await call(throttled(), { key: `key ${i}` });
      await clock.advance(400_000);
    }
    expect(gates.size).toBe(1);
    await call(throttled(), { key: 'key 9' });
    expect(lines.at(-1)).toContain('1500 ms');
  });
});

test('all who go by one clock share their gates', () => {
  expect(callGates(clock)).toBe(callGates(clock));
  expect(callGates(clock)).not.toBe(callGates(new FakeClock()));
});
