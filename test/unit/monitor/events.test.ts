import { connect, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../../lib/errors';
import type { FrameSource } from '../../../lib/frame-source';
import { silentLogger } from '../../../lib/logger';
import type { FaultControl } from '../../../lib/monitor/fault-control';
import { EventReader, FakeClock, FakeSource, serve, settled } from './watched';

const asSources = (sources: FakeSource[]): FrameSource[] => sources.map(({ asSource }) => asSource);

describe('the events of the live page', () => {
  it('begin with all there is', async () => {
    const clock = new FakeClock();
    const sources = ['front-door', 'yard'].map((id) => new FakeSource(id, clock));
    const { url } = await serve({ sources: () => asSources(sources), clock });
    const reader = await EventReader.open(url);
    expect(reader.response.headers.get('content-type')).toBe('text/event-stream');
    expect(reader.response.headers.get('cache-control')).toContain('no-store');
    const snapshot = await reader.snapshot();
    expect(snapshot).toMatchObject({ nowMs: clock.now(), actions: [] });
    expect(snapshot.cameras.map(({ id }) => id)).toEqual(['front-door', 'yard']);
  });

  it('tell each second what has changed, and no more', async () => {
    const clock = new FakeClock();
    const sources = ['front-door', 'yard'].map((id) => new FakeSource(id, clock));
    for (const { health_, metrics } of sources) {
      health_.sinceMs = clock.now();
      metrics.session = null;
    }
    const { url } = await serve({ sources: () => asSources(sources), clock });
    const reader = await EventReader.open(url);
    await reader.snapshot();
    clock.step(1000);
    // Rates are known from now on.
    await reader.tick();
    sources[1]!.health_.lastFrameAgeMs = 1234;
    clock.step(1000);
    const tick = await reader.tick();
    expect(tick).toEqual({
      nowMs: clock.now(),
      isSample: true,
      cameras: [{ id: 'yard', facts: { ageMs: 1230 } }],
      added: [],
      gone: [],
    });
    // With nothing to tell a tick still shows that the connection lives.
    clock.step(1000);
    expect(await reader.tick()).toMatchObject({ isSample: true, cameras: [] });
  });

  it('tell a change of state before the second is over', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const { url } = await serve({ sources: () => [source.asSource], clock });
    const reader = await EventReader.open(url);
    await reader.snapshot();
    clock.step(300);
    source.become('reconnecting', 'reconnecting after HTTP 503');
    clock.step(50);
    const tick = await reader.tick();
    expect(tick.isSample).toBe(false);
    expect(tick.cameras).toMatchObject([
      { id: 'front-door', facts: { status: 'reconnecting', reason: 'reconnecting after HTTP 503' } },
    ]);
    clock.step(650);
    expect((await reader.tick()).isSample).toBe(true);
  });

  it('tell of the others where one can not be looked at, and of that one when it can', async () => {
    const clock = new FakeClock();
    const [broken, yard] = ['front-door', 'yard'].map((id) => new FakeSource(id, clock)) as [
      FakeSource,
      FakeSource,
    ];
    const said: string[] = [];
    const logger = { ...silentLogger, error: (text: string) => void said.push(text) };
    let isBroken = true;
    const health = broken.health.bind(broken);
    broken.health = () => {
      if (isBroken) throw new Error('no health');
      return health();
    };
    const { url } = await serve({ sources: () => asSources([broken, yard]), clock, logger });
    const reader = await EventReader.open(url);
    expect((await reader.snapshot()).cameras.map(({ id }) => id)).toEqual(['yard']);
    yard.become('stalled');
    clock.step(1000);
    expect((await reader.tick()).cameras).toMatchObject([{ id: 'yard', facts: { status: 'stalled' } }]);
    expect(said[0]).toBe('front-door: the monitor could not look at it: Error: no health');
    isBroken = false;
    clock.step(1000);
    // The news came before its second was over.
    expect((await reader.tick()).added).toEqual([]);
    expect((await reader.tick()).added.map(({ id }) => id)).toEqual(['front-door']);
    isBroken = true;
    yard.become('flowing');
    clock.step(1000);
    const tick = await reader.tick();
    expect(tick.gone).toEqual([]);
    expect(tick.cameras).toMatchObject([{ id: 'yard', facts: { status: 'flowing' } }]);
    expect((await EventReader.open(url).then((late) => late.snapshot())).cameras).toHaveLength(2);
  });

  it('bring new gaps and reconnections once', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const { url } = await serve({ sources: () => [source.asSource], clock });
    const gap = { cause: 'media', fromMs: null, toMs: null, fragments: 1, recovered: false } as const;
    source.emit('gap', { ...gap, ms: 1 });
    // Who comes before the next look is told by it, not twice.
    const reader = await EventReader.open(url);
    expect((await reader.snapshot()).cameras[0]?.gaps).toEqual([]);
    source.emit('gap', { ...gap, ms: 2 });
    clock.step(1000);
    expect((await reader.tick()).cameras[0]?.gaps?.map(({ ms }) => ms)).toEqual([1, 2]);
    clock.step(1000);
    expect((await reader.tick()).cameras[0]?.gaps).toBeUndefined();
  });

  it('tell of cameras that come and go, and let go of their sources', async () => {
    const clock = new FakeClock();
    const sources = [new FakeSource('front-door', clock)];
    const { url, monitor } = await serve({ sources: () => asSources(sources), clock });
    const reader = await EventReader.open(url);
    await reader.snapshot();
    const gone = sources[0]!;
    const come = new FakeSource('yard', clock);
    sources.splice(0, 1, come);
    clock.step(1000);
    const tick = await reader.tick();
    expect(tick.gone).toEqual(['front-door']);
    expect(tick.added.map(({ id }) => id)).toEqual(['yard']);
    expect(tick.cameras).toEqual([]);
    expect(gone.eventNames()).toEqual([]);
    expect(come.eventNames().length).toBeGreaterThan(0);
    await monitor.close();
    expect(come.eventNames()).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('tell two sources of one camera apart', async () => {
    const clock = new FakeClock();
    const sources = [1, 2].map(() => new FakeSource('front-door', clock));
    const { url } = await serve({ sources: () => asSources(sources), clock });
    const { cameras } = await (await EventReader.open(url)).snapshot();
    expect(cameras.map(({ id }) => id)).toEqual(['front-door', 'front-door (2)']);
  });

  it('go on when the program can not say what its cameras are', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const errors: unknown[] = [];
    const logger = { ...silentLogger, error: (...words: unknown[]) => errors.push(words) };
    let isBroken = false;
    const sources = (): FrameSource[] => {
      if (isBroken) throw new Error('broken');
      return [source.asSource];
    };
    const { url } = await serve({ sources, clock, ...{ logger } });
    const reader = await EventReader.open(url);
    await reader.snapshot();
    isBroken = true;
    clock.step(1000);
    expect(errors).toHaveLength(1);
    isBroken = false;
    source.become('idle');
    clock.step(1000);
    expect((await reader.tick()).cameras).toMatchObject([{ facts: { status: 'idle' } }]);
  });

  it('end when the server closes, and when the monitor does', async () => {
    const clock = new FakeClock();
    const { url, server } = await serve({ sources: () => [], clock });
    const reader = await EventReader.open(url);
    await reader.snapshot();
    await server.close();
    expect(await reader.block()).toBeNull();

    const other = await serve({ sources: () => [], clock });
    const second = await EventReader.open(other.url);
    await second.snapshot();
    await other.monitor.close();
    expect(await second.block()).toBeNull();
    expect((await fetch(`${other.url}/events`)).status).toBe(503);
  });

  it('are for so many readers at a time, and have room again when one leaves', async () => {
    const clock = new FakeClock();
    const { url } = await serve({ sources: () => [], clock });
    const readers: EventReader[] = [];
    for (let count = 0; count < 32; count++) readers.push(await EventReader.open(url));
    expect((await fetch(`${url}/events`)).status).toBe(503);
    await readers[0]!.close();
    let status = 503;
    while (status === 503) {
      await settled();
      const response = await fetch(`${url}/events`);
      status = response.status;
      await response.body?.cancel();
    }
    expect(status).toBe(200);
  });

  it('are cut off for who does not read them', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const { url } = await serve({ sources: () => [source.asSource], clock });
    const reader = await EventReader.open(url);
    await reader.snapshot();
    const { hostname, port } = new URL(url);
    const slow = await new Promise<Socket>((resolve) => {
      const socket = connect(Number(port), hostname, () => resolve(socket));
    });
    const closed = new Promise((resolve) => slow.once('close', resolve));
    slow.on('error', () => {});
    slow.write(`GET /events HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
    await new Promise((resolve) => slow.once('readable', resolve));
    // Nothing of it is read until the server has given up.
    const words = 'x'.repeat(256 << 10);
    let ticks = 0;
    let isCut = false;
    void closed.then(() => (isCut = true));
    while (!isCut && ticks < 200) {
      source.health_.reason = `${words}${ticks++}`;
      clock.step(1000);
      await reader.tick();
      if (ticks > 60) slow.resume();
      await settled();
    }
    expect(isCut).toBe(true);
    expect(slow.bytesRead).toBeLessThan(60 * words.length);
  });

  it('answer HEAD with headers alone', async () => {
    const { url } = await serve({ sources: () => [], clock: new FakeClock() });
    const response = await fetch(`${url}/events`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });
});

describe('the buttons of the live page', () => {
  const press = (url: string, body: unknown): Promise<Response> =>
    fetch(`${url}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify(body),
    });

  function control(): FaultControl & { applied: string[] } {
    const active = new Map<string, string>();
    const applied: string[] = [];
    return {
      applied,
      actions: [{ id: 'sleep', label: 'Put to sleep', help: 'The camera sends nothing.' }],
      active: (cameraId) => active.get(cameraId) ?? null,
      apply: (cameraId, action) => {
        if (action !== 'sleep') return Promise.reject(new ConfigError(`There is no action ${action}`));
        active.set(cameraId, action);
        applied.push(cameraId);
        return Promise.resolve();
      },
    };
  }

  it('are listed, do what they say, and show that they are at work', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const faults = control();
    const { url } = await serve({ sources: () => [source.asSource], clock, faults });
    const reader = await EventReader.open(url);
    const { actions, cameras } = await reader.snapshot();
    expect(actions).toEqual(faults.actions);
    expect(cameras[0]?.facts.fault).toBeNull();
    expect((await press(url, { cameraId: 'front-door', action: 'sleep' })).status).toBe(204);
    expect(faults.applied).toEqual(['front-door']);
    clock.step(50);
    expect((await reader.tick()).cameras[0]?.facts.fault).toBe('sleep');
  });

  it.each([
    [{ cameraId: 'front-door', action: 'explode' }, /no action explode/],
    [{ cameraId: 'elsewhere', action: 'sleep' }, /no camera "elsewhere"/],
    [{ cameraId: 7, action: 'sleep' }, /Expected JSON such as/],
    [null, /Expected JSON such as/],
  ])('refuse %j', async (body, words) => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const faults = control();
    const { url } = await serve({ sources: () => [source.asSource], clock, faults });
    const response = await press(url, body);
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(words);
    expect(faults.applied).toEqual([]);
  });

  it('are not there where nothing can be broken', async () => {
    const { url } = await serve({ sources: () => [], clock: new FakeClock() });
    expect((await press(url, { cameraId: 'front-door', action: 'sleep' })).status).toBe(404);
  });
});
