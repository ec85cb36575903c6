// Many cameras in one process, the simulator in another.
import { runScript, serve } from './child.mjs';
import { clipFile } from './scene.mjs';

const SIZE = { width: 1280, height: 720 };
const SLOW = { ...SIZE, fps: 2, kbps: 400, seconds: 20 };
const FAST = { ...SIZE, fps: 15, kbps: 1500, seconds: 20 };
const WARM_UP_MS = 4000;

const hosts = [
  { id: 'slow', title: '64 cameras at 2 fps', fleets: [{ prefix: 'slow', count: 64, clip: SLOW }] },
  { id: 'fast', title: '16 cameras at 15 fps', fleets: [{ prefix: 'fast', count: 16, clip: FAST }] },
  {
    id: 'both',
    title: 'both at once',
    fleets: [
      { prefix: 'slow', count: 64, clip: SLOW },
      { prefix: 'fast', count: 16, clip: FAST },
    ],
  },
];

export async function cameras({ seconds, say }) {
  const rows = [];
  for (const { id, title, fleets } of hosts) {
    say(title);
    const played = await Promise.all(
      fleets.map(async ({ prefix, count, clip }) => ({
        prefix,
        count,
        clip: await clipFile(clip),
        ingestDelayMs: 0,
      })),
    );
    const server = await serve('probes/simulator.mjs', JSON.stringify(played));
    try {
      const { streams, connection } = JSON.parse(server.line);
      const job = { connection, streams, options: {}, warmUpMs: WARM_UP_MS, seconds };
      const { framesPerSecond, ...report } = await runScript('probes/cameras.mjs', JSON.stringify(job));
      const rates = fleets.map(({ prefix, count, clip }) => ({
        expected: clip.fps,
        count,
        framesPerSecond: framesPerSecond.filter((_, i) => streams[i].startsWith(prefix)),
      }));
      rows.push({ id, title, rates, ...report });
    } finally {
      await server.end();
    }
  }
  return { size: SIZE, fragmentMs: 2000, rows };
}
