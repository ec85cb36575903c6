// pipe.mjs URL WIDTH HEIGHT: the usual way. An ffmpeg child writes raw BGR to a pipe, Node cuts it into frames.
import { spawn } from 'node:child_process';
import { FrameMeter, peakRssBytes } from '../cpu.mjs';

const [url, width, height] = process.argv.slice(2);
const frameBytes = Number(width) * Number(height) * 3;
const output = ['-map', '0:v', '-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'bgr24', '-'];
const ffmpeg = spawn('ffmpeg', ['-v', 'error', '-threads', '1', '-i', url, ...output], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const meter = new FrameMeter();
let childPeakRssBytes = 0;
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
    sum += picture[0];
    meter.frame();
    if (meter.frames % 60 === 1) childPeakRssBytes = Math.max(childPeakRssBytes, peakRssBytes(ffmpeg.pid));
    picture = Buffer.allocUnsafe(frameBytes);
    filled = 0;
  }
}
if (ffmpeg.exitCode === null) await new Promise((resolve) => ffmpeg.on('close', resolve));
meter.report({ treePeakRssBytes: peakRssBytes() + childPeakRssBytes, sum });
