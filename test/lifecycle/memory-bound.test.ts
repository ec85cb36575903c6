import { expect, it } from '@jest/globals';
import { setStage, STREAM } from '../support/camera';
import { ROOT, runNode } from '../support/child';
import { RSS_TELLS } from '../support/sanitizer';

/** Fragments the camera sends after the reader is full before the first look; four times as many before the second. */
const FRAGMENTS = 40;
/** The default of bufferedFrames. */
const SLOTS = 8;
const FRAME_BYTES = 320 * 180 * 3;
/** What the engine may queue, by its own limits. */
const MAX_QUEUED_FRAGMENTS = 4;
/** Garbage, and pages that the allocator keeps: less than a tenth of the frames that the camera sends between the looks. */
const NOISE_BYTES = 16 * 2 ** 20;

interface Look {
  queuedFragments: number;
  queuedBytes: number;
  bufferedFrames: number;
  fragments: number;
  heapUsed: number;
  external: number;
  rss: number;
}

it('a source whose frames nobody takes holds no more after four times as many fragments', async () => {
  await using stage = await setStage({ camera: { speed: 20 } });
  const camera = stage.simulator.stream(STREAM);
  const program = `
    const { KvsHlsFrameSource } = require(${JSON.stringify(ROOT)});
    const look = (source) => {
      global.gc();
      const { engine, bufferedFrames, fragments } = source.getMetrics();
      const { queuedFragments, queuedBytes } = engine;
      const { heapUsed, external, rss } = process.memoryUsage();
      console.log(JSON.stringify({ queuedFragments, queuedBytes, bufferedFrames, fragments, heapUsed, external, rss }));
    };
    (async () => {
      const source = new KvsHlsFrameSource({ streamName: '${STREAM}' });
      await source.start();
      process.on('message', (message) => {
        if (message === 'look') look(source);
        else void source.stop().then(() => process.disconnect());
      });
      while (source.getMetrics().engine.queuedFragments < ${MAX_QUEUED_FRAGMENTS})
        await new Promise((resolve) => setTimeout(resolve, 5));
      process.send('full');
    })();`;
  const looks: Look[] = [];
  const result = await runNode(['--expose-gc', '-e', program], {
    env: stage.simulator.environment,
    onMessage: async (message, child) => {
      if (message !== 'full') return;
      const sent = camera.fragments.length;
      for (const count of [FRAGMENTS, 4 * FRAGMENTS]) {
        await camera.untilVisible(sent + count);
        child.send('look');
      }
      child.send('stop');
    },
  });
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  for (const line of result.stdout.trim().split('\n')) looks.push(JSON.parse(line) as Look);
  const [first, second] = looks as [Look, Look];
  for (const look of [first, second]) {
    expect(look.queuedFragments).toBe(MAX_QUEUED_FRAGMENTS);
    expect(look.bufferedFrames).toBe(SLOTS);
    expect(look.external).toBeLessThan(SLOTS * FRAME_BYTES + NOISE_BYTES);
  }
  expect(second.fragments).toBe(first.fragments);
  expect(second.queuedBytes).toBe(first.queuedBytes);
  expect(second.heapUsed - first.heapUsed).toBeLessThan(NOISE_BYTES);
  expect(second.external - first.external).toBeLessThan(NOISE_BYTES);
  if (RSS_TELLS) expect(second.rss - first.rss).toBeLessThan(NOISE_BYTES);
});
