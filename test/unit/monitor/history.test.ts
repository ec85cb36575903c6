import { describe, expect, it } from '@jest/globals';
import { HlsStreamError } from '../../../lib/errors';
import { cameraOf, FakeClock, FakeSource, serve } from './watched';

describe('what the monitor keeps of a camera', () => {
  it('begins with the status the camera has, since when it has it', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    source.become('idle');
    const since = clock.now();
    clock.step(60_000);
    const served = await serve({ sources: () => [source.asSource], clock });
    const { strip, facts } = await cameraOf(served, 'front-door');
    expect(strip).toEqual([{ atMs: since, status: 'idle' }]);
    expect(facts).toMatchObject({ status: 'idle', healthy: true, reason: 'is idle', sinceMs: since });
  });

  it('notes each change of status, and forgets those that ended ten minutes ago', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const served = await serve({ sources: () => [source.asSource], clock });
    const startMs = clock.now();
    clock.step(60_000);
    source.become('reconnecting');
    clock.step(30_000);
    source.become('flowing');
    clock.step(1000);
    const { strip } = await cameraOf(served, 'front-door');
    expect(strip.map(({ status }) => status)).toEqual(['flowing', 'reconnecting', 'flowing']);
    expect(strip[0]?.atMs).toBe(startMs);
    expect(strip[1]?.atMs).toBeLessThanOrEqual(startMs + 60_100);
    clock.step(595_000);
    expect((await cameraOf(served, 'front-door')).strip.map(({ status }) => status)).toEqual([
      'reconnecting',
      'flowing',
    ]);
    clock.step(60_000);
    expect((await cameraOf(served, 'front-door')).strip).toHaveLength(1);
  });

  it('sees a status that no event tells of within a second', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const served = await serve({ sources: () => [source.asSource], clock });
    source.health_ = { status: 'stalled', healthy: false, reason: 'no frame for 24 s' };
    clock.step(1000);
    const { facts, strip } = await cameraOf(served, 'front-door');
    expect(facts).toMatchObject({ status: 'stalled', healthy: false, reason: 'no frame for 24 s' });
    expect(strip.at(-1)).toEqual({ atMs: clock.now(), status: 'stalled' });
  });

  it('samples age and bandwidth once a second, for three minutes', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const served = await serve({ sources: () => [source.asSource], clock });
    for (let second = 1; second <= 5; second++) source.second();
    const early = await cameraOf(served, 'front-door');
    expect(early.ages).toEqual([700, 700, 700, 700, 700, 700]);
    expect(early.rates).toEqual([null, null, 100_000, 100_000, 100_000, 100_000]);
    expect(early.facts).toMatchObject({ fps: 25, bytesPerSecond: 100_000, ageMs: 700, frames: 125 });
    for (let second = 0; second < 400; second++) source.second();
    const late = await cameraOf(served, 'front-door');
    expect([late.ages.length, late.rates.length]).toEqual([180, 180]);
  });

  it('looks at a camera once a second, and at once when its state changes, but not once for each change', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const served = await serve({ sources: () => [source.asSource], clock });
    clock.step(10_000);
    expect(source.looks).toBe(11);
    for (let change = 0; change < 50; change++) source.become(change % 2 === 0 ? 'reconnecting' : 'flowing');
    clock.step(100);
    expect(source.looks).toBe(12);
    expect((await cameraOf(served, 'front-door')).ages).toHaveLength(11);
    clock.step(900);
    expect(source.looks).toBe(13);
  });

  it('keeps the last eight gaps and reconnections', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const served = await serve({ sources: () => [source.asSource], clock });
    for (let number = 1; number <= 12; number++) {
      const error = new HlsStreamError('HLS_NETWORK', `failure ${number}`);
      source.emit('gap', {
        cause: 'outage',
        fromMs: 1000.4,
        toMs: null,
        ms: number * 100,
        fragments: 2,
        recovered: false,
      });
      source.emit('reconnect', { consecutiveErrors: 1, afterMs: number, error });
    }
    clock.step(1000);
    const { gaps, reconnects } = await cameraOf(served, 'front-door');
    expect(gaps.map(({ ms }) => ms)).toEqual([500, 600, 700, 800, 900, 1000, 1100, 1200]);
    expect(gaps[0]).toEqual({
      atMs: clock.now() - 1000,
      cause: 'outage',
      ms: 500,
      fragments: 2,
      recovered: false,
      fromMs: 1000,
    });
    expect(reconnects.map(({ reason }) => reason)).toEqual(
      [5, 6, 7, 8, 9, 10, 11, 12].map((n) => `failure ${n}`),
    );
    expect(reconnects[0]).toMatchObject({ code: 'HLS_NETWORK', afterMs: 5 });
  });

  it('stays within bounds where a camera flaps for hours', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const served = await serve({ sources: () => [source.asSource], clock });
    for (let change = 0; change < 20_000; change++) {
      source.become(change % 2 === 0 ? 'reconnecting' : 'connecting');
      clock.step(200);
    }
    const camera = await cameraOf(served, 'front-door');
    expect(camera.strip.length).toBeLessThanOrEqual(200);
    expect(JSON.stringify(camera).length).toBeLessThan(20_000);
  });

  it('tells the picture size that the source tells', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const served = await serve({ sources: () => [source.asSource], clock });
    expect((await cameraOf(served, 'front-door')).facts).toMatchObject({ width: null, height: null });
    source.metrics.picture = { width: 1920, height: 1080 };
    clock.step(1000);
    expect((await cameraOf(served, 'front-door')).facts).toMatchObject({ width: 1920, height: 1080 });
  });

  it('says when the session ends, or that it never does', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const served = await serve({ sources: () => [source.asSource], clock });
    source.metrics.session = { id: 4, expiresAtMs: Infinity };
    clock.step(1000);
    expect((await cameraOf(served, 'front-door')).facts).toMatchObject({ sessionId: 4, expiresAtMs: null });
    source.metrics.session = null;
    clock.step(1000);
    expect((await cameraOf(served, 'front-door')).facts).toMatchObject({
      sessionId: null,
      expiresAtMs: null,
    });
  });

  it('shows no address and no token, whoever put it into the words', async () => {
    const clock = new FakeClock();
    const source = new FakeSource('front-door', clock);
    const secret = 'https://b-1.kinesisvideo.aws/hls/v1/x.m3u8?SessionToken=CiBsecret~~';
    const error = new HlsStreamError('HLS_STATUS', `GET ${secret} answered 500`);
    source.health_.reason = `reconnecting, GET ${secret} failed`;
    const served = await serve({ sources: () => [source.asSource], clock });
    source.emit('reconnect', { consecutiveErrors: 1, afterMs: 5, error });
    clock.step(1000);
    const text = JSON.stringify(await cameraOf(served, 'front-door'));
    expect(text).not.toContain('secret');
    expect(text).not.toContain('kinesisvideo');
    expect(text).toContain('reconnecting, GET … failed');
  });
});
