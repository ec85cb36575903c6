import { describe, expect, it } from '@jest/globals';
import type { Gap, KvsHlsFrameSource } from '../../lib/index';
import { breaks, see, setStage, STREAM, type Seen, type Stage, type StageOptions } from '../support/camera';

/** Half-second fragments of 10 pictures; the list shows 2 s of them. */
const LIST = { maxMediaPlaylistFragmentResults: 4 };
const PICTURE_MS = 50;

interface Reading {
  seen: (Seen & { gapMs: number; synthetic: boolean })[];
  gaps: Gap[];
}

/** Reads so many frames; a pause after the 10th lets the window slide on. */
async function readWithPause(
  source: KvsHlsFrameSource,
  stage: Stage,
  pauseMs: number,
  count: number,
): Promise<Reading> {
  const seen: Reading['seen'] = [];
  const gaps: Gap[] = [];
  source.on('gap', (gap) => gaps.push(gap));
  const stream = stage.simulator.stream(STREAM);
  for await (const frame of source) {
    seen.push({ ...see(frame), gapMs: frame.gapMs, synthetic: frame.synthetic });
    if (seen.length === 10) {
      // So many fragments, by the camera's own count.
      const last = stream.fragments.at(-1)?.number ?? '';
      const index = stream.fragments.findIndex(({ number }) => number === last);
      await stream.untilVisible(index + 1 + Math.round(pauseMs / 500));
    }
    if (seen.length >= count) break;
  }
  return { seen, gaps };
}

/** Pictures of a looping clip from one to another, both not counted. */
function between(first: number, last: number, clipFrames: number): number {
  return (((last - first - 1) % clipFrames) + clipFrames) % clipFrames;
}

/** A camera three times faster than real time: what matters here is counted in fragments. */
const fast: StageOptions = { clip: { seconds: 30 }, camera: { speed: 3 } };

describe('a consumer that pauses for longer than the list is long', () => {
  it('is told what the window has lost, to the millisecond, once, and on the frame behind it', async () => {
    await using stage = await setStage(fast);
    await using source = stage.source(LIST);
    const { seen, gaps } = await readWithPause(source, stage, 9000, 150);
    const holes = seen.filter(({ gapMs }) => gapMs > 0);
    expect(holes).toHaveLength(1);
    expect(gaps).toHaveLength(1);
    const [behind] = holes;
    const before = seen[seen.findIndex(({ gapMs }) => gapMs > 0) - 1];
    const missing = between(before?.number ?? 0, behind?.number ?? 0, stage.clip.frames);
    expect(missing).toBeGreaterThan(10);
    expect(gaps[0]).toMatchObject({ cause: 'window-slid', recovered: false, fragments: missing / 10 });
    expect(gaps[0]?.ms).toBeCloseTo(missing * PICTURE_MS, 0);
    expect(behind).toMatchObject({ discontinuity: true, gapMs: gaps[0]?.ms });
    const metrics = source.getMetrics();
    expect(metrics.gapsByCause['window-slid']).toEqual({ gaps: 1, ms: gaps[0]?.ms });
    expect(metrics).toMatchObject({ reconnects: 0, readErrors: 0 });
  });

  it('loses nothing with catchUp: the hole is read from the recording', async () => {
    await using stage = await setStage(fast);
    await using source = stage.source({ ...LIST, catchUp: { maxSeconds: 60 } });
    const { seen, gaps } = await readWithPause(source, stage, 9000, 250);
    expect(breaks(seen, stage.clip)).toEqual([]);
    expect(seen.every(({ gapMs }) => gapMs === 0)).toBe(true);
    expect(gaps.length).toBeGreaterThanOrEqual(1);
    expect(gaps[0]).toMatchObject({ cause: 'window-slid', recovered: true });
    const metrics = source.getMetrics();
    expect(metrics).toMatchObject({ gaps: 0, gapMs: 0 });
    expect(metrics.recoveredMs).toBeGreaterThan(2000);
  });

  it('sees the last picture repeated over the hole with fillGaps, marked, and not counted', async () => {
    await using stage = await setStage(fast);
    await using source = stage.source({ ...LIST, fillGaps: 'repeat' });
    const { seen, gaps } = await readWithPause(source, stage, 6000, 200);
    const first = seen.findIndex(({ synthetic }) => synthetic);
    const made = seen.filter(({ synthetic }) => synthetic);
    const before = seen[first - 1];
    expect(made).toHaveLength(Math.round((gaps[0]?.ms ?? 0) / PICTURE_MS));
    expect(new Set(made.map(({ number }) => number))).toEqual(new Set([before?.number]));
    for (const [i, { timestampMs }] of seen.entries()) {
      if (i > 0) expect(timestampMs - (seen[i - 1]?.timestampMs ?? 0)).toBeCloseTo(PICTURE_MS, 0);
    }
    const metrics = source.getMetrics();
    expect(metrics.syntheticFrames).toBe(made.length);
    expect(metrics.frames).toBe(seen.length - made.length);
  });
});

describe('a camera that sleeps', () => {
  it('is nothing that catchUp could read: the hole stays with the producer', async () => {
    await using stage = await setStage({ clip: { seconds: 30 } });
    const stream = stage.simulator.stream(STREAM);
    await using source = stage.source({ catchUp: { maxSeconds: 60 } });
    const gaps: Gap[] = [];
    source.on('gap', (gap) => gaps.push(gap));
    for await (const _ of source.frames({ maxFrames: 20 }));
    await stream.stopCamera();
    const next = source.read({ timeoutMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await stream.startCamera();
    let frame = await next;
    while (frame !== null && frame.gapMs === 0) frame = await source.read({ timeoutMs: 20_000 });
    expect(gaps).toMatchObject([{ cause: 'producer', recovered: false, fragments: 0 }]);
    expect(frame).toMatchObject({ gapMs: gaps[0]?.ms, discontinuity: true });
  });
});
