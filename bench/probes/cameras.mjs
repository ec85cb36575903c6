// probes/cameras.mjs JOB: many cameras in one process. JOB is JSON: { connection, streams, options, warmUpMs, seconds }.
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KvsHlsFrameSource } from '../../dist/index.js';
import { mainThreadSeconds, processCpuSeconds } from '../cpu.mjs';
import { watchEventLoop } from '../event-loop.mjs';
import { percentile } from '../statistics.mjs';

const { connection, streams, options, warmUpMs, seconds } = JSON.parse(process.argv[2]);
const rssMiB = () => process.memoryUsage.rss() / 2 ** 20;
let isCounting = false;

class Camera {
  frames = 0;
  counted = 0;
  ages = [];
  #source;
  #first;

  constructor(streamName) {
    this.#source = new KvsHlsFrameSource({ ...connection, streamName, cameraId: streamName, ...options });
    this.first = new Promise((resolve) => (this.#first = resolve));
    this.done = this.#read();
  }

  async #read() {
    for await (const frame of this.#source) {
      if (this.frames === 0) this.#first();
      this.frames += 1;
      if (!isCounting) continue;
      this.counted += 1;
      this.ages.push(frame.ageMs);
    }
  }

  gapMs() {
    return this.#source.getMetrics().gapMs;
  }

  async stop() {
    await this.#source.stop();
    await this.done;
  }
}

const idle = watchEventLoop();
await sleep(warmUpMs);
const idleLoop = idle();

const [firstStream, ...otherStreams] = streams;
const cameras = [new Camera(firstStream)];
await cameras[0].first;
await sleep(warmUpMs);
const rssOfOne = rssMiB();

const startedAt = performance.now();
cameras.push(...otherStreams.map((name) => new Camera(name)));
await Promise.all(cameras.map((camera) => camera.first));
const allStartedMs = performance.now() - startedAt;
await sleep(warmUpMs);

isCounting = true;
const before = { cpu: processCpuSeconds(), main: mainThreadSeconds(), wall: performance.now() };
const delays = watchEventLoop();
await sleep(seconds * 1000);
isCounting = false;
const eventLoop = delays();
const wallSeconds = (performance.now() - before.wall) / 1000;
const ages = cameras.flatMap((camera) => camera.ages);
const report = {
  idleLoop,
  eventLoop,
  allStartedMs,
  framesPerSecond: cameras.map((camera) => camera.counted / wallSeconds),
  ageMs: { p50: percentile(ages, 0.5), p95: percentile(ages, 0.95), max: Math.max(...ages) },
  cores: (processCpuSeconds() - before.cpu) / wallSeconds,
  mainThreadShare: (mainThreadSeconds() - before.main) / wallSeconds,
  threads: readdirSync('/proc/self/task').length,
  gapMs: cameras.reduce((sum, camera) => sum + camera.gapMs(), 0),
  rssMiB: rssMiB(),
  rssPerCameraMiB: (rssMiB() - rssOfOne) / otherStreams.length,
};
await Promise.all(cameras.map((camera) => camera.stop()));
console.log(JSON.stringify(report));
process.exit();
