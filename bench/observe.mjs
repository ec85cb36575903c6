// What it costs a frame to be seen from outside: metrics that are scraped, the page that is served, somebody who looks.
import { runScript, serve } from './child.mjs';
import { clipFile } from './scene.mjs';

const SIZE = { width: 1280, height: 720 };
const FPS = 15;
const CAMERAS = 4;
const FRAGMENT_SECONDS = 2;
const WARM_UP_MS = 6000;

/** `seconds`: of each way in each round, a multiple of a fragment's. */
export async function observe({ rounds, seconds, say }) {
  const clip = await clipFile({ ...SIZE, fps: FPS, kbps: 1500, seconds: 20 });
  const fleet = { prefix: 'camera', count: CAMERAS, clip, ingestDelayMs: 0 };
  const server = await serve('probes/simulator.mjs', JSON.stringify([fleet]));
  try {
    const { streams, connection } = JSON.parse(server.line);
    say(`${CAMERAS} cameras, seen from outside in four ways`);
    const job = { connection, streams, warmUpMs: WARM_UP_MS, rounds, seconds };
    const rows = await runScript('probes/observe.mjs', JSON.stringify(job));
    say('a scrape of 100 sources');
    const scrape = await runScript('probes/scrape.mjs');
    return {
      size: SIZE,
      fps: FPS,
      cameras: CAMERAS,
      fragmentSeconds: FRAGMENT_SECONDS,
      seconds,
      rows,
      scrape,
    };
  } finally {
    await server.end();
  }
}
