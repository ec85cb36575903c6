import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { FrameSourceGroup, type Frame, type KvsHlsFrameSource } from '../../lib/index';
import type {
  ChannelMessages,
  FaultMessage,
  FragmentMessage,
  FrameMessage,
  PlaylistMessage,
  SessionMessage,
} from '../../lib/index';
import { setStage, STREAM } from '../support/camera';

/** Keeps what a channel tells, until it is disposed of. */
function listenTo<Name extends keyof ChannelMessages>(
  name: Name,
  onMessage: (message: ChannelMessages[Name]) => void,
): Disposable {
  const listener = (message: unknown): void => onMessage(message as ChannelMessages[Name]);
  subscribe(name, listener);
  return { [Symbol.dispose]: () => unsubscribe(name, listener) };
}

describe('what a source lets others see', () => {
  it('goes over diagnostics channels: sessions, playlists, fragments, frames and faults, without a token', async () => {
    await using stage = await setStage({ simulator: { sessionLifetimeSeconds: 3 } });
    await using source = stage.source();
    const sessions: SessionMessage[] = [];
    const playlists: PlaylistMessage[] = [];
    const fragments: FragmentMessage[] = [];
    const frames: number[] = [];
    const faults: FaultMessage[] = [];
    using _sessions = listenTo('kvs-frames:session', (message) => sessions.push(message));
    using _playlists = listenTo('kvs-frames:playlist', (message) => playlists.push(message));
    using _fragments = listenTo('kvs-frames:fragment', (message) => fragments.push(message));
    using _frames = listenTo('kvs-frames:frame', ({ frame }: FrameMessage) => frames.push(frame.index));
    using _faults = listenTo('kvs-frames:fault', (message) => faults.push(message));

    const read: number[] = [];
    for await (const frame of source) {
      read.push(frame.index);
      // The session of 3 s is refused, and the frames of the next one have come.
      if (frame.fragment.sessionId === 2) break;
    }

    expect(frames).toEqual(read);
    expect(sessions.map(({ id, renewal }) => [id, renewal])).toEqual([
      [1, false],
      [2, false],
    ]);
    expect(fragments.length).toBeGreaterThan(2);
    expect(fragments[0]).toMatchObject({
      cameraId: STREAM,
      sessionId: 1,
      durationMs: 500,
      variant: { height: 180 },
    });
    expect(fragments.every(({ bytes, receivedAtMs }) => bytes > 0 && receivedAtMs > 0)).toBe(true);
    expect(playlists[0]).toMatchObject({ cameraId: STREAM, kind: 'master', status: 200 });
    expect(
      playlists.filter(({ kind, status }) => kind === 'playlist' && status === 200).length,
    ).toBeGreaterThan(1);
    expect(faults).toContainEqual(
      expect.objectContaining({ cameraId: STREAM, class: 'expired', code: 'HLS_SESSION_EXPIRED' }),
    );
    expect(JSON.stringify([sessions, playlists, fragments, faults])).not.toMatch(/SessionToken/i);
  });

  it('is counted: each fault by class, each call by API, and the session with its age', async () => {
    await using stage = await setStage({ simulator: { sessionLifetimeSeconds: 3 } });
    await using source = stage.source();
    for await (const frame of source) if (frame.fragment.sessionId === 2) break;
    const metrics = source.getMetrics();
    expect(metrics.faultsByClass).toMatchObject({ expired: 1, network: 0, media: 0 });
    expect(metrics).toMatchObject({
      reconnects: 1,
      urlRefreshes: 1,
      renewals: 0,
      readErrors: 0,
      picture: { width: 320, height: 180 },
    });
    expect(metrics.calls).toContainEqual({ api: 'GetDataEndpoint', result: 'ok', count: 1 });
    expect(metrics.calls).toContainEqual({ api: 'GetHLSStreamingSessionURL', result: 'ok', count: 2 });
    expect(metrics.fetchedBytes).toBeGreaterThan(metrics.fragmentBytes);
    expect(metrics.bandwidthBytesPerSecond).toBeGreaterThan(0);
  });
});

describe('the health of a source', () => {
  it('tells the rhythm, the age of the newest frame, since when, and when the session is renewed', async () => {
    await using stage = await setStage();
    await using source = stage.source();
    expect(source.health()).toMatchObject({ status: 'not-started', next: null, lastFrameAgeMs: null });
    const startedAtMs = Date.now();
    for await (const frame of source) {
      if (frame.index < 20) continue;
      const health = source.health();
      expect(health).toMatchObject({
        healthy: true,
        status: 'flowing',
        phase: 'connected',
        rhythm: { fragmentMs: 500, stallAfterMs: 10_000 },
        renewals: 0,
        reconnectsLastHour: 0,
        next: { what: 'renew' },
      });
      expect(health.sinceMs).toBeGreaterThanOrEqual(startedAtMs - 1);
      expect(health.sinceMs).toBeLessThanOrEqual(Date.now());
      // 300 s less the margin of 30, up to a tenth earlier.
      const inSeconds = (health.next!.atMs - startedAtMs) / 1000;
      expect(inSeconds).toBeGreaterThan(240);
      expect(inSeconds).toBeLessThan(275);
      expect(health.lastFrameAgeMs).toBeGreaterThan(-50);
      expect(health.lastFrameAgeMs).toBeLessThan(10_000);
      break;
    }
    expect(source.health().status).toBe('stopped');
  });

  it('takes neither few wanted frames nor a consumer that does not come for a stream that stalls', async () => {
    await using stage = await setStage();
    // One frame in 20 s, of a stream whose silence would count as a stall after 12.5 s.
    await using sparse = stage.source({ cameraId: 'sparse', everyNth: 400 });
    await using stuck = stage.source({ cameraId: 'stuck' });
    await using hoarded = stage.source({ cameraId: 'hoarded' });
    await sparse.read();
    await stuck.read();
    // All there is memory for is on loan.
    const hoard = new Set<Frame | null>();
    while (hoard.size < 8) hoard.add((await hoarded.read())?.retain() ?? null);
    const stalled = (): boolean => hoarded.health().status === 'stalled';
    while (!stalled()) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(hoarded.health()).toMatchObject({
      healthy: false,
      reason: expect.stringMatching(/^no frame for 1\d s: all are on loan/),
      next: { what: 'renew' },
    });
    expect(sparse.health()).toMatchObject({ healthy: true, status: 'flowing', reason: 'frames flow' });
    expect(sparse.health().lastFrameAgoMs).toBeGreaterThan(10_000);
    for (const frame of hoard) frame?.release();
    expect(stuck.health()).toMatchObject({
      healthy: true,
      reason: expect.stringMatching(/^frames wait to be taken, no new one for 1\d s/),
      next: { what: 'renew' },
    });
  });

  it('says so when a camera whose clock was set back sends nothing that is new enough any more', async () => {
    await using stage = await setStage();
    await using source = stage.source({ delivery: { maxAgeMs: 20_000 } });
    const stream = stage.simulator.stream(STREAM);
    let isSetBack = false;
    let isRight = false;
    const reading = (async () => {
      for await (const frame of source) {
        if (isRight) return frame.gapMs;
        if (!isSetBack) stream.moveProducerClock(-3_600_000);
        isSetBack = true;
      }
      return null;
    })();
    while (source.health().status !== 'stalled') await new Promise((resolve) => setTimeout(resolve, 100));
    expect(source.health()).toMatchObject({
      healthy: false,
      phase: 'connected',
      reason: expect.stringMatching(/^no frame for 1\d s: \d+ pictures were older than maxAgeMs$/),
    });
    isRight = true;
    stream.moveProducerClock(3_600_000);
    expect(await reading).not.toBeNull();
  });

  it('says when the reader tries again, and why it has to', async () => {
    await using stage = await setStage();
    await stage.simulator.close();
    await using source = stage.source({ reconnectDelaySeconds: 60, maxReconnectDelaySeconds: 60 });
    const waiting = new Promise((resolve) => source.once('reconnect', resolve));
    source.start().catch(() => {});
    await waiting;
    const { status, reason, next, reconnectsLastHour } = source.health();
    expect({ status, reconnectsLastHour }).toEqual({ status: 'connecting', reconnectsLastHour: 1 });
    expect(reason).toMatch(/^waiting for the first frame: .*GetDataEndpoint/);
    expect(next?.what).toBe('reconnect');
    expect(next?.words).toMatch(/^tries again in \d\d s$/);
  });
});

describe('the metrics of a source that gave up', () => {
  const stateOf = async (registry: Registry): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('kvs_hls_connection_state{'));

  it('say so until the program stops it', async () => {
    await using stage = await setStage();
    const registry = new Registry();
    const source = stage.source({ streamName: 'cellar', registry });
    await expect(source.read()).rejects.toMatchObject({ code: 'KVS_STREAM_NOT_FOUND' });
    expect(await stateOf(registry)).toEqual(['kvs_hls_connection_state{camera_id="cellar"} 4']);
    await source.stop();
    expect(await stateOf(registry)).toEqual([]);
  });

  it('say so until its group is stopped, or reads the camera anew', async () => {
    await using stage = await setStage();
    const registry = new Registry();
    const cellar = (): KvsHlsFrameSource => stage.source({ streamName: 'cellar', registry });
    await using group = new FrameSourceGroup([cellar(), stage.source({ registry })], { endWhenEmpty: false });
    const left = once(group, 'leave');
    for await (const frame of group.frames({ maxFrames: 1 })) expect(frame.cameraId).toBe(STREAM);
    await left;
    expect(await stateOf(registry)).toEqual([
      'kvs_hls_connection_state{camera_id="cellar"} 4',
      `kvs_hls_connection_state{camera_id="${STREAM}"} 2`,
    ]);
    group.add(cellar());
    expect((await stateOf(registry))[0]).not.toMatch(/ 4$/);
    await group.stop();
    expect(await stateOf(registry)).toEqual([]);
  });
});
