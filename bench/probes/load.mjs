// probes/load.mjs JOB: whether one process reads so many cameras in time. JOB is JSON: { connection, streams, simulatorPid, warmUpMs,
// seconds }. The ages of the measured time's halves are told apart.
import { setTimeout as sleep } from 'node:timers/promises';
import { KvsHlsFrameSource } from '../../dist/index.js';
import { cpuSecondsOf, watchRoles } from '../cpu-by-role.mjs';
import { watchEventLoop } from '../event-loop.mjs';
import { percentile } from '../statistics.mjs';

const { connection, streams, simulatorPid, warmUpMs, seconds } = JSON.parse(process.argv[2]);
const cpuByRole = watchRoles();
const rssMiB = () => process.memoryUsage.rss() / 2 ** 20;
const rssBefore = rssMiB();
/** So long may opening them all take. */
const START_MS = 10_000;
/** Of the frames that came in each half. */
const halves = [[], []];
let ages;

const sources = streams.map(
  (streamName) => new KvsHlsFrameSource({ ...connection, streamName, cameraId: streamName }),
);
const reading = sources.map(async (source) => {
  for await (const frame of source) ages?.push(frame.ageMs);
});
// Where there are far too many, they do not even open in time.
await Promise.race([Promise.all(sources.map((source) => source.start())), sleep(START_MS)]);
await sleep(warmUpMs);

const gapMs = () => sources.reduce((sum, source) => sum + source.getMetrics().gapMs, 0);
const before = { cpu: cpuByRole(), simulator: cpuSecondsOf(simulatorPid), gapMs: gapMs() };
const startedAt = performance.now();
const delays = watchEventLoop();
for (const half of halves) {
  ages = half;
  await sleep((seconds * 1000) / 2);
}
ages = undefined;
const wallSeconds = (performance.now() - startedAt) / 1000;
const after = cpuByRole();
const cores = Object.fromEntries(
  Object.keys(after).map((role) => [role, (after[role] - before.cpu[role]) / wallSeconds]),
);
console.log(
  JSON.stringify({
    framesPerSecond: halves.flat().length / wallSeconds,
    ageMs: {
      p50: percentile(halves.flat(), 0.5),
      p95: percentile(halves.flat(), 0.95),
      ofHalves: halves.map((half) => percentile(half, 0.95)),
    },
    gapMs: gapMs() - before.gapMs,
    cores,
    simulatorCores: (cpuSecondsOf(simulatorPid) - before.simulator) / wallSeconds,
    eventLoop: delays(),
    rssPerCameraMiB: (rssMiB() - rssBefore) / streams.length,
  }),
);
// What was measured is told: nobody waits for hundreds of sources to stop.
void reading;
process.exit();
