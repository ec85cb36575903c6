// What a frame costs each contender, on the same recording over the same loopback, in turn, several rounds.
import { measure, runScript, serve } from './child.mjs';
import { contenders } from './contenders.mjs';
import { hlsFolder } from './scene.mjs';

/** Start-up and the first pictures, while JavaScript is being compiled, are measured apart and taken off. */
const WARM_UP_FRAGMENTS = 4;
const SCENE = { width: 1920, height: 1080, fps: 30, kbps: 4000, seconds: 40 };

/** One run over a list: what the kernel counted, and what the contender said. */
async function runOver(contender, list) {
  const { stdout, ...usage } = await measure(contender.command(list));
  const said = contender.read(stdout);
  if (!(said.frames > 0)) throw new Error(`read no frame: ${stdout.trim().slice(-200)}`);
  return { ...usage, ...said, pictures: list.pictures };
}

/**
 * A long run less a short one of the same round: start-up and warming up, the same in both, are no part of a frame's cost.
 * Counted by the kernel for the whole process tree. A contender that picks frames has read all the pictures nonetheless:
 * figures are per picture in the list.
 */
function perPicture(long, short) {
  const pictures = long.pictures - short.pictures;
  const [cpuMs, wallMs] = ['cpuSeconds', 'wallSeconds'].map(
    (key) => ((long[key] - short[key]) / pictures) * 1000,
  );
  return {
    cpuMs,
    picturesPerSecond: 1000 / wallMs,
    mainThreadMicroseconds: long.mainThreadMicrosecondsPerFrame ?? null,
    peakRssMiB: (long.treePeakRssBytes ?? long.peakRssBytes) / 2 ** 20,
    startupMs: Math.max(0, short.wallSeconds * 1000 - wallMs * short.pictures),
    frames: long.frames,
    ...engineShare(long),
  };
}

/** What the engine counts, fragment by fragment; it was asked a little before the end. */
function engineShare({ engine, frames, convertCpuSeconds: floorConvertSeconds }) {
  if (floorConvertSeconds !== undefined) return { convertMs: (floorConvertSeconds / frames) * 1000 };
  if (engine === undefined) return {};
  const { packets, decodeCpuSeconds, convertCpuSeconds } = engine;
  return { decodeMs: (decodeCpuSeconds / packets) * 1000, convertMs: (convertCpuSeconds / packets) * 1000 };
}

/** Answers the scene and a row a contender, with a figure for each round, or why there is none. */
export async function throughput({ rounds, fragments, say }) {
  const scene = await hlsFolder(SCENE, [WARM_UP_FRAGMENTS, fragments]);
  const server = await serve('media-server.mjs', scene.folder);
  const [short, long] = scene.lists.map((list) => ({
    ...list,
    ...SCENE,
    pictures: list.frames,
    init: scene.init,
    url: `${server.line}/${list.name}`,
  }));
  let threads;
  const rows = contenders.map(({ id, title, group, options, absent }) => ({
    id,
    title,
    group,
    options,
    skipped: absent(),
    rounds: [],
  }));
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const [i, contender] of contenders.entries()) {
        const row = rows[i];
        if (row.skipped !== null) continue;
        try {
          const brief = await runOver(contender, short);
          row.rounds.push(perPicture(await runOver(contender, long), brief));
          say(`round ${round}/${rounds}  ${row.title}: ${row.rounds.at(-1).cpuMs.toFixed(2)} ms`);
        } catch (error) {
          // Half a series can't be compared pair by pair.
          row.skipped = `failed: ${error.message}`;
          row.rounds = [];
          say(`round ${round}/${rounds}  ${row.title}: ${row.skipped}`);
        }
      }
    }
    say('kvs-frames by threads');
    // The engine counts by whole fragments, and towards the end there is nothing left to fetch.
    const perFragment = short.pictures / WARM_UP_FRAGMENTS;
    const [from, to] = [0.25, 0.7].map((share) => Math.round(fragments * share) * perFragment - 1);
    threads = await runScript('probes/threads.mjs', long.url, String(from), String(to));
  } finally {
    await server.end();
  }
  return {
    scene: { ...SCENE, kbps: scene.kbps, pictures: long.pictures, warmUp: short.pictures },
    rows,
    threads,
  };
}
