import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { startHttp } from '../../lib/http/serve';
import type { HttpServer } from '../../lib/http/index';
import { ConnectionState, type KvsHlsFrameSource } from '../../lib/index';
import type { FaultScript } from '../../lib/simulator/index';
import { setStage, type Stage } from '../support/camera';
import { ensurePrometheus } from '../support/debian';
import { dashboardQueries, readDashboard, RULES, seriesNamesIn } from '../support/deploy';
import { Prometheus, until, type Labels, type RawSeries } from '../support/prometheus';
import { rateOf } from '../support/rate';

/** A scrape that takes longer than this is given up: it must be long enough for a busy machine. */
const SCRAPE_MS = 1000;
const SETUP_MS = 300_000;
const TOKEN = 'what-only-prometheus-knows';
/** Between the source's clock reading at a frame's delivery and this test's. */
const AGE_TOLERANCE_SECONDS = 0.05;

/** The session ends, and no other one is granted at the first three calls. */
const TROUBLE: FaultScript = {
  name: 'trouble',
  summary: 'The session ends; the next is refused three times.',
  rows: [
    {
      when: { resource: 'session-url', requests: { from: 1, count: 3 } },
      what: { type: 'refuse', status: 500 },
    },
    { when: { atMs: 0 }, what: { type: 'expire-sessions' } },
  ],
};

/** Frames that were read, and when. */
class Reader {
  readonly frames: { atMs: number; timestampMs: number }[] = [];
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #error: Error | undefined;

  constructor(source: KvsHlsFrameSource) {
    this.#done = this.#read(source).catch((error: Error) => void (this.#error = error));
  }

  async #read(source: KvsHlsFrameSource): Promise<void> {
    const { signal } = this.#end;
    for (;;) {
      const frame = await source.read({ signal });
      if (frame === null) throw new Error(`${source.cameraId} ended`);
      this.frames.push({ atMs: Date.now(), timestampMs: frame.timestampMs });
    }
  }

  /** Resolves when there are so many. */
  untilCount(count: number): Promise<true> {
    return until(`${count} frames`, () => {
      if (this.#error !== undefined) throw this.#error;
      return this.frames.length >= count;
    });
  }

  /** Frames that had been read at that time. */
  countAt(atMs: number): number {
    return this.frames.filter((one) => one.atMs <= atMs).length;
  }

  /** Reads no more; the source goes on. */
  async stop(): Promise<void> {
    this.#end.abort(new Error('enough'));
    await this.#done;
    expect(this.#error?.message).toBe('enough');
  }
}

let promtool: string;
let prometheus: Prometheus;
let stages: Stage[];
let server: HttpServer;
const registry = new Registry();
/** Plays; is in trouble once and plays again; does not exist. */
let well: KvsHlsFrameSource;
let troubled: KvsHlsFrameSource;
let failed: KvsHlsFrameSource;
let reader: Reader;
let troubledReader: Reader;

const sources = (): KvsHlsFrameSource[] => [well, troubled, failed];
const cameraOf = ({ camera_id = '' }: Labels): string => camera_id;
/** By camera. */
async function values(expression: string, atMs?: number): Promise<Record<string, number>> {
  const found = await prometheus.query(expression, atMs);
  return Object.fromEntries(found.map(({ labels, value }) => [cameraOf(labels), value]));
}
const byCamera = (all: readonly RawSeries[]): Map<string, RawSeries['samples']> =>
  new Map(all.map(({ labels, samples }) => [cameraOf(labels), samples]));
const scrapes = async (): Promise<number> =>
  (await prometheus.query('count_over_time(up[1h])'))[0]?.value ?? 0;
async function untilScrapes(more: number): Promise<void> {
  const wanted = (await scrapes()) + more;
  await until(`${more} more scrapes`, async () => (await scrapes()) >= wanted, 30_000);
}

/** Begins with the first scrape, and ends when Prometheus has the last numbers of sources that nobody reads any more. */
beforeAll(async () => {
  const programs = await ensurePrometheus();
  ({ promtool } = programs);
  stages = await Promise.all([setStage(), setStage()]);
  const [calm, rough] = stages as [Stage, Stage];
  well = calm.source({ cameraId: 'front', registry });
  troubled = rough.source({ cameraId: 'back', registry, keepMetrics: true });
  failed = calm.source({ cameraId: 'cellar', registry, keepMetrics: true, streamName: 'nowhere' });
  server = await startHttp({ sources: sources(), registry, port: 0, token: TOKEN });
  prometheus = await Prometheus.start(programs.prometheus, {
    target: new URL(server.url).host,
    token: TOKEN,
    intervalMs: SCRAPE_MS,
    rules: [RULES],
  });
  await expect(failed.start()).rejects.toMatchObject({ code: 'KVS_STREAM_NOT_FOUND' });
  // Counters are seen from their beginning on: what came before the first scrape is in no rate.
  await until('the first scrape', async () => (await prometheus.query('kvs_hls_frames_total')).length === 3);

  reader = new Reader(well);
  troubledReader = new Reader(troubled);
  await troubledReader.untilCount(20);
  rough.simulator.setFaults(TROUBLE);
  await until('trouble', () => troubled.getMetrics().readErrors >= 3);
  await troubledReader.untilCount(troubledReader.frames.length + 20);
  await reader.untilCount(60);
  await untilScrapes(4);

  await reader.stop();
  await troubledReader.stop();
  await until('the last numbers', async () => {
    const frames = await values('kvs_hls_frames_total');
    const errors = await values('kvs_hls_read_errors_total');
    return sources().every((source) => {
      const { frames: count, readErrors } = source.getMetrics();
      return frames[source.cameraId] === count && errors[source.cameraId] === readErrors;
    });
  });
}, SETUP_MS);

afterAll(async () => {
  await prometheus?.[Symbol.asyncDispose]();
  await Promise.all([well, troubled, failed].map((source) => source?.stop()));
  await server?.close();
  await Promise.all((stages ?? []).map(({ simulator }) => simulator.close()));
});

describe('a real Prometheus', () => {
  it('has scraped the numbers of the moment each time', async () => {
    const at = Date.now();
    const counts = byCamera(await prometheus.raw('kvs_hls_frames_total[1h]', at)).get('front') ?? [];
    const ends = byCamera(await prometheus.raw('kvs_hls_last_frame_timestamp[1h]', at)).get('front') ?? [];
    expect(counts.length).toBeGreaterThanOrEqual(5);
    expect(ends).toHaveLength(counts.length);
    for (const [i, { atMs, value }] of counts.entries()) {
      // The source counts a frame before this test does, and a scrape reads some time after it began, whose time Prometheus
      // moves by up to 2 ms to keep its pace.
      expect(value).toBeGreaterThanOrEqual(reader.countAt(atMs - 2));
      expect(value).toBeLessThanOrEqual(reader.countAt(atMs + SCRAPE_MS) + 1);
      const last = reader.frames[value - 1];
      expect(ends[i]?.value).toBeCloseTo((last?.timestampMs ?? 0) / 1000, 3);
    }
    expect(counts.at(-1)?.value).toBe(reader.frames.length);
  });

  it('has the counts of the sources, which are those of who read them', async () => {
    const frames = await values('kvs_hls_frames_total');
    expect(frames).toEqual({ front: reader.frames.length, back: troubledReader.frames.length, cellar: 0 });
  });
});

describe('the queries that people used with the Python reader', () => {
  const rates = [
    { name: 'kvs_hls_frames_total', window: '5m', seconds: 300, own: 'frames' },
    { name: 'kvs_hls_reconnects_total', window: '1h', seconds: 3600, own: 'reconnects' },
  ] as const;

  it.each(rates)('rate($name[$window])', async ({ name, window, seconds, own }) => {
    const at = Date.now();
    const rate = await values(`rate(${name}[${window}])`, at);
    const raw = byCamera(await prometheus.raw(`${name}[${window}]`, at));
    expect(Object.keys(rate).sort()).toEqual(['back', 'cellar', 'front']);
    for (const source of sources()) {
      const samples = raw.get(source.cameraId) ?? [];
      expect(rate[source.cameraId]).toBeCloseTo(rateOf(samples, at, seconds) ?? NaN, 9);
      // The window has seen the counter's whole life, which Prometheus prolongs by 1.1 steps to the window's end at most.
      const increase = (rate[source.cameraId] ?? NaN) * seconds;
      const count = source.getMetrics()[own];
      const steps = samples.length - 1;
      expect(increase).toBeGreaterThanOrEqual(count * 0.999);
      expect(increase).toBeLessThanOrEqual(count * (1 + 1.2 / steps));
    }
    expect(rate['cellar']).toBe(0);
    expect(rate[own === 'frames' ? 'front' : 'back']).toBeGreaterThan(0);
  });

  it('kvs_hls_connection_state{camera_id=~".*"} == 4', async () => {
    expect(await values('kvs_hls_connection_state{camera_id=~".*"} == 4')).toEqual({
      cellar: ConnectionState.ERROR,
    });
    expect(await values('kvs_hls_connection_state')).toEqual({
      front: ConnectionState.CONNECTED,
      back: ConnectionState.CONNECTED,
      cellar: ConnectionState.ERROR,
    });
  });

  it('time() - kvs_hls_last_frame_timestamp', async () => {
    const at = Date.now();
    const ago = await values('time() - kvs_hls_last_frame_timestamp', at);
    const since = (one: Reader): number => (at - (one.frames.at(-1)?.timestampMs ?? NaN)) / 1000;
    expect(ago['front']).toBeCloseTo(since(reader), 3);
    expect(ago['back']).toBeCloseTo(since(troubledReader), 3);
    // Never had a frame.
    expect(ago['cellar']).toBeCloseTo(at / 1000, 3);
  });

  it('sum(kvs_hls_read_errors_total)', async () => {
    const [sum] = await prometheus.query('sum(kvs_hls_read_errors_total)');
    const own = sources().map((source) => source.getMetrics().readErrors);
    expect(sum?.value).toBe(own.reduce((a, b) => a + b, 0));
    expect(sum?.value).toBeGreaterThanOrEqual(3);
  });
});

describe('the histogram of frame ages', () => {
  it.each([0.5, 0.95, 0.99])(
    'has its quantile %d in the bucket that it is in by the test',
    async (quantile) => {
      const buckets = await prometheus.query('kvs_hls_frame_age_seconds_bucket{camera_id="front"}');
      const bounds = buckets.map(({ labels }) => Number(labels['le']?.replace('+Inf', 'Infinity')));
      bounds.sort((a, b) => a - b);
      const ages = reader.frames.map(({ atMs, timestampMs }) => (atMs - timestampMs) / 1000);
      ages.sort((a, b) => a - b);
      const expected = ages[Math.ceil(quantile * ages.length) - 1] ?? NaN;
      const below = (age: number): number => bounds.findLast((bound) => bound < age) ?? 0;
      const above = (age: number): number => bounds.find((bound) => bound >= age) ?? NaN;
      const { front } = await values(`histogram_quantile(${quantile}, kvs_hls_frame_age_seconds_bucket)`);
      expect(front).toBeGreaterThanOrEqual(below(expected - AGE_TOLERANCE_SECONDS));
      expect(front).toBeLessThanOrEqual(above(expected + AGE_TOLERANCE_SECONDS));
    },
  );

  it('counts every frame, and adds up their ages', async () => {
    const count = await values('kvs_hls_frame_age_seconds_count');
    expect(count).toEqual({ front: reader.frames.length, back: troubledReader.frames.length, cellar: 0 });
    const mean = await values('kvs_hls_frame_age_seconds_sum / kvs_hls_frame_age_seconds_count');
    const own = reader.frames.reduce((sum, one) => sum + one.atMs - one.timestampMs, 0) / 1000;
    expect(Math.abs((mean['front'] ?? NaN) - own / reader.frames.length)).toBeLessThan(AGE_TOLERANCE_SECONDS);
  });
});

describe('what deploy/ holds', () => {
  const VARIABLES = { job: '.+', camera_id: '.+', __rate_interval: '5m', __range: '1h' };

  it('names only series that a source shows', async () => {
    const shown = new Set(
      (await registry.getMetricsAsJSON()).flatMap(({ name, type }) =>
        (type as unknown) === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
      ),
    );
    const named = seriesNamesIn(
      dashboardQueries(VARIABLES)
        .map(({ expr }) => expr)
        .join('\n'),
    );
    const expressions = [...readFileSync(RULES, 'utf8').matchAll(/^ +expr: (?:>-\n(?: {10}.*\n)+|.*\n)/gm)];
    const ruled = seriesNamesIn(expressions.join('\n'));
    expect(named.length).toBeGreaterThan(20);
    expect(ruled.length).toBeGreaterThan(10);
    expect([...named, ...ruled].filter((name) => !shown.has(name))).toEqual([]);
  });

  it('has a dashboard of which every query finds something', async () => {
    const queries = dashboardQueries(VARIABLES);
    expect(queries.filter(({ expr }) => expr.includes('$'))).toEqual([]);
    const silent: string[] = [];
    for (const { title, expr } of queries) {
      if ((await prometheus.query(expr)).length === 0) silent.push(`${title}: ${expr}`);
    }
    expect(silent).toEqual([]);
  });

  it('has a dashboard whose panels have names of their own and do not overlap', () => {
    const { panels, templating } = readDashboard();
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'camera_id']);
    expect(templating.list.find(({ name }) => name === 'camera_id')?.multi).toBe(true);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos, title } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.has(`${x} ${y}`), x < 24]).toEqual([title, false, true]);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  it('has alert rules that see the camera that failed, and nothing else', async () => {
    const answer = (await (await prometheus.get('/api/v1/rules')).json()) as {
      data: { groups: { rules: { name: string; health: string; alerts: Alert[] }[] }[] };
    };
    interface Alert {
      labels: Labels;
      annotations: Labels;
    }
    const rules = answer.data.groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    const alerts = rules.flatMap((rule) => rule.alerts);
    expect(alerts.map(({ labels }) => `${labels['alertname']} ${cameraOf(labels)}`)).toEqual([
      'KvsCameraFailed cellar',
    ]);
    expect(alerts[0]?.annotations['summary']).toBe('cellar: the reader has given up');
  });
});

describe('the exposition', () => {
  it('has nothing that promtool complains of', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const input = await (await fetch(`${server.url}/metrics`, { headers })).text();
    expect(input).toContain('kvs_hls_frames_total{camera_id="front"}');
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input, encoding: 'utf8' });
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  });

  it('loses the series of a source that was stopped, and keeps those of one that keeps them', async () => {
    const before = await values('kvs_hls_frames_total');
    await Promise.all(sources().map((source) => source.stop()));
    await until('its series go', async () => !('front' in (await values('kvs_hls_frames_total'))));
    await untilScrapes(2);
    expect(await values('kvs_hls_frames_total')).toEqual({ back: before['back'], cellar: 0 });
    const left = await prometheus.query('count by (camera_id) ({__name__=~"kvs_hls_.+"})');
    expect(left.map(({ labels }) => cameraOf(labels)).sort()).toEqual(['back', 'cellar']);
    // Else nobody would be woken where the program stops what has failed.
    expect(await values('kvs_hls_connection_state == 4')).toEqual({ cellar: ConnectionState.ERROR });
    // What was there stays in the history.
    expect(byCamera(await prometheus.raw('kvs_hls_frames_total[1h]', Date.now())).get('front')).toBeDefined();
  });

  it('was scraped without an error, a warning or a sample twice, all the time', async () => {
    expect(await prometheus.query('min_over_time(up[1h])')).toMatchObject([{ value: 1 }]);
    expect(prometheus.log.split('\n').filter((line) => /level=(warn|error)/.test(line))).toEqual([]);
    const own = await (await prometheus.get('/metrics')).text();
    const refused = own.match(
      /^prometheus_target_scrapes_(sample_(duplicate_timestamp|out_of_bounds|out_of_order)|exceeded_\w+)_total .*$/gm,
    );
    expect(refused?.length).toBeGreaterThanOrEqual(4);
    expect(refused?.filter((line) => !line.endsWith(' 0'))).toEqual([]);
  });
});
