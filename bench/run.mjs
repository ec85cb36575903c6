// What a frame costs: this reader, its engine fed from memory, a C++ floor (demux per fragment, decode, convert, nothing
// else) and an ffmpeg child on a pipe, on the same fragments, in turn, several rounds. Prints a table and writes build/bench.json.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadCpuSeconds } from './cpu.mjs';
import { prepareClip } from '../dist/simulator/index.js';

const ROUNDS = 5;
const root = fileURLToPath(new URL('..', import.meta.url));
const SCENES = [
  { name: '720p H.264, 2.3 Mbit/s', width: 1280, height: 720, codec: 'h264', repeats: 3 },
  { name: '360p H.264, 0.6 Mbit/s', width: 640, height: 360, codec: 'h264', repeats: 5 },
];
const FPS = 25;

const node = (script, ...args) =>
  JSON.parse(execFileSync(process.execPath, [join(root, 'bench', script), ...args], { encoding: 'utf8' }));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Writes a clip as fragments and as a playlist that names them several times over. */
function writeHls(folder, clip, repeats) {
  const names = clip.fragments.map((_, i) => `f${i}.m4s`);
  clip.fragments.forEach((fragment, i) => writeFileSync(join(folder, names[i]), fragment.media));
  writeFileSync(join(folder, 'init.mp4'), clip.init.bytes);
  const seconds = clip.durationMs / 1000 / names.length;
  const entries = Array.from({ length: repeats }, (_, run) =>
    names.map(
      (name, i) =>
        `${run > 0 && i === 0 ? '#EXT-X-DISCONTINUITY\n' : ''}#EXTINF:${seconds},\n${name}?run=${run}`,
    ),
  ).flat();
  const head = `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:${Math.ceil(seconds)}\n#EXT-X-MAP:URI="init.mp4"`;
  writeFileSync(join(folder, 'list.m3u8'), `${head}\n${entries.join('\n')}\n#EXT-X-ENDLIST\n`);
  return names.map((name) => join(folder, name));
}

async function serve(folder) {
  const child = spawn(process.execPath, [join(root, 'bench/media-server.mjs'), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await new Promise((resolve) =>
    child.stdout.setEncoding('utf8').once('data', (text) => resolve([text])),
  );
  return { url: `${line.trim()}/list.m3u8`, end: () => child.stdin.end() };
}

async function measure({ name, width, height, codec, repeats }) {
  const clip = await prepareClip({
    width,
    height,
    codec,
    fps: FPS,
    fragmentSeconds: 2,
    seconds: 20,
    bitrateKbps: 2500,
  });
  const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-bench-'));
  const server = await serve(folder);
  try {
    const fragments = writeHls(folder, clip, repeats);
    const floor = join(root, 'build/native-tests/floor');
    const contenders = {
      floor: () =>
        JSON.parse(
          execFileSync(floor, [String(repeats), join(folder, 'init.mp4'), ...fragments], {
            encoding: 'utf8',
          }),
        ),
      engine: () => node('engine.mjs', String(repeats), join(folder, 'init.mp4'), ...fragments),
      reader: () => node('reader.mjs', server.url),
      'ffmpeg pipe': () => node('pipe-reader.mjs', server.url, String(width), String(height)),
    };
    const rounds = { floor: [], engine: [], reader: [], 'ffmpeg pipe': [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [contender, run] of Object.entries(contenders)) rounds[contender].push(run());
    }
    const perFrame = (run, key) => (run[key] / run.frames) * 1e6;
    const row = (contender) => {
      const runs = rounds[contender];
      return {
        contender,
        frames: runs[0].frames,
        cpuMicrosecondsPerFrame: median(runs.map((run) => perFrame(run, 'cpuSeconds'))),
        // Pair by pair, so that it holds while the machine's speed drifts.
        cpuOverFloor: median(
          runs.map((run, i) => perFrame(run, 'cpuSeconds') / perFrame(rounds.floor[i], 'cpuSeconds')),
        ),
        mainThreadMicrosecondsPerFrame:
          contender === 'floor' ? null : median(runs.map((run) => perFrame(run, 'mainThreadSeconds'))),
        framesPerSecond: median(runs.map((run) => run.frames / run.wallSeconds)),
      };
    };
    return { scene: name, rows: Object.keys(contenders).map(row) };
  } finally {
    server.end();
    rmSync(folder, { recursive: true });
  }
}

/** CPU that a Node process spends on waking up for nothing: on some virtual machines more than a frame's whole handling. */
async function bareWakeMicroseconds() {
  const wakes = 500;
  const before = threadCpuSeconds();
  for (let i = 0; i < wakes; i++) await sleep(4);
  return ((threadCpuSeconds() - before) / wakes) * 1e6;
}

const results = [];
for (const scene of SCENES) results.push(await measure(scene));

const cell = (value, digits) => (value === null ? '–' : value.toFixed(digits)).padStart(10);
for (const { scene, rows } of results) {
  console.log(
    `\n${scene}, median of ${ROUNDS} rounds\n                 CPU µs/frame  ×floor  main thread µs/frame  frames/s`,
  );
  for (const row of rows) {
    console.log(
      `  ${row.contender.padEnd(14)} ${cell(row.cpuMicrosecondsPerFrame, 0)} ${cell(row.cpuOverFloor, 3)} ` +
        `${cell(row.mainThreadMicrosecondsPerFrame, 1)}       ${cell(row.framesPerSecond, 0)}`,
    );
  }
}

const bareWake = await bareWakeMicroseconds();
console.log(
  `\nA timer that does nothing costs the main thread ${bareWake.toFixed(0)} µs a wake on this machine.`,
);

const stored = join(root, 'build/bench.json');
if (existsSync(stored)) {
  const earlier = JSON.parse(readFileSync(stored, 'utf8')).results;
  for (const { scene, rows } of results) {
    const now = rows.find((row) => row.contender === 'reader');
    const then = earlier.find((one) => one.scene === scene)?.rows.find((row) => row.contender === 'reader');
    if (then)
      console.log(
        `\n${scene}: ×floor was ${then.cpuOverFloor.toFixed(3)}, is ${now.cpuOverFloor.toFixed(3)}`,
      );
  }
}
const [cpu] = cpus();
writeFileSync(
  stored,
  JSON.stringify(
    {
      date: new Date().toISOString(),
      node: process.version,
      cpu: cpu.model,
      bareWakeMicroseconds: bareWake,
      results,
    },
    null,
    2,
  ),
);
console.log(`\nJSON: build/bench.json`);
