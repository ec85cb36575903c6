import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fragment } from '../../../lib/hls/fragment.js';
import { LoadStatistics } from '../../../lib/hls/load-statistics.js';
import { RemoteFollower } from '../../../lib/hls/remote-follower.js';
import { DEFAULT_LIMITS } from '../../../lib/limits.js';
import { silentLogger } from '../../../lib/logger.js';
import { Bench, numbers } from './bench.js';
import { DURATION_MS, ScriptedSession, T0 } from './camera.js';

let bench: Bench;

beforeEach(async () => {
  bench = new Bench();
  await bench.server.start();
});

afterEach(() => bench.stop());

const endOf = (number: number): number => T0 + (number + 1) * DURATION_MS;

describe('a floor', () => {
  test('passes over fragments that end before it, unfetched, and the next one tells how much was', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 9, { ended: true }));
    const from = bench.follower();
    const { fragments, error } = await bench.read(from, a, (_fragment, count) => {
      // Fragment 1 is being fetched already; 4 ends right at the floor.
      if (count === 1) from.setFloor(endOf(4));
    });
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([0, 1, 4, 5, 6, 7, 8, 9]);
    expect(fragments[2]).toMatchObject({
      lost: { count: 2, ms: 2 * DURATION_MS, cause: 'policy' },
      discontinuity: true,
      isAdjacent: false,
    });
    expect(fragments.filter(({ lost }) => lost !== null)).toHaveLength(1);
    expect(bench.server.times('/a/f')).toBe(8);
    expect(bench.skipped.map(({ sequence, error }) => [sequence, error])).toEqual([
      [2, null],
      [3, null],
    ]);
    expect(bench.warnings).toEqual([]);
  });

  test('in the middle of a fragment lets it pass', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3, { ended: true }));
    const from = bench.follower();
    from.setFloor(endOf(1) + 1);
    expect(numbers((await bench.read(from, a)).fragments)).toEqual([2, 3]);
  });

  test('above all that is listed lets the newest of a live list pass, and the end tells what was passed over', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 4), a.list(3, 5, { ended: true }));
    const from = bench.follower();
    from.setFloor(endOf(9));
    const { fragments, lost } = await bench.read(from, a);
    expect(numbers(fragments)).toEqual([2, 4]);
    expect(lost).toEqual({ count: 1, ms: DURATION_MS, cause: 'policy' });
    expect(bench.server.times('/a/f')).toBe(2);
  });

  test('however many fragments it passes over, is none of the session', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 40, { ended: true }));
    const from = bench.follower();
    from.setFloor(endOf(39));
    const { fragments, error } = await bench.read(from, a);
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([39, 40]);
    expect(fragments[0]?.lost).toEqual({ count: 39, ms: 39 * DURATION_MS, cause: 'policy' });
  });

  test('does not hold for fragments without dates, and can be lowered again', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3, { dates: false, ended: true }));
    const from = bench.follower();
    from.setFloor(endOf(9));
    expect(numbers((await bench.read(from, a)).fragments)).toEqual([0, 1, 2, 3]);
    const b = new ScriptedSession(bench.server, 'b', 0);
    b.lists(b.list(0, 3, { ended: true }));
    const other = bench.follower();
    other.setFloor(endOf(9));
    other.setFloor(-Infinity);
    expect(numbers((await bench.read(other, b)).fragments)).toEqual([0, 1, 2, 3]);
  });

  test('reaches the follower on the network thread, before and during a run', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 12, { ended: true }));
    const settings = {
      allowedOrigins: [],
      limits: DEFAULT_LIMITS,
      startFragmentsBehind: 0,
      startAt: 'beginning',
      fragmentsPerSecond: Infinity,
    } as const;
    const remote = new RemoteFollower(settings, {
      cameraId: '',
      logger: silentLogger,
      loads: new LoadStatistics(),
    });
    remote.setFloor(endOf(2));
    const fragments: Fragment[] = [];
    for await (const fragment of remote.run(bench.session(a), new AbortController().signal)) {
      fragments.push(fragment);
      if (fragments.length === 1) remote.setFloor(endOf(10));
    }
    await remote.close();
    expect(numbers(fragments)[0]).toBe(2);
    expect(numbers(fragments).slice(-3)).toEqual([10, 11, 12]);
    expect(fragments.map(({ lost }) => lost?.cause ?? null)[0]).toBe('policy');
    expect(fragments.length).toBeLessThan(8);
  });
});
