// How many cameras one process holds: for each size and rate the highest count whose frames stay as young as one camera's.
import { runScript, serve } from './child.mjs';
import { clipFile } from './scene.mjs';

const FRAGMENT_MS = 2000;
const HOSTS = [
  { width: 640, height: 360, fps: 15, kbps: 600, guess: 110 },
  { width: 640, height: 360, fps: 5, kbps: 300, guess: 220 },
  { width: 640, height: 360, fps: 1, kbps: 120, guess: 450 },
  { width: 1280, height: 720, fps: 15, kbps: 1500, guess: 30 },
  { width: 1280, height: 720, fps: 5, kbps: 700, guess: 80 },
  { width: 1280, height: 720, fps: 1, kbps: 300, guess: 270 },
];
/** Cameras are opened, all at once, and what that cost is made up for: too many never make up for it. */
const WARM_UP_MS = { quick: 3_000, full: 20_000 };
const SECONDS = { quick: 4, full: 12 };
const TRIALS = { quick: 2, full: 4 };
/** A search ends when the fewest that are too many are not more than so many times the most that are not. */
const CLOSE = 1.1;

/** A fragment's first picture is as old as the fragment is long; so much more is allowed for coming, waiting and decoding, ms. */
const MOST_LATE_MS = 1_000;
/** The 95th percentile of the later half is not above the earlier one's by more than that, ms. */
const MOST_GROWTH_MS = 250;
/** Of the frames that the cameras take. */
const LEAST_SHARE = 0.97;

export const CRITERION = {
  fragmentMs: FRAGMENT_MS,
  lateMs: MOST_LATE_MS,
  growthMs: MOST_GROWTH_MS,
  share: LEAST_SHARE,
};

/** What of the criterion does not hold; empty: it keeps up. */
export function shortfalls({ ageMs, framesPerSecond, gapMs }, count, fps) {
  const [early, late] = ageMs.ofHalves;
  return [
    ...(ageMs.p95 > FRAGMENT_MS + MOST_LATE_MS ? ['age'] : []),
    ...(late - early > MOST_GROWTH_MS ? ['growth'] : []),
    ...(framesPerSecond < LEAST_SHARE * count * fps ? ['frames'] : []),
    ...(gapMs > 0 ? ['gaps'] : []),
  ];
}

/** The next count to try; `null` if what is known is close enough. `most` keeps up, `least` does not; either may be unknown. */
export function nextCount(most, least, guess) {
  if (most === null && least === null) return guess;
  if (least === null) return Math.ceil(most * 1.5);
  if (most === null) return least > 1 ? Math.max(1, Math.floor(least / 2)) : null;
  return least <= Math.max(most * CLOSE, most + 1) ? null : Math.round((most + least) / 2);
}

async function trial({ fps, clip }, count, length) {
  const fleet = { prefix: 'camera', count, clip, ingestDelayMs: 0 };
  const server = await serve('probes/simulator.mjs', JSON.stringify([fleet]));
  try {
    const { streams, connection } = JSON.parse(server.line);
    const times = { warmUpMs: WARM_UP_MS[length], seconds: SECONDS[length] };
    const job = { connection, streams, simulatorPid: server.pid, ...times };
    const report = await runScript('probes/load.mjs', JSON.stringify(job));
    return { count, ...report, shortfalls: shortfalls(report, count, fps) };
  } finally {
    await server.end();
  }
}

export async function load({ quick, say }) {
  const length = quick ? 'quick' : 'full';
  const rows = [];
  for (const host of HOSTS) {
    const title = `${host.width}×${host.height} at ${host.fps} fps`;
    const clip = await clipFile({ ...host, guess: undefined, seconds: 20 });
    const trials = [];
    let most = null;
    let least = null;
    for (let i = 0; i < TRIALS[length]; i++) {
      const count = nextCount(most, least, host.guess);
      if (count === null) break;
      const one = await trial({ ...host, clip }, count, length);
      trials.push(one);
      say(
        `${title}: ${count} cameras ${one.shortfalls.length === 0 ? 'in time' : `too many: ${one.shortfalls.join(', ')}`}`,
      );
      if (one.shortfalls.length === 0) most = count;
      else least = count;
    }
    rows.push({ title, fps: host.fps, most: most ?? 0, least, trials });
  }
  const times = { warmUpSeconds: WARM_UP_MS[length] / 1000, seconds: SECONDS[length] };
  return { criterion: { ...CRITERION, ...times }, rows };
}
