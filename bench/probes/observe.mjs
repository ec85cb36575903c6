// probes/observe.mjs JOB: cameras in one process, seen from outside in four ways, in turn in each round; what that process
// spends on a frame. Who looks is another process. JOB is JSON: { connection, streams, warmUpMs, rounds, seconds }.
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { serveHttp } from '../../dist/http/index.js';
import { KvsHlsFrameSource } from '../../dist/index.js';
import { serve } from '../child.mjs';
import { mainThreadSeconds, processCpuSeconds } from '../cpu.mjs';

const { connection, streams, warmUpMs, rounds, seconds } = JSON.parse(process.argv[2]);
/** Until a way is under way. */
const SETTLE_MS = 1000;
const registry = new Registry();
let frames = 0;

const sources = streams.map(
  (streamName) => new KvsHlsFrameSource({ ...connection, streamName, registry, pace: 'realtime' }),
);
const reading = sources.map(async (source) => {
  for await (const frame of source) if (frame.data.length > 0) frames += 1;
});

/** Begins a way of being seen; the answer ends it. */
async function begin({ page, visitor }) {
  if (page === undefined) return () => ({});
  const server = await serveHttp({ sources, registry, page, port: 0 });
  const visit = visitor === undefined ? undefined : await serve('probes/visitor.mjs', visitor, server.url);
  return async () => {
    const output = await visit?.end();
    await server.close();
    return output === undefined ? {} : JSON.parse(output.trim().split('\n').at(-1));
  };
}

const ways = [
  { id: 'unseen', title: 'nobody asks' },
  { id: 'scraped', title: '`/metrics` scraped every second', page: false, visitor: 'scrape' },
  { id: 'served', title: 'the page served, nobody looks', page: true },
  { id: 'looked-at', title: 'the page, and one who looks at all cameras', page: true, visitor: 'look' },
];

async function measure(way) {
  const end = await begin(way);
  await sleep(SETTLE_MS);
  const before = { frames, cpu: processCpuSeconds(), main: mainThreadSeconds() };
  await sleep(seconds * 1000);
  const counted = frames - before.frames;
  const cpu = processCpuSeconds() - before.cpu;
  const main = mainThreadSeconds() - before.main;
  const { answers = 0, visitSeconds } = await end();
  return {
    frames: counted,
    cpuMs: (cpu / counted) * 1000,
    mainThreadMicroseconds: (main / counted) * 1e6,
    answersPerSecond: answers === 0 ? 0 : answers / visitSeconds,
  };
}

await sleep(warmUpMs);
const rows = ways.map(({ id, title }) => ({ id, title, rounds: [] }));
for (let round = 0; round < rounds; round += 1) {
  // Each begins a round in its turn: what the machine does meanwhile must not meet always the same one.
  for (let i = 0; i < ways.length; i += 1) {
    const at = (round + i) % ways.length;
    rows[at].rounds.push(await measure(ways[at]));
  }
}
await Promise.all(sources.map((source) => source.stop()));
await Promise.all(reading);
console.log(JSON.stringify(rows));
process.exit();
