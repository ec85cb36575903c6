import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setStage, type Stage } from '../support/camera';
import { runReading } from '../support/reading-program';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.simulator.close());

it('a source that was stopped is collected, though its last frame was retained', async () => {
  const { stdout, stderr, code } = await runReading(
    stage,
    `
    const sources = [];
    for (let i = 0; i < 3; i++) {
      await (async () => {
        const source = open();
        sources.push(new WeakRef(source));
        let last;
        for await (const frame of source) {
          last = frame.retain();
          break;
        }
        await source.stop();
        last.release();
      })();
    }
    const alive = () => sources.filter((source) => source.deref() !== undefined).length;
    for (let i = 0; i < 100 && alive() > 0; i++) {
      // What was looked at is alive until the next turn.
      await new Promise((resolve) => setTimeout(resolve, 50));
      global.gc();
      await turn();
    }
    console.log(alive(), 'are alive');
    `,
  );
  expect({ stdout: stdout.trim(), code, stderr }).toMatchObject({ stdout: '0 are alive', code: 0 });
});
