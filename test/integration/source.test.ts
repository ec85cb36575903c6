import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { ConnectionState, FrameSource, type Frame } from '../../lib/index';
import { breaks, see, seeFrames, setStage, worstTimeError, type Stage } from '../support/camera';

describe('a source on a live camera', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(() => stage.simulator.close());

  it('yields every picture once, in order, with its true capture time', async () => {
    await using source = stage.source();
    const seen = await seeFrames(source, 60);
    expect(seen).toHaveLength(60);
    expect(breaks(seen, stage.clip)).toEqual([]);
    expect(
      worstTimeError(seen, stage.clip, stage.simulator.stream('front-door').stampEpochMs),
    ).toBeLessThanOrEqual(1);
    expect(seen[0]).toMatchObject({ index: 0, keyFrame: true, discontinuity: false });
    expect(seen.filter((one) => one.keyFrame)).toHaveLength(6);
  });

  it('describes each frame', async () => {
    await using source = stage.source();
    const frame = await source.read();
    expect(frame).toMatchObject({
      width: 320,
      height: 180,
      stride: 960,
      format: 'bgr24',
      timestampSource: 'producer',
      damaged: false,
      fragment: { number: expect.stringMatching(/^\d+$/), durationMs: 500, sessionId: 1 },
    });
    expect(frame?.data).toHaveLength(180 * 960);
    expect(frame?.data.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(frame?.ageMs).toBeGreaterThan(0);
    expect(frame?.ageMs).toBeLessThan(10_000);
  });

  it('keeps frames in an ordinary, untransferable ArrayBuffer if asked to', async () => {
    await using source = stage.source({ memory: 'private' });
    const frame = await source.read();
    const buffer = frame?.data.buffer as ArrayBuffer;
    expect(buffer).toBeInstanceOf(ArrayBuffer);
    try {
      structuredClone(buffer, { transfer: [buffer] });
    } catch {
      // Node 20 ignores what is marked, later versions throw.
    }
    expect(buffer.byteLength).toBeGreaterThan(0);
    expect(see(frame as Frame).index).toBe(0);
  });

  it('releases each frame when the next is asked for, but not a retained one', async () => {
    await using source = stage.source({ bufferedFrames: 4 });
    const first = await source.read();
    const kept = (await source.read())?.retain();
    const keptNumber = see(kept as Frame).number;
    expect(() => first?.data).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    for await (const _ of source.frames({ maxFrames: 20 })) {
      // Twenty frames pass through the three other slots.
    }
    expect(see(kept as Frame).number).toBe(keptNumber);
    kept?.release();
    expect(() => kept?.data).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
  });

  it('waits for a slow consumer instead of dropping frames', async () => {
    await using source = stage.source({ bufferedFrames: 2 });
    const held = [(await source.read())?.retain(), (await source.read())?.retain()];
    await expect(source.read({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'READ_TIMEOUT' });
    const numbers = held.map((frame) => see(frame as Frame).number);
    held.forEach((frame) => frame?.release());
    const seen = await seeFrames(source, 20);
    expect(seen[0]?.number).toBe(((numbers[1] ?? 0) + 1) % stage.clip.frames);
    expect(breaks(seen, stage.clip)).toEqual([]);
  });

  it('refuses a second consumer', async () => {
    await using source = stage.source();
    const reading = source.read();
    await expect(source.read()).rejects.toMatchObject({ code: 'ALREADY_READING' });
    await expect(source.frames().next()).rejects.toMatchObject({ code: 'ALREADY_READING' });
    expect(await reading).not.toBeNull();
    expect(await source.read()).not.toBeNull();
  });

  it('goes on after maxFrames, and stops when a loop is left early', async () => {
    const source = stage.source();
    expect(await seeFrames(source, 3)).toHaveLength(3);
    expect(source.getConnectionState()).toBe(ConnectionState.CONNECTED);
    for await (const frame of source) {
      expect(frame.index).toBe(3);
      break;
    }
    expect(source.getConnectionState()).toBe(ConnectionState.DISCONNECTED);
    expect(await source.read()).toBeNull();
    await expect(source.start()).rejects.toMatchObject({ code: 'SOURCE_STOPPED' });
  });

  it('ends a loop with the reason of its signal', async () => {
    const source = stage.source();
    const stopping = new AbortController();
    const loop = async (): Promise<void> => {
      for await (const frame of source.frames({ signal: stopping.signal })) {
        if (frame.index === 2) stopping.abort(new Error('enough'));
      }
    };
    await expect(loop()).rejects.toThrow('enough');
    expect(source.getConnectionState()).toBe(ConnectionState.DISCONNECTED);
  });

  it('lets a signal end one read and goes on with the next', async () => {
    await using source = stage.source();
    await expect(source.read({ signal: AbortSignal.abort(new Error('not now')) })).rejects.toThrow('not now');
    expect((await source.read())?.index).toBe(0);
  });

  it('answers a pending read with null when it is stopped', async () => {
    const source = stage.source({ streamName: 'front-door' });
    const reading = source.read();
    await source.stop();
    await source.stop();
    expect(await reading).toBeNull();
  });

  it('tells its states, sessions and format through events', async () => {
    const source = stage.source();
    const events: unknown[] = [];
    source.on('state', ({ from, to }) => events.push(['state', from, to]));
    source.on('session', ({ id, renewal }) => events.push(['session', id, renewal]));
    source.on('format', (format) => events.push(['format', format.width, format.height, format.stride]));
    await source.start();
    await source.read();
    await source.stop();
    expect(events).toEqual([
      ['state', ConnectionState.DISCONNECTED, ConnectionState.CONNECTING],
      ['session', 1, false],
      ['format', 320, 180, 960],
      ['state', ConnectionState.CONNECTING, ConnectionState.CONNECTED],
      ['state', ConnectionState.CONNECTED, ConnectionState.DISCONNECTED],
    ]);
  });

  it('counts, and shows the counts in Prometheus form', async () => {
    const registry = new Registry();
    await using source = stage.source({ registry, cameraId: 'door' });
    expect(source.isHealthy()).toBe(false);
    expect(source.health().reason).toBe('not started');
    const seen = await seeFrames(source, 25);
    const metrics = source.getMetrics();
    expect(metrics).toMatchObject({
      frames: 25,
      reconnects: 0,
      urlRefreshes: 0,
      readErrors: 0,
      gaps: 0,
      lastFrameTimestampMs: seen.at(-1)?.timestampMs,
      connectionState: ConnectionState.CONNECTED,
      session: { id: 1 },
      engine: { faults: 0, decoderOpens: 1 },
    });
    expect(metrics.fragments).toBeGreaterThanOrEqual(3);
    expect(source.isHealthy()).toBe(true);
    const text = await registry.metrics();
    expect(text).toContain('kvs_hls_frames_total{camera_id="door"} 25');
    expect(text).toContain('kvs_hls_connection_state{camera_id="door"} 2');
  });

  it('can be told from its kind', () => {
    expect(stage.source()).toBeInstanceOf(FrameSource);
  });

  it('says what to change when the stream does not exist', async () => {
    const source = stage.source({ streamName: 'back-door' });
    await expect(source.start()).rejects.toMatchObject({ code: 'KVS_STREAM_NOT_FOUND' });
    await expect(source.read()).rejects.toThrow(/back-door/);
    expect(source.getConnectionState()).toBe(ConnectionState.ERROR);
  });
});
