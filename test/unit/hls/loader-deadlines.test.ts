import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../../../lib/clock.js';
import { Loader, type LoadEvent, type LoadPolicy, type LoadRequest } from '../../../lib/hls/loader.js';
import { FakeClock } from '../../support/fake-clock.js';
import { ScriptedServer } from './server.js';

const LIMITS = { firstByteTimeoutMs: 100, totalTimeoutMs: 200 };

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let server: ScriptedServer;
/** Stands still while the host is busy. */
let clock: FakeClock;
let loader: Loader | undefined;
let events: LoadEvent[];

beforeEach(async () => {
  server = await new ScriptedServer().start();
  clock = new FakeClock();
  events = [];
});

afterEach(async () => {
  loader?.close();
  await server.stop();
});

function load(path: string, by: Clock, limits: Partial<LoadPolicy>, more: Partial<LoadRequest> = {}) {
  loader?.close();
  loader = new Loader({ clock: by, policies: { fragment: limits }, onLoad: (event) => events.push(event) });
  const { origin } = server;
  const { signal } = new AbortController();
  return loader.load({ url: origin + path, kind: 'fragment', origin, signal, ...more });
}

async function whileCollecting<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(collect, 5);
  return work.finally(() => clearInterval(timer));
}

/** Acts once so many bytes were received, and their deadlines set, however long that takes the host. */
function upon(isMeant: (received: number) => boolean, act: () => void): Partial<LoadRequest> {
  return { onBytes: (received) => void (isMeant(received) && setImmediate(act)) };
}

test('ends a wait for headers, also while garbage is collected', async () => {
  server.set('/f', () => {});
  await expect(whileCollecting(load('/f', systemClock, LIMITS))).rejects.toMatchObject({
    code: 'HLS_TIMEOUT',
    resource: 'fragment',
    message: expect.stringContaining('no answer after 100 ms'),
  });
});

test('ends a body that takes too long, also while garbage is collected', async () => {
  server.set('/f', (_request, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('abc');
  });
  let eventsBefore: number | undefined;
  const wait = (): void => {
    collect();
    clock.step(199);
    setImmediate(() => {
      eventsBefore = events.length;
      clock.step(1);
    });
  };
  const tooLong = upon((received) => received === 3, wait);
  await expect(load('/f', clock, LIMITS, tooLong)).rejects.toMatchObject({
    code: 'HLS_TIMEOUT',
    message: expect.stringContaining('not ended after 200 ms'),
  });
  expect(eventsBefore).toBe(0);
});

test('ends a body that stands still, not one that trickles', async () => {
  const limits = { stallTimeoutMs: 100 };
  server.set('/still', (_request, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('abc');
  });
  const standStill = upon(
    (received) => received === 3,
    () => clock.step(100),
  );
  await expect(load('/still', clock, limits, standStill)).rejects.toThrow('stalled after 100 ms');

  let writeMore = (): void => {};
  server.set('/trickle', (_request, response) => {
    response.writeHead(200, { 'content-length': '6' }).flushHeaders();
    writeMore = () => response.write('a');
  });
  const trickle = upon(
    (received) => received < 6,
    () => {
      clock.step(99);
      writeMore();
    },
  );
  expect((await load('/trickle', clock, limits, trickle)).bytes).toHaveLength(6);
});

test('does not end a body that takes longer than its headers may', async () => {
  let end = (): void => {};
  server.set('/f', (_request, response) => {
    response.writeHead(200, { 'content-length': '6' });
    response.write('abc');
    end = () => response.end('def');
  });
  const goOn = upon(
    (received) => received === 3,
    () => {
      clock.step(150);
      end();
    },
  );
  expect((await load('/f', clock, LIMITS, goOn)).bytes).toHaveLength(6);
});

test("yields to the caller's own signal, with its reason", async () => {
  server.set('/f', (_request, response) => response.writeHead(200).write('abc'));
  const caller = new AbortController();
  setTimeout(() => caller.abort(new Error('stopped')), 50);
  const loading = load('/f', clock, LIMITS, { signal: caller.signal });
  await expect(whileCollecting(loading)).rejects.toThrow('stopped');
});
