// probes/growth.mjs URL EVERY: reads a long recording; CPU and memory of each EVERY frames.
import { HlsFrameSource } from '../../dist/index.js';
import { processCpuSeconds } from '../cpu.mjs';

const [url, every] = process.argv.slice(2);
const source = new HlsFrameSource({ url });
const rows = [];
let frames = 0;
let before;
for await (const frame of source) {
  before ??= { cpu: processCpuSeconds(), frames: 0 };
  frames = frame.index + 1;
  if (frames % Number(every) !== 0) continue;
  const cpu = processCpuSeconds();
  const { rss, heapUsed, external } = process.memoryUsage();
  rows.push({
    frames,
    cpuMicroseconds: ((cpu - before.cpu) / (frames - before.frames)) * 1e6,
    rssMiB: rss / 2 ** 20,
    heapMiB: (heapUsed + external) / 2 ** 20,
  });
  before = { cpu, frames };
}
console.log(JSON.stringify({ frames, rows }));
