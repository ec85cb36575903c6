import { beforeAll, describe, expect, test } from '@jest/globals';
import { DEFAULT_LIMITS, type SourceLimits } from '../../lib/limits.js';
import { EngineRun, fragmentsOf } from '../support/engine-run.js';
import { makeClip, type FragmentedClip } from '../support/fragments.js';

/** Of the clip: three fragments of 25 pictures each. */
const FRAGMENT_MS = 1000;
const PICTURE_MS = 40;

let clip: FragmentedClip;

beforeAll(() => {
  clip = makeClip({ width: 176, height: 144, seconds: 3, bFrames: 2 });
});

/** Reads the clip with these limits. */
async function read(
  limits: SourceLimits,
  options: { bufferedFrames?: number } = {},
): Promise<{ run: EngineRun; frames: number[] }> {
  const frames: number[] = [];
  const run = new EngineRun({ limits: { ...DEFAULT_LIMITS, ...limits }, ...options }, (frame) => {
    frames.push(frame.fragment.sequence);
  });
  try {
    await run.read(fragmentsOf(clip, FRAGMENT_MS));
  } finally {
    await run.engine.close();
  }
  return { run, frames };
}

function expectHoles(run: EngineRun, msPerFragment: number): void {
  const ms = run.gaps.map((gap) => Math.round(gap.ms));
  expect(ms).toEqual([msPerFragment, msPerFragment, msPerFragment]);
  expect(run.gaps.map(({ cause }) => cause)).toEqual(['policy', 'policy', 'policy']);
  expect(Math.round(run.ledger.deliveredMs + run.ledger.gapMs)).toBe(3 * FRAGMENT_MS);
}

describe('a fragment', () => {
  test('of more pictures than it may have is cut off, and the ledger has the rest', async () => {
    const { run, frames } = await read({ maxFramesPerFragment: 10 });
    expect(new Set(frames)).toEqual(new Set([0, 1, 2]));
    expect(run.faults).toHaveLength(3);
    expect(run.faults[0]).toContain('raise limits.maxFramesPerFragment');
    expectHoles(run, 15 * PICTURE_MS);
  });

  test('that keeps the decoder busy for too long is cut off, and the ledger has the rest', async () => {
    const { run, frames } = await read({ maxDecodeSeconds: 1e-6 });
    expect(frames).toEqual([0, 1, 2]);
    expect(run.faults).toHaveLength(3);
    expect(run.faults[0]).toContain('raise limits.maxDecodeSeconds');
    expectHoles(run, 24 * PICTURE_MS);
  });

  test('of pictures that are too large gives none of them, and the ledger has all', async () => {
    const { run, frames } = await read({ maxPixels: 176 * 144 - 1 });
    expect(frames).toEqual([]);
    expect(run.faults[0]).toContain(
      'picture of 176x144 is larger than the limit of 25343 pixels; raise limits.maxPixels',
    );
    expect(run.gaps).toMatchObject([{ cause: 'policy', ms: 3 * FRAGMENT_MS }]);
    expect((await read({ maxPixels: 176 * 144 })).frames).toHaveLength(75);
  });

  test('waits outside the engine where those that wait have as many bytes as they may', async () => {
    const { run, frames } = await read({ maxQueuedBytes: 1 });
    expect(frames).toHaveLength(75);
    const fragments = fragmentsOf(clip, FRAGMENT_MS);
    const slow = new EngineRun(
      { limits: { ...DEFAULT_LIMITS, maxQueuedBytes: 1 }, bufferedFrames: 2 },
      () => {},
    );
    expect(slow.engine.push(fragments[0]!)).toBe(true);
    let queued = 0;
    while (slow.engine.push(fragments[1]!)) queued += 1;
    expect(queued).toBeLessThanOrEqual(1);
    await slow.engine.close();
    expect(run.faults).toEqual([]);
  });
});

describe('memory', () => {
  const FRAME_BYTES = 176 * 144 * 3;

  test('that frames of the camera’s size need ends the engine before one is made, where it is too much', async () => {
    const failure = read({ maxMemoryBytes: 8 * FRAME_BYTES - 1 });
    await expect(failure).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/frames 608256,.* limit of 608255; raise limits\.maxMemoryBytes/),
    });
  });

  test('that the decoder takes for its pictures counts too', async () => {
    // 20 frames fit, and not what the decoder keeps beside them.
    const failure = read({ maxMemoryBytes: 20 * FRAME_BYTES + 50_000 }, { bufferedFrames: 20 });
    await expect(failure).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const all = 20 * FRAME_BYTES + 4 * 1024 * 1024;
    expect((await read({ maxMemoryBytes: all }, { bufferedFrames: 20 })).frames).toHaveLength(75);
  });
});
