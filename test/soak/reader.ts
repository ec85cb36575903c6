// The program that reads the cameras of a soak, in a process of its own, so that its figures are its own: `node --expose-gc reader.js SEED`.
import { setMaxListeners } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Registry } from 'prom-client';
import { serveHttp } from '../../lib/http/index';
import type { SoakCameraName } from './cameras';
import { Chance } from './chance';
import {
  readAndRetain,
  readInTime,
  readInWorker,
  readThroughout,
  readUrl,
  readWithTimeout,
} from './consumers';
import { readBatches, readGroups } from './group-consumers';
import type { Door, LoopDelays, Order, ReaderMessage } from './messages';
import { Onlooker } from './onlooker';
import { Studio } from './studio';
import { tellTroubles } from './troubles';
import { takeVitals } from './vitals';
import { Witness } from './witness';

const SAMPLE_EVERY_MS = 2_000;
/** What ends by itself some moments after it was stopped: connections, and threads of workers. */
const QUIET_AFTER_MS = 2_000;
const OPENING_MS = 30_000;
const MILLION = 1e6;

const tell = (message: ReaderMessage): void => void process.send?.(message);

/** Every kind of consumer, until all is over. */
function consumers(studio: Studio): Promise<void>[] {
  return [
    readGroups(studio),
    readBatches(studio),
    readInTime(studio, 'latest'),
    readInTime(studio, 'max-age'),
    readInWorker(studio),
    readAndRetain(studio),
    readWithTimeout(studio),
    readThroughout(studio, 'one-source'),
    readThroughout(studio, 'one-source-h265'),
    readUrl(studio, 'hls-slow'),
    readUrl(studio, 'hls-quick'),
  ];
}

async function main(seed: string, doors: Record<SoakCameraName, Door>): Promise<void> {
  const calm = new AbortController();
  const over = new AbortController();
  // Each consumer's waits listen to it.
  setMaxListeners(100, over.signal);
  process.on('message', (order: Order) => {
    if (order.type === 'calm') calm.abort();
    else if (order.type === 'end') over.abort();
  });
  const startedAtMs = performance.now();
  const witness = new Witness(tell);
  const parts = { witness, registry: new Registry(), doors, calm: calm.signal, over: over.signal };
  const studio = new Studio({ ...parts, chance: new Chance(`${seed} reader`) });
  await warmUp(studio);
  const before = takeVitals(startedAtMs);

  const server = await serveHttp({
    sources: () => [...studio.sources],
    registry: studio.registry,
    page: true,
    port: 0,
  });
  const onlooker = new Onlooker(server.url, studio);
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  const sampling = setInterval(() => {
    tell({ type: 'vitals', vitals: takeVitals(startedAtMs) });
  }, SAMPLE_EVERY_MS);
  await Promise.all([...consumers(studio), onlooker.look()]);
  clearInterval(sampling);
  delays.disable();
  await server.close();
  witness.close();
  await new Promise((resolve) => setTimeout(resolve, QUIET_AFTER_MS));
  const loop: LoopDelays = {
    p50: delays.percentile(50) / MILLION,
    p99: delays.percentile(99) / MILLION,
    p999: delays.percentile(99.9) / MILLION,
    max: delays.max / MILLION,
  };
  const after = takeVitals(startedAtMs);
  tell({ type: 'done', before, after, delays: loop, counts: witness.counts });
  process.disconnect();
}

/** Reads one camera for a moment: what is loaded and begun once for all is there when the first look is taken. */
async function warmUp(studio: Studio): Promise<void> {
  const source = studio.kvs('latest');
  const frame = await source.read({ timeoutMs: OPENING_MS });
  await frame?.toJpeg();
  await source.stop();
  const server = await serveHttp({ sources: [], registry: studio.registry, page: true, port: 0 });
  await server.close();
  await new Promise((resolve) => setTimeout(resolve, QUIET_AFTER_MS));
}

tellTroubles(tell);
// Whoever asked for the soak is gone.
process.once('disconnect', () => process.exit());
process.once('message', (order: Order) => {
  if (order.type === 'begin') void main(process.argv[2] ?? '', order.doors);
});
