// probes/simulator.mjs FLEETS: a simulator in a process of its own, whose cameras play clips from memory. FLEETS is JSON:
// [{ prefix, count, clip (a file), ingestDelayMs }]. Prints how to reach it, ends with its parent.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { clipCamera, parseClip, startSimulator } from '../../dist/simulator/index.js';

const fleets = JSON.parse(process.argv[2]).map((fleet) => ({
  ...fleet,
  clip: parseClip(readFileSync(fleet.clip)),
}));
const streams = fleets.flatMap(({ prefix, count, clip, ingestDelayMs }) =>
  Array.from({ length: count }, (_, i) => ({
    name: `${prefix}-${i}`,
    ingestDelayMs,
    // The cameras of a house do not begin their fragments all at once.
    startAfterMs: (i * clip.durationMs) / clip.fragments.length / count,
    clip,
  })),
);
const simulator = await startSimulator({
  streams: streams.map(({ name, ingestDelayMs }) => ({ name, ingestDelayMs })),
});
await Promise.all(
  streams.map(async ({ name, startAfterMs, clip }) => {
    await sleep(startAfterMs);
    await simulator.stream(name).startCamera(clipCamera({ clip }));
  }),
);
const { environment, endpoint, region } = simulator;
console.log(
  JSON.stringify({
    streams: streams.map(({ name }) => name),
    clipMs: fleets[0].clip.durationMs,
    stampEpochMs: simulator.stream(streams[0].name).stampEpochMs,
    connection: {
      region,
      endpoint,
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID,
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
      },
    },
  }),
);
process.stdin.on('end', () => process.exit()).resume();
