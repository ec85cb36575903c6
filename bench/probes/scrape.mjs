// probes/scrape.mjs: what a scrape of many sources takes, and what a frame's age costs to be counted.
import { Registry } from 'prom-client';
import { loadAddon } from '../../dist/frames/addon.js';
import { LoadStatistics } from '../../dist/hls/load-statistics.js';
import { Histogram } from '../../dist/metrics/histogram.js';
import { FRAME_AGE_BOUNDS } from '../../dist/metrics/reading.js';
import { publishSource } from '../../dist/metrics/registry-metrics.js';
import { faultClasses } from '../../dist/policy/fault.js';
import { Ledger } from '../../dist/policy/ledger.js';
import { processCpuSeconds } from '../cpu.mjs';
import { median } from '../statistics.mjs';

const SOURCES = 100;
const SCRAPES = 40;
const WARM_UP = 10;
const OBSERVATIONS = 5_000_000;

const ages = new Histogram(FRAME_AGE_BOUNDS);
const loads = new LoadStatistics();
for (const kind of ['master', 'playlist', 'init', 'fragment']) {
  loads.count({ kind, status: 200, bytes: 1e5, ms: 40, result: 'ok' });
}
const ledger = new Ledger();
const times = { counts: [...loadAddon().timeBounds.map(() => 100), 0], sum: 12.3456 };

/** As a source that has flowed for a while makes it. */
const read = () => ({
  frames: 123_456,
  syntheticFrames: 0,
  reconnects: 1,
  urlRefreshes: 12,
  readErrors: 3,
  consecutiveErrors: 0,
  lastFrameTimestampSeconds: Date.now() / 1000,
  connectionState: 2,
  status: 'flowing',
  healthy: true,
  frameAge: ages.read(),
  gapsByCause: ledger.totals,
  recoveredSeconds: 1.5,
  dropsByCause: ledger.drops,
  faultsByClass: Object.fromEntries(faultClasses.map((one) => [one, 1])),
  calls: [],
  loads: loads.read(),
  session: { ageSeconds: 100.5, expiresInSeconds: 199.5 },
  fragments: 1000,
  fragmentBytes: 4e8,
  refetchedFragments: 0,
  repairedFragments: 0,
  bufferedFrames: 3,
  ring: { slots: 8, usedSlots: 4, bytes: 22_118_400 },
  picture: { width: 1280, height: 720 },
  engine: {
    decoderOpens: 1,
    queuedFragments: 1,
    queuedBytes: 4e5,
    pictureBytes: 1e7,
    decodeTimes: times,
    convertTimes: times,
  },
});

const registry = new Registry();
for (let i = 0; i < SOURCES; i += 1) publishSource(`camera-${i}`, read, registry, false);
const wallMs = [];
const cpuMs = [];
let text = '';
for (let i = 0; i < WARM_UP + SCRAPES; i += 1) {
  const before = { cpu: processCpuSeconds(), wall: performance.now() };
  text = await registry.metrics();
  if (i < WARM_UP) continue;
  wallMs.push(performance.now() - before.wall);
  cpuMs.push((processCpuSeconds() - before.cpu) * 1000);
}

const startedAt = performance.now();
for (let i = 0; i < OBSERVATIONS; i += 1) ages.observe((i % 64) / 10);
const observeNanoseconds = ((performance.now() - startedAt) / OBSERVATIONS) * 1e6;

console.log(
  JSON.stringify({
    sources: SOURCES,
    lines: text.split('\n').length,
    bytes: text.length,
    wallMs: median(wallMs),
    cpuMs: median(cpuMs),
    observeNanoseconds,
  }),
);
