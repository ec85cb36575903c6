// probes/live.mjs JOB: reads a live stream of stamped pictures for a while; how old each is when it is handed over, by
// what is written in the picture. JOB is JSON: { reader, url, connection, streamName, width, height, seconds, stampEpochMs,
// clipMs, nodeAv, input }.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readStamp } from '../../dist/simulator/index.js';
import { KvsHlsFrameSource } from '../../dist/index.js';
import { mainThreadSeconds } from '../cpu.mjs';
import { watchEventLoop } from '../event-loop.mjs';
import { readAsync } from '../node-av-frames.mjs';
import { percentile } from '../statistics.mjs';

const job = JSON.parse(process.argv[2]);
const { width, height, stampEpochMs, clipMs } = job;
/** What was there before it started is no measure of how it follows. */
const SETTLE_MS = 4000;
const ages = [];
let unreadable = 0;
let countsFrom;
let delays;
let mainBefore;

/** Called with each picture as it arrives; false ends it. */
function seen(pixels, stride) {
  const now = Date.now();
  countsFrom ??= performance.now() + SETTLE_MS;
  if (performance.now() < countsFrom) return true;
  delays ??= watchEventLoop();
  mainBefore ??= mainThreadSeconds();
  const stamp = readStamp(pixels, width, height, stride);
  // A stamp counts from the start of the clip, which is longer than any age.
  if (stamp === null) unreadable += 1;
  else ages.push((((now - stampEpochMs - stamp.captureMs) % clipMs) + clipMs) % clipMs);
  return performance.now() < countsFrom + job.seconds * 1000;
}

const readers = {
  async ours() {
    const source = new KvsHlsFrameSource({ ...job.connection, streamName: job.streamName });
    for await (const frame of source) if (!seen(frame.data, frame.stride)) break;
  },
  async pipe() {
    const output = ['-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'bgr24', '-'];
    const ffmpeg = spawn('ffmpeg', ['-v', 'error', ...job.input, '-i', job.url, ...output], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const picture = Buffer.alloc(width * height * 3);
    let filled = 0;
    ffmpeg.stdout.on('data', (chunk) => {
      for (let at = 0; at < chunk.length;) {
        const count = Math.min(chunk.length - at, picture.length - filled);
        chunk.copy(picture, filled, at, at + count);
        at += count;
        filled = (filled + count) % picture.length;
        if (filled === 0 && !seen(picture)) ffmpeg.kill();
      }
    });
    await once(ffmpeg, 'close');
  },
  async nodeAv() {
    await readAsync(job.nodeAv, job.url, seen);
  },
};

await readers[job.reader]();
console.log(
  JSON.stringify({
    frames: ages.length,
    unreadable,
    ageMs: {
      p50: percentile(ages, 0.5),
      p95: percentile(ages, 0.95),
      max: Math.max(...ages),
    },
    eventLoop: delays(),
    mainThreadShare: (mainThreadSeconds() - mainBefore) / job.seconds,
  }),
);
process.exit();
