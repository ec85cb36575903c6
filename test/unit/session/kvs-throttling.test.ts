import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../../lib/logger.js';
import type { KvsSessionOptions } from '../../../lib/session/kvs-options.js';
import type { KvsSessionProvider } from '../../../lib/session/kvs.js';
import { FakeClock } from '../../support/fake-clock.js';
import { ControlPlane, json, request, SECRETS } from './control-plane.js';

const ARN = (account: string, name: string): string =>
  `arn:aws:kinesisvideo:eu-west-1:${account}:stream/${name}/1705489836421`;

/** Deadlines of calls are this long; any other wait is a gate's. */
const CALL_TIMEOUT_MS = 30_000;

/** Tells of the waits that are no deadlines of calls. */
class GateClock extends FakeClock {
  onWait: (ms: number) => void = () => {};

  override after(ms: number, callback: () => void): () => void {
    if (ms !== CALL_TIMEOUT_MS) this.onWait(ms);
    return super.after(ms, callback);
  }
}

let plane: ControlPlane;
let clock: GateClock;

beforeEach(async () => {
  plane = new ControlPlane();
  clock = new GateClock();
  await plane.start();
});

afterEach(() => plane.stop());

const open = (options: Partial<KvsSessionOptions> = {}): KvsSessionProvider =>
  plane.open({ clock, ...options });

const byArn = (account: string, name: string): Partial<KvsSessionOptions> => ({
  streamName: undefined,
  streamArn: ARN(account, name),
});

const asAccount = (accountId: string, accessKeyId: string): Partial<KvsSessionOptions> => ({
  credentials: { ...SECRETS, accessKeyId, accountId },
});

const withKey = (options: Partial<KvsSessionOptions>, accessKeyId: string): Partial<KvsSessionOptions> => ({
  ...options,
  credentials: { ...SECRETS, accessKeyId },
});

/** The next session call is throttled. */
function throttleOnce(retryAfter?: string): void {
  const good = plane.sessionAnswer;
  plane.sessionAnswer = (call, response) => {
    plane.sessionAnswer = good;
    json({ Message: 'slow down' }, 400, {
      'x-amzn-ErrorType': 'ClientLimitExceededException:http://internal',
      ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    })(call, response);
  };
}

async function throttle(kvs: KvsSessionProvider, retryAfter?: string): Promise<void> {
  throttleOnce(retryAfter);
  await expect(kvs.acquire(request())).rejects.toMatchObject({ code: 'KVS_THROTTLED' });
}

/** For how long an acquisition is held up by a gate, ms; 0 if it goes through. It is given up then. */
async function heldMs(kvs: KvsSessionProvider): Promise<number> {
  const stopping = new AbortController();
  const held = new Promise<number>((resolve) => (clock.onWait = resolve));
  const acquiring = kvs.acquire({ signal: stopping.signal }).then(() => 0);
  acquiring.catch(() => {});
  const ms = await Promise.race([acquiring, held]);
  stopping.abort(new Error('seen'));
  return ms;
}

describe('a throttled call', () => {
  test.each([
    ['the same ARN account', byArn('111122223333', 'a'), byArn('111122223333', 'b')],
    ["the identity's account", asAccount('444455556666', 'KEY1'), asAccount('444455556666', 'KEY2')],
    ['an ARN and an identity of it', byArn('111122223333', 'a'), asAccount('111122223333', 'KEY2')],
    ['the same key', {}, { streamName: 'back-door' }],
    ['a name and the key of an ARN', withKey(byArn('111122223333', 'a'), 'KEY4'), withKey({}, 'KEY4')],
    ['a name and the key of an identity', asAccount('111122223333', 'KEY5'), withKey({}, 'KEY5')],
  ])('holds up other providers with %s', async (_name, one, other) => {
    await throttle(open(one));
    expect(await heldMs(open(other))).toBe(1500 + 1000);
  });

  test.each([
    ['another ARN account', byArn('111122223333', 'a'), byArn('444455556666', 'a')],
    ['another account', asAccount('111122223333', 'KEY1'), asAccount('444455556666', 'KEY2')],
    ['another key', {}, withKey({}, 'KEY3')],
    ['another region', {}, { region: 'us-east-1' }],
  ])('does not hold up providers with %s', async (_name, one, other) => {
    await throttle(open(one));
    expect(await heldMs(open(other))).toBe(0);
  });

  test('is made again by whoever waited, once the time that the service named has passed', async () => {
    const kvs = open();
    await throttle(kvs, '20');
    const held = new Promise<number>((resolve) => (clock.onWait = resolve));
    const acquiring = kvs.acquire(request());
    expect(await held).toBe(20_000 + 1000);
    expect(plane.paths()).toHaveLength(2);
    clock.step(21_000);
    expect((await acquiring).id).toBe(1);
    expect(await heldMs(kvs)).toBe(0);
  });

  test('is logged once, without the key that signed it', async () => {
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => lines.push(text) };
    await throttle(open({ logger }));
    expect(lines).toEqual(['KVS throttles eu-west-1: no control call for 1500 ms']);
  });
});

describe('the data endpoint', () => {
  const TWO_HOURS_MS = 7_200_000;
  const THROTTLED = json({ Message: 'slow down' }, 400, {
    'x-amzn-ErrorType': 'ClientLimitExceededException',
  });

  test('that is throttled when it is asked for first closes the gate, and waits at it', async () => {
    const good = plane.endpointAnswer;
    plane.endpointAnswer = THROTTLED;
    const kvs = open();
    await expect(kvs.acquire(request())).rejects.toMatchObject({ code: 'KVS_THROTTLED' });
    plane.endpointAnswer = good;
    expect(await heldMs(kvs)).toBe(1500 + 1000);
    expect(plane.paths()).toEqual(['/getDataEndpoint']);
  });

  test('that is throttled when it is refreshed is kept, and holds up nobody', async () => {
    const kvs = open();
    await kvs.acquire(request());
    clock.step(TWO_HOURS_MS);
    const good = plane.endpointAnswer;
    plane.endpointAnswer = THROTTLED;
    expect(await heldMs(kvs)).toBe(0);
    plane.endpointAnswer = good;
    expect(await heldMs(open({ streamName: 'back-door' }))).toBe(0);
    expect(plane.outcomes).toContain('GetDataEndpoint KVS_THROTTLED');
  });

  test('is refreshed while the gate is closed; the session call behind it waits', async () => {
    const kvs = open();
    await kvs.acquire(request());
    clock.step(TWO_HOURS_MS);
    await throttle(open({ streamName: 'back-door' }));
    const before = plane.calls.length;
    expect(await heldMs(kvs)).toBe(1500 + 1000);
    expect(plane.paths().slice(before)).toEqual(['/getDataEndpoint']);
  });
});

test('a provider that is closed while it is held up ends at once, leaving no timer', async () => {
  const kvs = open();
  await throttle(kvs);
  const held = new Promise<number>((resolve) => (clock.onWait = resolve));
  const acquiring = kvs.acquire(request());
  await held;
  kvs.close();
  await expect(acquiring).rejects.toMatchObject({ code: 'SOURCE_STOPPED' });
  expect(clock.pending).toBe(0);
});
