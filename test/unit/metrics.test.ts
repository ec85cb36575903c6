import { describe, expect, it } from '@jest/globals';
import {
  AggregatorRegistry,
  Gauge,
  Registry,
  type OpenMetricsContentType,
  type PrometheusContentType,
} from 'prom-client';
import { loadAddon } from '../../lib/frames/addon';
import { LoadStatistics } from '../../lib/hls/load-statistics';
import { Histogram } from '../../lib/metrics/histogram';
import { FRAME_AGE_BOUNDS } from '../../lib/metrics/reading';
import { allSeries } from '../../lib/metrics/series';
import { Ledger } from '../../lib/policy/ledger';
import { ConnectionState } from '../../lib/policy/supervisor';
import { FakeSource, linesOf } from '../support/shown-source';
import { newEngineStats } from '../support/source-reading';

describe('the metrics', () => {
  it('begin with the six of the Python reader, with its names, types and label', async () => {
    const registry = new Registry();
    new FakeSource('a', registry);
    const text = await registry.metrics();
    expect(text.match(/^# TYPE .*$/gm)?.slice(0, 6)).toEqual([
      '# TYPE kvs_hls_reconnects_total counter',
      '# TYPE kvs_hls_frames_total counter',
      '# TYPE kvs_hls_url_refreshes_total counter',
      '# TYPE kvs_hls_read_errors_total counter',
      '# TYPE kvs_hls_last_frame_timestamp gauge',
      '# TYPE kvs_hls_connection_state gauge',
    ]);
    expect(text).toContain('\nkvs_hls_frames_total{camera_id="a"} 0\n');
  });

  it('have names that stay apart where a registry takes the suffixes off', () => {
    const families = allSeries.map(({ name }) => name.replace(/_total$/, ''));
    expect(new Set(families).size).toBe(allSeries.length);
    expect(allSeries.filter(({ name, kind }) => name.endsWith('_total') !== (kind === 'counter'))).toEqual(
      [],
    );
  });

  it('show the numbers of the moment of the scrape, for any number of sources on one registry', async () => {
    const registry = new Registry();
    const a = new FakeSource('a', registry);
    const b = new FakeSource('b', registry);
    a.show({ frames: 5 });
    b.show({ connectionState: ConnectionState.CONNECTED });
    expect(await linesOf(registry, 'kvs_hls_frames_total')).toEqual({
      '{camera_id="a"}': 5,
      '{camera_id="b"}': 0,
    });
    a.show({ frames: 6 });
    expect(await linesOf(registry, 'kvs_hls_frames_total')).toMatchObject({ '{camera_id="a"}': 6 });
    expect(await linesOf(registry, 'kvs_hls_connection_state')).toMatchObject({ '{camera_id="b"}': 2 });
  });

  it('read each source once a scrape, and never between scrapes', async () => {
    const registry = new Registry();
    const a = new FakeSource('a', registry);
    const b = new FakeSource('a', registry);
    expect(a.reads).toBe(0);
    await registry.metrics();
    expect([a.reads, b.reads]).toEqual([1, 1]);
    await registry.getMetricsAsJSON();
    await registry.getSingleMetricAsString('kvs_hls_frames_total');
    expect([a.reads, b.reads]).toEqual([3, 3]);
  });

  it('show a source that is published within the turn of a scrape at the next one', async () => {
    const registry = new Registry();
    new FakeSource('a', registry);
    const first = registry.metrics();
    new FakeSource('b', registry);
    const second = registry.metrics();
    expect(await first).not.toContain('camera_id="b"');
    expect(await second).toContain('camera_id="b"');
  });

  it('leave the writing of camera ids with quotes, backslashes and newlines to prom-client', async () => {
    const registry = new Registry();
    new FakeSource('the "front"\nC:\\door', registry);
    expect(await registry.metrics()).toContain(
      String.raw`kvs_hls_frames_total{camera_id="the \"front\"\nC:\\door"} 0`,
    );
  });
});

describe('the metrics of a camera', () => {
  it('count holes and drops by cause, in seconds and frames, all causes from the start', async () => {
    const registry = new Registry();
    const source = new FakeSource('a', registry);
    const ledger = new Ledger();
    ledger.withdrawn({ frames: 3, ms: 120 }, 'latest');
    const gapsByCause = { ...ledger.totals, outage: { gaps: 2, ms: 4500 } };
    source.show({ gapsByCause, dropsByCause: ledger.drops, recoveredSeconds: 1.5 });
    expect(await linesOf(registry, 'kvs_hls_gap_seconds_total')).toEqual({
      '{camera_id="a",cause="producer"}': 0,
      '{camera_id="a",cause="window-slid"}': 0,
      '{camera_id="a",cause="outage"}': 4.5,
      '{camera_id="a",cause="media"}': 0,
      '{camera_id="a",cause="policy"}': 0,
      '{camera_id="a",cause="format"}': 0,
    });
    expect(await linesOf(registry, 'kvs_hls_gaps_total')).toMatchObject({
      '{camera_id="a",cause="outage"}': 2,
      '{camera_id="a",cause="media"}': 0,
    });
    expect(await linesOf(registry, 'kvs_hls_dropped_frames_total')).toEqual({
      '{camera_id="a",cause="selection"}': 0,
      '{camera_id="a",cause="latest"}': 3,
      '{camera_id="a",cause="age"}': 0,
    });
    expect(await linesOf(registry, 'kvs_hls_gap_recovered_seconds_total')).toEqual({
      '{camera_id="a"}': 1.5,
    });
  });

  it('count control calls and requests: what went well from the start on, failures once there are some', async () => {
    const registry = new Registry();
    const source = new FakeSource('a', registry);
    expect(await linesOf(registry, 'kvs_hls_control_calls_total')).toEqual({
      '{camera_id="a",api="GetDataEndpoint",result="ok"}': 0,
      '{camera_id="a",api="GetHLSStreamingSessionURL",result="ok"}': 0,
    });
    expect(Object.values(await linesOf(registry, 'kvs_hls_fetches_total'))).toEqual([0, 0, 0, 0]);
    source.show({
      calls: [
        { api: 'GetDataEndpoint', result: 'KVS_THROTTLED', count: 2 },
        { api: 'GetDataEndpoint', result: 'ok', count: 1 },
      ],
      loads: {
        ...source.reading.loads,
        counts: [
          { kind: 'fragment', status: '200', result: 'ok', count: 7 },
          { kind: 'fragment', status: 'none', result: 'HLS_TIMEOUT', count: 3 },
        ],
      },
    });
    expect(await linesOf(registry, 'kvs_hls_control_calls_total')).toEqual({
      '{camera_id="a",api="GetDataEndpoint",result="ok"}': 1,
      '{camera_id="a",api="GetHLSStreamingSessionURL",result="ok"}': 0,
      '{camera_id="a",api="GetDataEndpoint",result="KVS_THROTTLED"}': 2,
    });
    expect(await linesOf(registry, 'kvs_hls_fetches_total')).toMatchObject({
      '{camera_id="a",kind="fragment",status="200",result="ok"}': 7,
      '{camera_id="a",kind="fragment",status="none",result="HLS_TIMEOUT"}': 3,
      '{camera_id="a",kind="master",status="200",result="ok"}': 0,
    });
  });

  it('show the status as one 1 among zeros', async () => {
    const registry = new Registry();
    new FakeSource('a', registry).show({ status: 'idle', healthy: true });
    const lines = await linesOf(registry, 'kvs_hls_status');
    expect(Object.keys(lines)).toHaveLength(8);
    expect(Object.entries(lines).filter(([, value]) => value !== 0)).toEqual([
      ['{camera_id="a",status="idle"}', 1],
    ]);
    expect(await linesOf(registry, 'kvs_hls_healthy')).toEqual({ '{camera_id="a"}': 1 });
  });

  it('have no line for what is not there, and one when it is', async () => {
    const registry = new Registry();
    const source = new FakeSource('a', registry);
    const names = [
      'session_age_seconds',
      'session_expires_in_seconds',
      'bandwidth_bytes_per_second',
      'picture_width_pixels',
      'picture_height_pixels',
      'ring_slots',
      'ring_slots_used',
    ];
    const numbers = async (): Promise<number[]> =>
      (await Promise.all(names.map((name) => linesOf(registry, `kvs_hls_${name}`)))).flatMap((lines) =>
        Object.values(lines),
      );
    expect(await numbers()).toEqual([]);
    source.show({
      session: { ageSeconds: 12, expiresInSeconds: -3 },
      loads: { ...source.reading.loads, bandwidthBytesPerSecond: 250_000 },
      picture: { width: 1280, height: 720 },
      ring: { slots: 8, usedSlots: 5, bytes: 1000 },
    });
    expect(await numbers()).toEqual([12, -3, 250_000, 1280, 720, 8, 5]);
    source.show({ session: { ageSeconds: 13, expiresInSeconds: null } });
    expect(await numbers()).toEqual([13, 250_000, 1280, 720, 8, 5]);
  });

  it('show what the engine counts, by its own bounds, and memory by what it is for', async () => {
    const registry = new Registry();
    const source = new FakeSource('a', registry);
    expect(await linesOf(registry, 'kvs_hls_decode_seconds')).toEqual({});
    expect(await linesOf(registry, 'kvs_hls_decoder_opens_total')).toEqual({ '{camera_id="a"}': 0 });
    const { timeBounds } = loadAddon();
    const counts = timeBounds.map(() => 1);
    source.show({
      ring: { slots: 8, usedSlots: 5, bytes: 1000 },
      engine: newEngineStats({
        decodeTimes: { counts: [...counts, 2], sum: 8.25 },
        decoderOpens: 3,
        queuedFragments: 2,
        queuedBytes: 300,
        pictureBytes: 70,
      }),
    });
    const lines = await linesOf(registry, 'kvs_hls_decode_seconds');
    expect(lines[`_bucket{camera_id="a",le="${timeBounds[0]!}"}`]).toBe(1);
    expect(lines[`_bucket{camera_id="a",le="${timeBounds.at(-1)!}"}`]).toBe(timeBounds.length);
    expect(lines['_bucket{camera_id="a",le="+Inf"}']).toBe(timeBounds.length + 2);
    expect(lines['_sum{camera_id="a"}']).toBe(8.25);
    expect(lines['_count{camera_id="a"}']).toBe(timeBounds.length + 2);
    expect(await linesOf(registry, 'kvs_hls_decoder_opens_total')).toEqual({ '{camera_id="a"}': 3 });
    expect(await linesOf(registry, 'kvs_hls_queue_fragments')).toEqual({ '{camera_id="a"}': 2 });
    expect(await linesOf(registry, 'kvs_hls_native_memory_bytes')).toEqual({
      '{camera_id="a",kind="ring"}': 1000,
      '{camera_id="a",kind="queue"}': 300,
      '{camera_id="a",kind="pictures"}': 70,
    });
  });

  it('show how old frames were, and how long requests of each kind took, as histograms', async () => {
    const registry = new Registry();
    const source = new FakeSource('a', registry);
    const frameAge = new Histogram(FRAME_AGE_BOUNDS);
    for (const age of [0.05, 3.2, 90]) frameAge.observe(age);
    const loads = new LoadStatistics();
    loads.count({ kind: 'playlist', status: 200, bytes: 1234, ms: 20, result: 'ok' });
    source.show({ frameAge: frameAge.read(), loads: loads.read() });
    const ages = await linesOf(registry, 'kvs_hls_frame_age_seconds');
    expect(ages).toMatchObject({
      '_bucket{camera_id="a",le="0.1"}': 1,
      '_bucket{camera_id="a",le="3"}': 1,
      '_bucket{camera_id="a",le="4"}': 2,
      '_bucket{camera_id="a",le="60"}': 2,
      '_bucket{camera_id="a",le="+Inf"}': 3,
      '_count{camera_id="a"}': 3,
    });
    expect(ages['_sum{camera_id="a"}']).toBeCloseTo(93.25);
    expect(await linesOf(registry, 'kvs_hls_fetch_seconds')).toMatchObject({
      '_bucket{camera_id="a",kind="playlist",le="0.01"}': 0,
      '_bucket{camera_id="a",kind="playlist",le="0.025"}': 1,
      '_sum{camera_id="a",kind="playlist"}': 0.02,
      '_count{camera_id="a",kind="playlist"}': 1,
      '_count{camera_id="a",kind="fragment"}': 0,
    });
    expect(await linesOf(registry, 'kvs_hls_fetch_bytes_total')).toMatchObject({
      '{camera_id="a",kind="playlist"}': 1234,
    });
  });
});

describe('a registry', () => {
  it('gives all of it as JSON, from which a cluster adds up its workers', async () => {
    const registries = [new Registry(), new Registry()];
    for (const [i, registry] of registries.entries()) {
      const source = new FakeSource('a', registry);
      const frameAge = new Histogram(FRAME_AGE_BOUNDS);
      frameAge.observe(i + 0.9);
      source.show({
        frames: 10 + i,
        lastFrameTimestampSeconds: 1000 + i,
        healthy: i === 0,
        frameAge: frameAge.read(),
      });
    }
    const json = await Promise.all(registries.map((one) => one.getMetricsAsJSON()));
    const sum = AggregatorRegistry.aggregate<PrometheusContentType>(structuredClone(json));
    expect(await linesOf(sum, 'kvs_hls_frames_total')).toEqual({ '{camera_id="a"}': 21 });
    expect(await linesOf(sum, 'kvs_hls_last_frame_timestamp')).toEqual({ '{camera_id="a"}': 1001 });
    expect(await linesOf(sum, 'kvs_hls_healthy')).toEqual({ '{camera_id="a"}': 0 });
    expect(await linesOf(sum, 'kvs_hls_frame_age_seconds')).toMatchObject({
      '_bucket{camera_id="a",le="1"}': 1,
      '_bucket{camera_id="a",le="2"}': 2,
      '_count{camera_id="a"}': 2,
    });
  });

  it('adds its default labels, in text and in JSON', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ host: 'h1' });
    new FakeSource('a', registry);
    expect(await registry.metrics()).toContain('kvs_hls_frames_total{camera_id="a",host="h1"} 0');
    await registry.getMetricsAsJSON();
    const [metric] = await registry.getMetricsAsJSON();
    expect(metric?.values).toEqual([{ labels: { camera_id: 'a', host: 'h1' }, value: 0 }]);
  });

  it('gives a single metric by its name', async () => {
    const registry = new Registry();
    new FakeSource('a', registry).show({ frames: 5 });
    expect(await registry.getSingleMetricAsString('kvs_hls_frames_total')).toBe(
      [
        '# HELP kvs_hls_frames_total Frames handed to the program',
        '# TYPE kvs_hls_frames_total counter',
        'kvs_hls_frames_total{camera_id="a"} 5',
      ].join('\n'),
    );
    const metric = await registry.getSingleMetric('kvs_hls_frames_total')?.get();
    expect(metric?.values).toEqual([{ labels: { camera_id: 'a' }, value: 5 }]);
  });

  it('of the OpenMetrics kind writes it so, at each scrape', async () => {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const source = new FakeSource('a', registry);
    for (const frames of [1, 2]) {
      source.show({ frames });
      const text = await registry.metrics();
      expect(text).toContain(
        `# TYPE kvs_hls_frames counter\nkvs_hls_frames_total{camera_id="a"} ${frames}\n`,
      );
      expect(text).toContain('# TYPE kvs_hls_frame_age_seconds histogram\n');
      expect(text).toContain('kvs_hls_frame_age_seconds_bucket{camera_id="a",le="+Inf"} 0\n');
      expect(text).toMatch(/\n# EOF\n$/);
    }
    new FakeSource('b', registry);
    expect(await registry.metrics()).toContain('kvs_hls_frames_total{camera_id="b"} 0');
  });

  it('that was cleared has the metrics again from the next source on, those of older sources too', async () => {
    const registry = new Registry();
    new FakeSource('a', registry).show({ frames: 5 });
    registry.clear();
    expect(await registry.metrics()).toBe('\n');
    new FakeSource('b', registry);
    expect(await linesOf(registry, 'kvs_hls_frames_total')).toEqual({
      '{camera_id="a"}': 5,
      '{camera_id="b"}': 0,
    });
  });

  it('stays without the single metrics that were removed from it', async () => {
    const registry = new Registry();
    new FakeSource('a', registry);
    registry.removeSingleMetric('kvs_hls_fetch_seconds');
    new FakeSource('b', registry);
    const text = await registry.metrics();
    expect(text).not.toContain('kvs_hls_fetch_seconds');
    expect(text).toContain('kvs_hls_frames_total{camera_id="b"} 0');
  });

  it('that is reset shows what it did', async () => {
    const registry = new Registry();
    new FakeSource('a', registry).show({ frames: 5 });
    const before = await registry.metrics();
    registry.resetMetrics();
    expect(await registry.metrics()).toBe(before);
  });

  it('that has metrics of these names is refused, and nothing is added to it', async () => {
    const registry = new Registry();
    const mine = new Gauge({ name: 'kvs_hls_ring_slots', help: 'mine', registers: [registry] });
    expect(() => new FakeSource('a', registry)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/received one that has kvs_hls_ring_slots: .* `registry` of its own/),
      }),
    );
    expect(registry.getMetricsAsArray()).toEqual([mine]);
    registry.removeSingleMetric('kvs_hls_ring_slots');
    new FakeSource('b', registry);
    const text = await registry.metrics();
    expect(text).toContain('kvs_hls_frames_total{camera_id="b"} 0');
    expect(text).not.toContain('camera_id="a"');
  });
});
