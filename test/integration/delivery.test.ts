import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Drop, Gap, KvsHlsFrameSource, KvsHlsFrameSourceOptions } from '../../lib/index';
import { see, setStage, type Seen, type Stage } from '../support/camera';

/** The clip has 20 pictures a second, 10 a fragment. */
const PICTURE_MS = 50;

interface Reading {
  seen: (Seen & { ageMs: number; gapMs: number })[];
  drops: Drop[];
  gaps: Gap[];
  source: KvsHlsFrameSource;
}

async function read(
  stage: Stage,
  options: Partial<KvsHlsFrameSourceOptions>,
  count: number,
  busyMs = 0,
): Promise<Reading> {
  await using source = stage.source(options);
  const reading: Reading = { seen: [], drops: [], gaps: [], source };
  source.on('drop', (drop) => reading.drops.push(drop));
  source.on('gap', (gap) => reading.gaps.push(gap));
  for await (const frame of source.frames({ maxFrames: count })) {
    const { ageMs, gapMs } = frame;
    reading.seen.push({ ...see(frame), ageMs, gapMs });
    if (busyMs > 0) await sleep(busyMs);
  }
  return reading;
}

/** Pictures of the looping clip from each frame to the next. */
function steps({ seen }: Reading, stage: Stage): number[] {
  const { frames } = stage.clip;
  return seen.slice(1).map((now, i) => (now.number - (seen[i]?.number ?? 0) + frames) % frames);
}

/** Media time that is accounted for, ms. */
function accounted(source: KvsHlsFrameSource): number {
  const { mediaMs, droppedMs, gapMs } = source.getMetrics();
  return mediaMs + droppedMs + gapMs;
}

describe('the frames that are asked for', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage({ camera: { speed: 5 } });
  });
  afterAll(() => stage.simulator.close());

  it.each<[string, Partial<KvsHlsFrameSourceOptions>, number]>([
    ['targetFps', { targetFps: 5 }, 4],
    ['targetFps that does not divide the fragments', { targetFps: 20 / 3 }, 3],
    ['everyNth across fragments', { everyNth: 7 }, 7],
    ['keyFramesOnly', { keyFramesOnly: true }, 10],
    ['keyFramesOnly, thinned out', { keyFramesOnly: true, everyNth: 2 }, 20],
  ])('come evenly with %s, and the others are told as not wanted', async (_, options, step) => {
    const reading = await read(stage, options, 12);
    expect(steps(reading, stage)).toEqual(Array(11).fill(step));
    expect(reading.seen.every(({ discontinuity, gapMs }) => !discontinuity && gapMs === 0)).toBe(true);
    expect(reading.seen.map(({ index }) => index)).toEqual([...Array(12).keys()]);
    expect([reading.gaps, reading.drops]).toEqual([[], []]);
    const { dropsByCause, engine: _engine, mediaMs } = reading.source.getMetrics();
    expect(dropsByCause.selection.ms).toBeCloseTo(dropsByCause.selection.frames * PICTURE_MS, 0);
    expect(mediaMs).toBeGreaterThanOrEqual(12 * PICTURE_MS - 1);
    expect(dropsByCause.selection.frames).toBeGreaterThanOrEqual(11 * (step - 1));
    expect([dropsByCause.latest.frames, dropsByCause.age.frames]).toEqual([0, 0]);
  });

  it('are of the time line of a recording, with the others, to the picture', async () => {
    const fragments = stage.simulator.stream('front-door').fragments.slice(0, 4);
    const startMs = fragments[0]?.producerMs ?? 0;
    await using source = stage.source({
      playbackMode: 'ON_DEMAND',
      startTimestamp: new Date(startMs),
      endTimestamp: new Date(startMs + 1900),
      targetFps: 4,
    });
    let count = 0;
    for await (const frame of source) count += frame.gapMs === 0 ? 1 : 0;
    const { dropsByCause, fragments: read } = source.getMetrics();
    expect(read).toBeGreaterThanOrEqual(3);
    expect(count).toBe(read * 2);
    expect(dropsByCause.selection.frames).toBe(read * 8);
    expect(accounted(source)).toBeCloseTo(read * 10 * PICTURE_MS, 0);
  });
});

describe('a consumer that is slower than the camera', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage({ clip: { fragmentSeconds: 2, seconds: 20 } });
  });
  afterAll(() => stage.simulator.close());

  it('sees the latest frames evenly, though they come in bursts of 2 s', async () => {
    const reading = await read(stage, { delivery: 'latest' }, 40, 100);
    const between = reading.seen
      .slice(1)
      .map((now, i) => now.timestampMs - (reading.seen[i]?.timestampMs ?? 0));
    // Each second or third picture; unpaced there would be a hole of most of a fragment after each two or three. A host that is
    // busy elsewhere may make a few.
    expect(between.filter((ms) => ms > 500).length).toBeLessThan(between.length / 5);
    expect(between.reduce((sum, ms) => sum + ms, 0) / between.length).toBeGreaterThan(90);
    const { dropsByCause } = reading.source.getMetrics();
    expect(dropsByCause.latest.frames).toBeGreaterThan(30);
    expect(dropsByCause.age.frames).toBe(0);
    expect(reading.drops.reduce((sum, { frames }) => sum + frames, 0)).toBe(dropsByCause.latest.frames);
    expect(reading.gaps).toEqual([]);
  });

  it('gets no frame older than maxAgeMs, is told of each that was, and the time adds up', async () => {
    const maxAgeMs = 3500;
    const reading = await read(stage, { delivery: { maxAgeMs } }, 25, 300);
    expect(Math.max(...reading.seen.map(({ ageMs }) => ageMs))).toBeLessThanOrEqual(maxAgeMs + 5);
    const { dropsByCause } = reading.source.getMetrics();
    const all = dropsByCause.age.frames + dropsByCause.selection.frames;
    expect(all).toBeGreaterThan(25);
    expect(reading.drops.every(({ cause }) => cause === 'age')).toBe(true);
    expect(reading.gaps).toEqual([]);
    const [first] = reading.seen;
    const last = reading.seen.at(-1);
    const spanMs = (last?.timestampMs ?? 0) - (first?.timestampMs ?? 0);
    expect(accounted(reading.source)).toBeGreaterThanOrEqual(spanMs);
    expect(accounted(reading.source) / PICTURE_MS).toBeCloseTo(
      Math.round(accounted(reading.source) / PICTURE_MS),
      1,
    );
  });

  it('has lost nothing with delivery every, however slow it is', async () => {
    const reading = await read(stage, {}, 15, 100);
    expect(steps(reading, stage)).toEqual(Array(14).fill(1));
    expect(reading.source.getMetrics().droppedMs).toBe(0);
  });
});
