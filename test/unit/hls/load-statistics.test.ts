import { Worker } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import { FETCH_BOUNDS_SECONDS, LoadStatistics } from '../../../lib/hls/load-statistics.js';
import type { LoadEvent, LoadOutcome, ResourceKind } from '../../../lib/hls/loader.js';
import { ROOT } from '../../support/child';

const KINDS: ResourceKind[] = ['master', 'playlist', 'init', 'fragment'];
const STATUSES: [status: number, shown: string][] = [
  [200, '200'],
  [206, '206'],
  [400, '400'],
  [401, '401'],
  [403, '403'],
  [404, '404'],
  [429, '429'],
  [500, '500'],
  [502, '502'],
  [503, '503'],
  [504, '504'],
  [204, '2xx'],
  [302, '3xx'],
  [416, '4xx'],
  [599, '5xx'],
  [0, 'none'],
];
const RESULTS: LoadOutcome[] = [
  'ok',
  'cancelled',
  'HLS_STATUS',
  'HLS_SESSION_EXPIRED',
  'HLS_NETWORK',
  'HLS_TIMEOUT',
  'HLS_TOO_LARGE',
  'HLS_TRUNCATED',
  'HLS_PLAYLIST_INVALID',
  'HLS_UNDECODABLE',
  'HLS_UNSUPPORTED',
  'HLS_FOREIGN_ORIGIN',
  'HLS_STALLED',
];

function event(about: Partial<LoadEvent> = {}): LoadEvent {
  return { kind: 'fragment', status: 200, bytes: 0, ms: 1, result: 'ok', ...about };
}

describe('before the first request', () => {
  test('there is nothing to tell', () => {
    const { counts, bytesByKind, secondsByKind, bandwidthBytesPerSecond } = new LoadStatistics().read();
    expect(counts).toEqual([]);
    expect(bytesByKind).toEqual({ master: 0, playlist: 0, init: 0, fragment: 0 });
    expect(bandwidthBytesPerSecond).toBeNull();
    expect(Object.keys(secondsByKind)).toEqual(KINDS);
    expect(secondsByKind.init.counts).toEqual(Array(FETCH_BOUNDS_SECONDS.length + 1).fill(0));
    expect(secondsByKind.init.sum).toBe(0);
  });
});

describe('requests', () => {
  test('are counted by kind, status and result, none mixed up with another', () => {
    const loads = new LoadStatistics();
    const expected = [];
    let index = 0;
    for (const kind of KINDS) {
      for (const [status, shown] of STATUSES) {
        for (const result of RESULTS) {
          const count = 1 + (index++ % 11);
          for (let i = 0; i < count; i++) loads.count(event({ kind, status, result }));
          expected.push({ kind, status: shown, result, count });
        }
      }
    }
    expect(loads.read().counts).toEqual(expected);
  });

  test('with a status that is not told of itself are counted under its class, 600 and more as 5xx', () => {
    const loads = new LoadStatistics();
    for (const status of [201, 299, 300, 399, 402, 410, 499, 501, 599, 600, 999]) {
      loads.count(event({ status, result: 'HLS_STATUS' }));
    }
    const shown = loads.read().counts.map(({ status, count }) => [status, count]);
    expect(shown).toEqual([
      ['2xx', 2],
      ['3xx', 2],
      ['4xx', 3],
      ['5xx', 4],
    ]);
  });

  test('have their bytes and times added up by kind', () => {
    const loads = new LoadStatistics();
    loads.count(event({ bytes: 70_000, ms: 80 }));
    loads.count(event({ bytes: 30_000, ms: 20.5 }));
    loads.count(event({ status: 403, result: 'HLS_SESSION_EXPIRED', ms: 4 }));
    loads.count(event({ kind: 'playlist', bytes: 900, ms: 3 }));
    const { bytesByKind, secondsByKind } = loads.read();
    expect(bytesByKind).toEqual({ master: 0, playlist: 900, init: 0, fragment: 100_000 });
    expect(secondsByKind.fragment.sum).toBeCloseTo(0.1045, 9);
    expect(secondsByKind.playlist.sum).toBeCloseTo(0.003, 9);
    expect(secondsByKind.master.sum).toBe(0);
  });

  test('go into the bucket whose bound they do not exceed, longer ones than all into one more', () => {
    const loads = new LoadStatistics();
    const seconds = [0, 0.005, 0.0051, 0.1, 29.9, 30, 30.1, 100];
    for (const one of seconds) loads.count(event({ ms: one * 1000 }));
    const { bounds, counts } = loads.read().secondsByKind.fragment;
    expect(bounds).toEqual([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]);
    expect(counts).toEqual([2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 2]);
  });

  test('may bring more bytes than 32 bits count', () => {
    const loads = new LoadStatistics();
    for (let i = 0; i < 200; i++) loads.count(event({ bytes: 50_000_000 }));
    expect(loads.read().bytesByKind.fragment).toBe(10_000_000_000);
  });
});

describe('the bandwidth', () => {
  test('is what downloads of fragments bring of late', () => {
    const loads = new LoadStatistics();
    loads.measure({ bytes: 1_000_000, ms: 500, mediaMs: 2000 });
    expect(loads.read().bandwidthBytesPerSecond).toBe(2_000_000);
    loads.measure({ bytes: 1_000_000, ms: 2000, mediaMs: 2000 });
    const lower = loads.read().bandwidthBytesPerSecond!;
    expect(lower).toBeGreaterThan(500_000);
    expect(lower).toBeLessThan(1_000_000);
  });

  test('stays unknown while nothing that tells of it was downloaded, and is never 0', () => {
    const loads = new LoadStatistics();
    loads.measure({ bytes: 0, ms: 500, mediaMs: 2000 });
    loads.measure({ bytes: 1000, ms: 500, mediaMs: 0 });
    expect(loads.read().bandwidthBytesPerSecond).toBeNull();
    loads.measure({ bytes: 1, ms: 30_000, mediaMs: 2000 });
    expect(loads.read().bandwidthBytesPerSecond).toBe(1);
  });
});

describe('shared memory', () => {
  test('is of one size, and what others made of it count goes on there', () => {
    const loads = new LoadStatistics();
    loads.count(event());
    const other = new LoadStatistics(loads.buffer);
    other.count(event());
    other.measure({ bytes: 1000, ms: 1000, mediaMs: 1000 });
    expect(other.buffer).toBe(loads.buffer);
    expect(loads.read()).toEqual(other.read());
    expect(loads.read().counts).toEqual([{ kind: 'fragment', status: '200', result: 'ok', count: 2 }]);
    expect(loads.read().bandwidthBytesPerSecond).toBe(1000);
    expect(loads.buffer.byteLength).toBe(new LoadStatistics().buffer.byteLength);
  });

  test('loses no count of several threads, while another one reads numbers that never fall', async () => {
    const loads = new LoadStatistics();
    const each = 20_000;
    const code = `
      const { workerData } = require('node:worker_threads');
      const { LoadStatistics } = require(${JSON.stringify(`${ROOT}/dist/hls/load-statistics.js`)});
      const loads = new LoadStatistics(workerData);
      for (let i = 0; i < ${each}; i++) {
        loads.count({ kind: 'fragment', status: 200, bytes: 300_000, ms: 40, result: 'ok' });
      }`;
    let running = 2;
    const ended = [1, 2].map(
      () =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(code, { eval: true, workerData: loads.buffer });
          worker.on('error', reject).on('exit', () => {
            running -= 1;
            resolve();
          });
        }),
    );
    let [last, fallen] = [0, 0];
    while (running > 0) {
      const now = loads.read().bytesByKind.fragment;
      if (now < last || now % 300_000 !== 0) fallen += 1;
      last = now;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(ended);
    expect(fallen).toBe(0);
    const { counts, bytesByKind, secondsByKind } = loads.read();
    expect(counts).toEqual([{ kind: 'fragment', status: '200', result: 'ok', count: 2 * each }]);
    expect(bytesByKind.fragment).toBe(2 * each * 300_000);
    expect(secondsByKind.fragment.sum).toBeCloseTo(2 * each * 0.04, 6);
  });
});
