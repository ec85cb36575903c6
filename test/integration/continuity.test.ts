import { describe, expect, it } from '@jest/globals';
import type { Gap, SessionStart } from '../../lib/index';
import { clipCamera, prepareClip } from '../../lib/simulator/index';
import {
  breaks,
  CLIP,
  seeFrames,
  setStage as setAnyStage,
  STREAM,
  worstTimeError,
  type Stage,
  type StageOptions,
} from '../support/camera';

/** One reader on one camera never asks for more than AWS allows. */
function setStage(options: StageOptions = {}): Promise<Stage> {
  return setAnyStage({ ...options, simulator: { enforceQuotas: true, ...options.simulator } });
}

describe('a renewal', () => {
  it.each([
    ['fMP4, H.264', { codec: 'h264' }, 'FRAGMENTED_MP4', 'session'],
    [
      'fMP4, H.264 with B-frames and real fragment numbers',
      { codec: 'h264', bFrames: 2 },
      'FRAGMENTED_MP4',
      'global',
    ],
    ['fMP4, H.265 with B-frames', { codec: 'h265', bFrames: 2 }, 'FRAGMENTED_MP4', 'session'],
    ['MPEG-TS, H.264 with B-frames', { codec: 'h264', bFrames: 2 }, 'MPEG_TS', 'session'],
  ] as const)(
    'loses no frame and repeats none: %s',
    async (_, clipOptions, containerFormat, liveFragmentNumbers) => {
      await using stage = await setStage({
        clip: clipOptions,
        // Sessions die after 4 s; the reader, told 300 s with a margin of 298, renews after less than 2 s.
        simulator: { sessionLifetimeSeconds: 4, liveFragmentNumbers },
      });
      await using source = stage.source({
        containerFormat,
        hlsSessionSeconds: 300,
        urlRefreshMarginSeconds: 298,
      });
      const sessions: SessionStart[] = [];
      const gaps: Gap[] = [];
      source.on('session', (session) => sessions.push(session));
      source.on('gap', (gap) => gaps.push(gap));
      const seen = await seeFrames(source, 160);
      expect(breaks(seen, stage.clip)).toEqual([]);
      expect(
        worstTimeError(seen, stage.clip, stage.simulator.stream(STREAM).stampEpochMs),
      ).toBeLessThanOrEqual(1);
      expect(gaps).toEqual([]);
      expect(sessions.filter((session) => session.renewal).length).toBeGreaterThanOrEqual(3);
      expect(source.getMetrics()).toMatchObject({
        reconnects: 0,
        readErrors: 0,
        engine: { decoderOpens: 1 },
      });
      expect(new Set(seen.map((one) => one.sessionId)).size).toBeGreaterThanOrEqual(3);
    },
  );
});

describe('a session that ends before its time', () => {
  it('is replaced at once, and the window bridges it without loss', async () => {
    await using stage = await setStage({ simulator: { sessionLifetimeSeconds: 1.5 } });
    await using source = stage.source();
    const seen = await seeFrames(source, 100);
    expect(breaks(seen, stage.clip)).toEqual([]);
    const metrics = source.getMetrics();
    expect(metrics.reconnects).toBeGreaterThanOrEqual(2);
    expect(metrics.urlRefreshes).toBe(metrics.reconnects);
    expect(metrics.gaps).toBe(0);
  });
});

describe('a camera that sleeps', () => {
  it('is waited for, and its gap is told with its length', async () => {
    await using stage = await setStage();
    const stream = stage.simulator.stream(STREAM);
    await using source = stage.source();
    const gaps: Gap[] = [];
    source.on('gap', (gap) => gaps.push(gap));
    await seeFrames(source, 40);
    await stream.stopCamera();
    const next = source.read({ timeoutMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await stream.startCamera();
    let frame = await next;
    while (frame !== null && gaps.length === 0) frame = await source.read({ timeoutMs: 20_000 });
    const kept = stream.fragments;
    const hole = kept
      .map((one, i) => one.producerMs - ((kept[i - 1]?.producerMs ?? NaN) + (kept[i - 1]?.durationMs ?? NaN)))
      .find((ms) => ms > 250);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.cause).toBe('producer');
    expect(Math.abs((gaps[0]?.ms ?? 0) - (hole ?? NaN))).toBeLessThan(10);
    while (frame !== null && !frame.discontinuity) frame = await source.read();
    expect(frame?.discontinuity).toBe(true);
  });

  it('may come back with another picture size: format event, new ring, old frames valid', async () => {
    await using stage = await setStage();
    const stream = stage.simulator.stream(STREAM);
    await using source = stage.source();
    const sizes: string[] = [];
    source.on('format', ({ width, height }) => sizes.push(`${width}×${height}`));
    const old = (await source.read())?.retain();
    const before = Buffer.from(old?.data ?? []);
    await stream.stopCamera();
    await stream.startCamera(clipCamera({ clip: await prepareClip({ ...CLIP, width: 480, height: 270 }) }));
    let frame = await source.read({ timeoutMs: 20_000 });
    while (frame !== null && frame.width !== 480) frame = await source.read({ timeoutMs: 20_000 });
    expect(frame).toMatchObject({
      width: 480,
      height: 270,
      stride: 1440,
      keyFrame: true,
      discontinuity: true,
    });
    expect(sizes).toEqual(['320×180', '480×270']);
    expect(before.equals(old?.data ?? Buffer.alloc(0))).toBe(true);
  });
});

describe('recordings', () => {
  const range = (
    fragments: readonly { producerMs: number; durationMs: number }[],
  ): { startTimestamp: Date; endTimestamp: Date } => ({
    startTimestamp: new Date(fragments[0]?.producerMs ?? 0),
    endTimestamp: new Date((fragments.at(-1)?.producerMs ?? 0) + 1),
  });

  it.each([undefined, 4])(
    'are read whole, in order, and end (list length %s)',
    async (maxMediaPlaylistFragmentResults) => {
      await using stage = await setStage({ camera: { backlogFragments: 50 } });
      const wanted = stage.simulator.stream(STREAM).fragments.slice(0, 40);
      await using source = stage.source({
        playbackMode: 'ON_DEMAND',
        ...range(wanted),
        ...(maxMediaPlaylistFragmentResults === undefined ? {} : { maxMediaPlaylistFragmentResults }),
      });
      const seen = await seeFrames(source, 10_000);
      expect(seen).toHaveLength(wanted.reduce((sum, fragment) => sum + fragment.frames, 0));
      expect(breaks(seen, stage.clip)).toEqual([]);
      expect(await source.read()).toBeNull();
      expect(source.getMetrics()).toMatchObject({ readErrors: 0, reconnects: 0, gaps: 0 });
    },
  );

  it('can be followed at their own pace, by server time too', async () => {
    await using stage = await setStage({ camera: { backlogFragments: 8 } });
    const [first] = stage.simulator.stream(STREAM).fragments;
    await using source = stage.source({
      playbackMode: 'LIVE_REPLAY',
      fragmentSelectorType: 'SERVER_TIMESTAMP',
      startTimestamp: new Date(first?.serverMs ?? 0),
    });
    const seen = await seeFrames(source, 30);
    expect(seen[0]?.number).toBe(0);
    expect(breaks(seen, stage.clip)).toEqual([]);
    expect(seen[0]?.timestampMs).toBe(Math.round(first?.serverMs ?? 0));
  });
});
