import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KvsHlsFrameSourceOptions } from '../../lib/index';
import { setStage, type StageOptions } from '../support/camera';
import {
  HUGE_CLIP,
  HUGE_STEPS,
  OPENING_STEPS,
  PLAYING_STEPS,
  Scene,
  WAITING_STEPS,
  type Step,
} from '../support/stop-steps';
import type { Way } from '../support/stopping';
import { SLOWNESS } from '../support/sanitizer';

/** What is promised of `stop()`, `break` and an aborted signal, whatever the source is doing. */
const BOUND_MS = 250 * SLOWNESS;

const ENDS: Record<Way, string> = {
  stop: 'ends by stop()',
  abort: "ends by the loop's signal",
  read: "ends by read()'s signal, and stop()",
  break: 'ends by leaving the loop',
  unused: 'ends by stop()',
};
const OUTCOME: Record<Way, string> = {
  stop: 'end',
  abort: 'aborted',
  read: 'aborted',
  break: 'end',
  unused: 'end',
};

/** One process for all of the steps; at the end it has to end by itself. */
function inOneProcess(
  steps: Record<string, Step>,
  options: { stage?: StageOptions; source?: Partial<KvsHlsFrameSourceOptions> } = {},
): void {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.set(await setStage(options.stage), options.source);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  const cases = Object.entries(steps).flatMap(([name, step]) =>
    step.ways.map((way) => ({ name, step, way, ends: ENDS[way] })),
  );
  it.each(cases)('$ends $name, and leaves nothing behind', async ({ step, way }) => {
    const { ms, stopMs, ...left } = await scene.live(step, way);
    expect(left).toEqual({ outcome: step.outcome ?? OUTCOME[way], handles: [], threads: 0 });
    expect(ms).toBeLessThan(BOUND_MS);
    expect(stopMs).toBeLessThan(BOUND_MS);
  });

  it('and then the process ends by itself', async () => {
    expect(await scene.child.exit()).toMatchObject({ code: 0, signal: null });
  });
}

describe('a source that is being opened', () => {
  inOneProcess(OPENING_STEPS);
});

describe('a source that waits', () => {
  inOneProcess(WAITING_STEPS);
});

describe('a source that plays', () => {
  inOneProcess(PLAYING_STEPS);
});

describe('a source of huge pictures', () => {
  inOneProcess(HUGE_STEPS, { stage: { clip: HUGE_CLIP }, source: { bufferedFrames: 2 } });
});
