// Reads an HLS URL to its end with this package; prints frames, CPU seconds of the process and of the main thread.
import { HlsFrameSource } from '../dist/index.js';
import { processCpuSeconds, threadCpuSeconds } from './cpu.mjs';

const source = new HlsFrameSource({ url: process.argv[2] });
// The first frame is where loading, connecting and opening are over: what is measured is reading.
await source.read();
const before = { process: processCpuSeconds(), main: threadCpuSeconds(), wall: performance.now() };
let frames = 0;
let sum = 0;
for await (const frame of source) {
  frames += 1;
  sum += frame.data[0];
}
const report = {
  frames,
  cpuSeconds: processCpuSeconds() - before.process,
  mainThreadSeconds: threadCpuSeconds() - before.main,
  wallSeconds: (performance.now() - before.wall) / 1000,
  engine: source.getMetrics().engine,
  sum,
};
console.log(JSON.stringify(report));
