// The usual way: an ffmpeg child process writes raw BGR to a pipe, Node cuts it into frames. Prints what bench/reader.mjs
// prints, the child's CPU time included.
import { spawn } from 'node:child_process';
import { childrenCpuSeconds, processCpuSeconds, threadCpuSeconds } from './cpu.mjs';

const [url, width, height] = process.argv.slice(2);
const frameBytes = Number(width) * Number(height) * 3;
const started = { process: processCpuSeconds(), main: threadCpuSeconds(), wall: performance.now() };
const ffmpeg = spawn(
  'ffmpeg',
  ['-v', 'error', '-threads', '1', '-i', url, '-map', '0:v', '-f', 'rawvideo', '-pix_fmt', 'bgr24', '-'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
let frames = 0;
let sum = 0;
let picture = Buffer.allocUnsafe(frameBytes);
let filled = 0;
for await (const chunk of ffmpeg.stdout) {
  for (let at = 0; at < chunk.length;) {
    const count = Math.min(chunk.length - at, frameBytes - filled);
    chunk.copy(picture, filled, at, at + count);
    at += count;
    filled += count;
    if (filled < frameBytes) continue;
    frames += 1;
    sum += picture[0];
    picture = Buffer.allocUnsafe(frameBytes);
    filled = 0;
  }
}
if (ffmpeg.exitCode === null) await new Promise((resolve) => ffmpeg.on('close', resolve));
const report = {
  frames,
  cpuSeconds: processCpuSeconds() - started.process + childrenCpuSeconds(),
  mainThreadSeconds: threadCpuSeconds() - started.main,
  wallSeconds: (performance.now() - started.wall) / 1000,
  sum,
};
console.log(JSON.stringify(report));
