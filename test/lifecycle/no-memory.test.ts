import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { setStage, STREAM, type Stage } from '../support/camera';
import { ROOT, runNode } from '../support/child';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const RING = { bufferedFrames: 16, output: { width: 7680, height: 4320 } };
const RING_BYTES = 16 * 7680 * 4320 * 3;

/** What became of a source in a process that had so little memory left. */
async function readPoorly(when: 'start' | 'fragment', mebibytes: number, options: object): Promise<unknown> {
  const args = [ROOT, when, String(mebibytes), JSON.stringify({ streamName: STREAM, ...options })];
  const child = join(ROOT, 'test/support/poor-child.cjs');
  const { code, signal, stdout, stderr } = await runNode([child, ...args], {
    env: stage.simulator.environment,
  });
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null');
}

it.each([
  ['shared', 512],
  ['private', 512],
])(
  'a ring in %s memory that is not to be had with %d MiB left ends the source with what it asked for',
  async (memory, mebibytes) => {
    expect(await readPoorly('fragment', mebibytes, { ...RING, memory })).toEqual({
      outcome: {
        code: 'CONFIG_INVALID',
        message: `No memory for 16 buffered frames, ${RING_BYTES} bytes. Lower bufferedFrames, or output.width and output.height.`,
      },
      status: 'failed',
    });
  },
);

it('the same source reads where there is memory for fewer frames', async () => {
  expect(await readPoorly('fragment', 512, { ...RING, bufferedFrames: 2 })).toMatchObject({
    outcome: 'frames',
  });
});

it('a thread that can not be started ends the source with what to do', async () => {
  expect(await readPoorly('start', 2, {})).toEqual({
    outcome: {
      code: 'ENGINE_FAILED',
      message: expect.stringMatching(/^The network thread can't be started: .*raise its limits/),
    },
    status: 'not-started',
  });
});
