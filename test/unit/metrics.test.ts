import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { newCounters as countersOf, publishCounters, type SourceCounters } from '../../lib/metrics';
import { Ledger } from '../../lib/policy/ledger';
import { ConnectionState } from '../../lib/policy/supervisor';

const newCounters = (): SourceCounters => countersOf(new Ledger());

async function valuesOf(registry: Registry, name: string): Promise<Record<string, number>> {
  const metrics = (await registry.getMetricsAsJSON()) as {
    name: string;
    values: { labels: { camera_id?: string }; value: number }[];
  }[];
  const metric = metrics.find((one) => one.name === name);
  return Object.fromEntries((metric?.values ?? []).map((one) => [one.labels.camera_id ?? '', one.value]));
}

describe('the metrics', () => {
  it('are the six of the Python reader, with its names, types and label, two of holes and one of drops', async () => {
    const registry = new Registry();
    publishCounters('a', newCounters(), registry);
    const text = await registry.metrics();
    expect(text.match(/^# TYPE .*$/gm)).toEqual([
      '# TYPE kvs_hls_reconnects_total counter',
      '# TYPE kvs_hls_frames_total counter',
      '# TYPE kvs_hls_url_refreshes_total counter',
      '# TYPE kvs_hls_read_errors_total counter',
      '# TYPE kvs_hls_last_frame_timestamp gauge',
      '# TYPE kvs_hls_connection_state gauge',
      '# TYPE kvs_hls_gaps_total counter',
      '# TYPE kvs_hls_gap_seconds_total counter',
      '# TYPE kvs_hls_dropped_frames_total counter',
    ]);
    expect(text).toContain('kvs_hls_frames_total{camera_id="a"} 0');
  });

  it('show the numbers of the moment of the scrape, for any number of sources on one registry', async () => {
    const registry = new Registry();
    const a = newCounters();
    const b = newCounters();
    publishCounters('a', a, registry);
    publishCounters('b', b, registry);
    a.frames = 5;
    b.connectionState = ConnectionState.CONNECTED;
    expect(await valuesOf(registry, 'kvs_hls_frames_total')).toEqual({ a: 5, b: 0 });
    a.frames = 6;
    expect(await valuesOf(registry, 'kvs_hls_frames_total')).toEqual({ a: 6, b: 0 });
    expect(await valuesOf(registry, 'kvs_hls_connection_state')).toEqual({ a: 0, b: 2 });
  });

  it('never fall when a source ends and another of the same camera begins', async () => {
    const registry = new Registry();
    const first = newCounters();
    const unpublish = publishCounters('a', first, registry);
    first.frames = 100;
    unpublish();
    unpublish();
    expect(await valuesOf(registry, 'kvs_hls_frames_total')).toEqual({ a: 100 });
    const second = newCounters();
    publishCounters('a', second, registry);
    second.frames = 1;
    expect(await valuesOf(registry, 'kvs_hls_frames_total')).toEqual({ a: 101 });
  });

  it('count holes and drops by cause, also over sources that ended', async () => {
    const registry = new Registry();
    const ledgers = [new Ledger(), new Ledger()];
    const unpublish = publishCounters('a', countersOf(ledgers[0]!), registry);
    publishCounters('a', countersOf(ledgers[1]!), registry);
    for (const ledger of ledgers) ledger.withdrawn({ frames: 3, ms: 120 }, 'latest');
    unpublish();
    ledgers[0]!.withdrawn({ frames: 99, ms: 120 }, 'latest');
    const text = await registry.metrics();
    expect(text).toContain('kvs_hls_dropped_frames_total{camera_id="a",cause="latest"} 6');
    expect(text).toContain('kvs_hls_dropped_frames_total{camera_id="a",cause="age"} 0');
  });
});
