import { describe, expect, test } from '@jest/globals';

import { type ResponseEffect } from '../../lib/simulator/index.js';
import { get, mediaPlaylist, sessionUrl } from '../unit/simulator/kvs-client.js';
import type { FakeClock } from '../support/fake-clock.js';
import { live, onFragment, simulate, simulator } from '../support/simulated-stream.js';

describe('A delivery', () => {
  async function fragment(what: ResponseEffect): Promise<{ url: URL; right: Buffer }> {
    const { uris } = await mediaPlaylist(await sessionUrl(simulator, live));
    const right = (await get(uris[0]!)).bytes;
    simulator.setFaults(onFragment(what));
    return { url: uris[0]!, right };
  }
  const settle = (promise: Promise<unknown>): { done: boolean } => {
    const state = { done: false };
    const end = (): void => void (state.done = true);
    promise.then(end, end);
    return state;
  };

  test('can begin late', async () => {
    const clock = await simulate();
    const { url, right } = await fragment({ type: 'deliver', delivery: { waitMs: 3_000 } });
    const answer = get(url);
    const state = settle(answer);
    await untilPending(clock, 2);
    expect(state.done).toBe(false);
    clock.step(3_000);
    expect((await answer).bytes.equals(right)).toBe(true);
    expect(simulator.faultWindow!.endedAtMs - simulator.faultWindow!.beganAtMs).toBe(3_000);
  });

  test('can stop half-way for a while', async () => {
    const clock = await simulate();
    const { url, right } = await fragment({
      type: 'deliver',
      delivery: { stall: { afterShare: 0.5, ms: 2_000 } },
    });
    const response = await fetch(url);
    expect(response.status).toBe(200);
    const body = response.arrayBuffer();
    const state = settle(body);
    await untilPending(clock, 2);
    expect(state.done).toBe(false);
    clock.step(2_000);
    expect(Buffer.from(await body).equals(right)).toBe(true);
  });

  test('can stop half-way for good, which lasts until the reader goes', async () => {
    await simulate();
    const { url } = await fragment({ type: 'deliver', delivery: { stall: { afterShare: 0.5 } } });
    const leave = new AbortController();
    const response = await fetch(url, { signal: leave.signal });
    const reader = response.body!.getReader();
    let bytes = 0;
    const half = Math.floor(Number(response.headers.get('content-length')) / 2);
    while (bytes < half) bytes += (await reader.read()).value!.length;
    expect(bytes).toBe(half);
    leave.abort();
    await expect(reader.read()).rejects.toThrow();
  });

  test.each([
    ['Content-Length', { cut: { afterShare: 0.5 } }, true],
    ['chunked coding', { chunked: true, cut: { afterShare: 0.5 } }, false],
  ])('can be cut, with %s', async (_, delivery, hasLength) => {
    await simulate();
    const { url } = await fragment({ type: 'deliver', delivery });
    const response = await fetch(url);
    expect(response.headers.has('content-length')).toBe(hasLength);
    await expect(response.arrayBuffer()).rejects.toThrow('terminated');
  });

  test('can be cut before its first byte, or be a reset connection', async () => {
    await simulate();
    const { url } = await fragment({ type: 'deliver', delivery: { cut: { afterShare: 0 } } });
    await expect(get(url)).rejects.toThrow('terminated');
    simulator.setFaults(onFragment({ type: 'deliver', delivery: { reset: true } }));
    await expect(get(url)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect((await get(url)).status).toBe(200);
  });

  test('can come in pieces', async () => {
    const clock = await simulate();
    const { url, right } = await fragment({
      type: 'deliver',
      delivery: { pace: { pieces: 4, everyMs: 100 } },
    });
    const answer = get(url);
    for (let piece = 1; piece < 4; piece++) {
      await untilPending(clock, 2);
      clock.step(100);
    }
    expect((await answer).bytes.equals(right)).toBe(true);
  });

  /** Resolves once so many timers wait: the camera's is one. */
  async function untilPending(clock: FakeClock, timers: number): Promise<void> {
    while (clock.pending < timers) await new Promise((resolve) => setTimeout(resolve, 1));
  }
});
