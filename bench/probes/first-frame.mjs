// probes/first-frame.mjs CONNECTION STREAM TIMES: from start() to the first frame, in one process, again and again: with no
// other source, and beside one that is being read.
import { KvsHlsFrameSource } from '../../dist/index.js';

const [connection, streamName, times] = process.argv.slice(2);
const open = (cameraId) => new KvsHlsFrameSource({ ...JSON.parse(connection), streamName, cameraId });

async function firstFrameMs() {
  const source = open('measured');
  const startedAt = performance.now();
  await source.start();
  await source.read();
  const ms = performance.now() - startedAt;
  await source.stop();
  return ms;
}

async function series() {
  const all = [];
  for (let i = 0; i < Number(times); i++) all.push(await firstFrameMs());
  return all;
}

const [first, ...alone] = await series();
const other = open('other');
const reading = (async () => {
  for await (const frame of other) frame.release();
})();
const beside = await series();
await other.stop();
await reading;
console.log(JSON.stringify({ first, alone, beside }));
