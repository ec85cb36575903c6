import { describe, expect, it, jest } from '@jest/globals';
import { Registry } from 'prom-client';
import { silentLogger } from '../../lib/logger';
import { Histogram } from '../../lib/metrics/histogram';
import { FRAME_AGE_BOUNDS, type SourceReading } from '../../lib/metrics/reading';
import { publishSource } from '../../lib/metrics/registry-metrics';
import { FakeSource, linesOf } from '../support/shown-source';

describe('the series of sources that end', () => {
  const frames = (registry: Registry): Promise<Record<string, number>> =>
    linesOf(registry, 'kvs_hls_frames_total');
  const ageOf = (...ages: number[]): SourceReading['frameAge'] => {
    const frameAge = new Histogram(FRAME_AGE_BOUNDS);
    for (const age of ages) frameAge.observe(age);
    return frameAge.read();
  };

  it('go with the source, and the next one of the camera begins anew', async () => {
    const registry = new Registry();
    const a = new FakeSource('a', registry);
    new FakeSource('b', registry);
    a.show({ frames: 100 });
    a.unpublish();
    expect(await registry.metrics()).not.toContain('camera_id="a"');
    expect(await frames(registry)).toEqual({ '{camera_id="b"}': 0 });
    new FakeSource('a', registry);
    expect(await frames(registry)).toEqual({ '{camera_id="b"}': 0, '{camera_id="a"}': 0 });
  });

  it('stay with their last values where that is asked for, and a later source counts on from them', async () => {
    const registry = new Registry();
    const first = new FakeSource('a', registry, { keep: true });
    first.show({ frames: 100, frameAge: ageOf(1, 2), bufferedFrames: 7, status: 'flowing' });
    first.unpublish();
    first.show({ frames: 999 });
    first.unpublish();
    expect(await frames(registry)).toEqual({ '{camera_id="a"}': 100 });
    expect(await linesOf(registry, 'kvs_hls_buffered_frames')).toEqual({ '{camera_id="a"}': 7 });
    const second = new FakeSource('a', registry, { keep: true });
    second.show({ frames: 1, frameAge: ageOf(2), bufferedFrames: 2, status: 'connecting' });
    expect(await frames(registry)).toEqual({ '{camera_id="a"}': 101 });
    expect(await linesOf(registry, 'kvs_hls_frame_age_seconds')).toMatchObject({
      '_bucket{camera_id="a",le="1"}': 1,
      '_bucket{camera_id="a",le="2"}': 3,
      '_count{camera_id="a"}': 3,
      '_sum{camera_id="a"}': 5,
    });
    expect(await linesOf(registry, 'kvs_hls_buffered_frames')).toEqual({ '{camera_id="a"}': 2 });
    expect(await linesOf(registry, 'kvs_hls_status')).toMatchObject({
      '{camera_id="a",status="flowing"}': 0,
      '{camera_id="a",status="connecting"}': 1,
    });
  });

  it('go after all where they were kept and are let go of, unless a later source of the camera has them', async () => {
    const registry = new Registry();
    const failed = new FakeSource('a', registry);
    failed.show({ frames: 100 });
    failed.unpublish(true);
    expect(await frames(registry)).toEqual({ '{camera_id="a"}': 100 });
    failed.unpublish(false);
    expect(await frames(registry)).toEqual({});

    const again = new FakeSource('a', registry);
    again.show({ frames: 7 });
    again.unpublish(true);
    const later = new FakeSource('a', registry);
    again.unpublish(false);
    again.unpublish(true);
    expect(await frames(registry)).toEqual({ '{camera_id="a"}': 7 });
    later.unpublish(false);
    expect(await frames(registry)).toEqual({});
  });

  it('add up over the live sources of a camera, and gauges are the later one’s', async () => {
    const registry = new Registry();
    const first = new FakeSource('a', registry);
    const second = new FakeSource('a', registry);
    first.show({ frames: 10, bufferedFrames: 5, session: { ageSeconds: 9, expiresInSeconds: null } });
    second.show({
      frames: 1,
      bufferedFrames: 2,
      calls: [{ api: 'GetDataEndpoint', result: 'ok', count: 4 }],
    });
    first.show({ calls: [{ api: 'GetDataEndpoint', result: 'KVS_DENIED', count: 3 }] });
    expect(await frames(registry)).toEqual({ '{camera_id="a"}': 11 });
    expect(await linesOf(registry, 'kvs_hls_buffered_frames')).toEqual({ '{camera_id="a"}': 2 });
    expect(await linesOf(registry, 'kvs_hls_session_age_seconds')).toEqual({});
    expect(await linesOf(registry, 'kvs_hls_control_calls_total')).toMatchObject({
      '{camera_id="a",api="GetDataEndpoint",result="ok"}': 4,
      '{camera_id="a",api="GetDataEndpoint",result="KVS_DENIED"}': 3,
    });
  });

  it('do not fall while another source of the camera lives, and go with the last', async () => {
    const registry = new Registry();
    const first = new FakeSource('a', registry);
    const second = new FakeSource('a', registry);
    first.show({ frames: 10, bufferedFrames: 5 });
    second.show({ frames: 1, bufferedFrames: 2 });
    second.unpublish();
    expect(await frames(registry)).toEqual({ '{camera_id="a"}': 11 });
    expect(await linesOf(registry, 'kvs_hls_buffered_frames')).toEqual({ '{camera_id="a"}': 5 });
    first.unpublish();
    expect(await frames(registry)).toEqual({});
  });

  it('hold no more lines after many sources of a camera than after one', async () => {
    const registry = new Registry();
    const lines = new Set<number>();
    for (let i = 1; i <= 20; i += 1) {
      const source = new FakeSource('a', registry, { keep: true });
      source.show({ frames: 1 });
      source.unpublish();
      expect(await frames(registry)).toEqual({ '{camera_id="a"}': i });
      lines.add((await registry.metrics()).split('\n').length);
    }
    expect(lines.size).toBe(1);
  });
});

describe('a source that can not be read', () => {
  const failures = (registry: Registry): Promise<Record<string, number>> =>
    linesOf(registry, 'kvs_hls_metrics_errors_total');
  const broken = (): never => {
    throw new Error('no numbers from https://kvs.example/hls?SessionToken=AbCd');
  };

  it('leaves the others as they are, shows its last numbers, and is counted and told', async () => {
    const registry = new Registry();
    const warn = jest.fn();
    const a = new FakeSource('a', registry, { logger: { ...silentLogger, warn } });
    const b = new FakeSource('b', registry);
    a.show({ frames: 5 });
    await registry.metrics();
    jest.replaceProperty(a, 'reading', undefined as never);
    b.show({ frames: 6 });
    expect(await linesOf(registry, 'kvs_hls_frames_total')).toEqual({
      '{camera_id="a"}': 5,
      '{camera_id="b"}': 6,
    });
    expect(await failures(registry)).toEqual({ '{camera_id="a"}': 2, '{camera_id="b"}': 0 });
    expect(warn).toHaveBeenCalledTimes(2);
    expect(warn).toHaveBeenLastCalledWith(
      expect.stringMatching(/^a: its metrics could not be read: TypeError/),
    );
  });

  it('shows nothing but that before it was read once', async () => {
    const registry = new Registry();
    const warn = jest.fn();
    const end = publishSource('a', broken, registry, { ...silentLogger, warn });
    expect(await failures(registry)).toEqual({ '{camera_id="a"}': 1 });
    expect(await linesOf(registry, 'kvs_hls_frames_total')).toEqual({});
    expect(() => end(true)).not.toThrow();
    expect(warn).toHaveBeenLastCalledWith(
      'a: its metrics could not be read: Error: no numbers from https://kvs.example/hls?SessionToken=…',
    );
  });

  it('does not make the counters of its camera fall when it ends', async () => {
    const registry = new Registry();
    const a = new FakeSource('a', registry, { keep: true });
    a.show({ frames: 5 });
    await registry.metrics();
    jest.replaceProperty(a, 'reading', undefined as never);
    a.unpublish();
    expect(await linesOf(registry, 'kvs_hls_frames_total')).toEqual({ '{camera_id="a"}': 5 });
  });
});
