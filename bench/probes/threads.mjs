// probes/threads.mjs URL FROM TO: which of its threads this package keeps busy between two pictures of a recording.
import { HlsFrameSource } from '../../dist/index.js';
import { watchRoles } from '../cpu-by-role.mjs';

const [url, from, to] = process.argv.slice(2);
const cpuByRole = watchRoles();
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
