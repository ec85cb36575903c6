// probes/threads.mjs URL FROM TO: which of its threads this package keeps busy between two pictures of a recording.
import { readdirSync, readFileSync } from 'node:fs';
import { HlsFrameSource } from '../../dist/index.js';

const [url, from, to] = process.argv.slice(2);
const folder = '/proc/self/task';
const helpers = new Set(readdirSync(folder));

function roleOf(id) {
  if (id === String(process.pid)) return 'main';
  if (readFileSync(`${folder}/${id}/comm`, 'utf8').trim() === 'kvs-frames') return 'engine';
  return helpers.has(id) ? 'helpers' : 'network';
}

/** CPU seconds so far by role: V8's and libuv's helpers were there before the source, the network thread was not. */
function cpuByRole() {
  const seconds = { main: 0, engine: 0, helpers: 0, network: 0 };
  for (const id of readdirSync(folder)) {
    const [nanoseconds] = readFileSync(`${folder}/${id}/schedstat`, 'utf8').split(' ');
    seconds[roleOf(id)] += Number(nanoseconds) / 1e9;
  }
  return seconds;
}

const source = new HlsFrameSource({ url });
const seen = [];
for await (const { index } of source) {
  if (index === Number(from) || index === Number(to)) {
    seen.push({ frames: index, cpu: cpuByRole(), engine: source.getMetrics().engine });
  }
}
const [first, last] = seen;
const frames = last.frames - first.frames;
const each = (key) => ((last.engine[key] - first.engine[key]) / frames) * 1e6;
const microseconds = Object.fromEntries(
  Object.keys(last.cpu).map((role) => [role, ((last.cpu[role] - first.cpu[role]) / frames) * 1e6]),
);
console.log(
  JSON.stringify({
    frames,
    microseconds,
    decodeMicroseconds: each('decodeCpuSeconds'),
    convertMicroseconds: each('convertCpuSeconds'),
    demuxMicroseconds: each('demuxCpuSeconds'),
    wakesPerFrame: (last.engine.wakes - first.engine.wakes) / frames,
  }),
);
