import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Bench, numbers } from './bench.js';
import { DURATION_MS, ScriptedSession, type ListOptions } from './camera.js';
import { fragmentBytes } from './media.js';
import { fastClock, status, type Reply } from './server.js';

let bench: Bench;

beforeEach(async () => {
  bench = new Bench();
  await bench.server.start();
});

afterEach(() => bench.stop());

const UNDATED: ListOptions = { dates: false };

describe('without dates, the next session', () => {
  test('goes on behind the last fragment, known by what it holds; nothing is fetched twice', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, UNDATED), status(403));
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 5, UNDATED), b.list(1, 6, { ...UNDATED, ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([2, 3, 4, 5, 6]);
    expect(second.fragments.every(({ lost, discontinuity }) => lost === null && !discontinuity)).toBe(true);
    // 5, 4, 3, and 2, which is known; then 6.
    expect(bench.server.times('/b/f')).toBe(5);
  });

  test('waits if its list lags behind', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, UNDATED), a.list(0, 4, UNDATED), status(403));
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 3, UNDATED), b.list(1, 4, UNDATED), b.list(2, 6, { ...UNDATED, ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([2, 3, 4, 5, 6]);
    expect(second.fragments[0]?.lost).toBeNull();
  });

  test('that shares nothing goes on at its live edge, and says how much time went by', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, UNDATED), a.list(0, 2, UNDATED), status(403));
    const b = new ScriptedSession(bench.server, 'b', 20);
    b.lists(b.list(20, 24, UNDATED), b.list(20, 25, { ...UNDATED, ended: true }));
    const from = bench.follower();
    await bench.read(from, a);
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { fragments } = await bench.read(from, b);
    expect(numbers(fragments)).toEqual([24, 25]);
    expect(fragments.map(({ discontinuity }) => discontinuity)).toEqual([true, false]);
    const { lost } = fragments[0]!;
    expect(lost).toMatchObject({ count: 0, cause: 'outage' });
    expect(lost!.ms).toBeGreaterThan(10_000 - DURATION_MS);
    expect(bench.warnings.join()).toContain('nothing in common');
  });

  test('is not waited for fragment by fragment when the server asks for pauses', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, UNDATED), status(403));
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 5, UNDATED), b.list(1, 6, { ...UNDATED, ended: true }));
    const gone = status(404, '', { 'retry-after': '7' });
    // The newest twice, each other once.
    const looks = Array<Reply>(6).fill(gone);
    bench.server.sequence('/b/f', ...looks, fragmentBytes(5), fragmentBytes(6));
    const from = bench.follower({ clock: fastClock(10) });
    await bench.read(from, a);
    expect(numbers((await bench.read(from, b)).fragments)).toEqual([5, 6]);
    const asked = bench.server.requests.filter((path) => path.startsWith('/b/f'));
    expect(asked.map((path) => /FragmentNumber=(\d+)/.exec(path)?.[1]).join(' ')).toBe('4 4 3 2 1 0 4 5');
  });

  test('is not placed by a picture that stands still', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, UNDATED), a.list(0, 4, UNDATED), status(403));
    bench.server.set('/a/f', fragmentBytes(7));
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 5, { ...UNDATED }), b.list(1, 6, { ...UNDATED, ended: true }));
    bench.server.set('/b/f', fragmentBytes(7));
    const from = bench.follower();
    await bench.read(from, a);
    const { fragments } = await bench.read(from, b);
    expect(fragments.map(({ sequence }) => sequence)).toEqual([4, 5]);
    expect(fragments[0]?.lost).toMatchObject({ count: 0, cause: 'outage' });
  });

  test('gets the fragments that the last one refused and gave up', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, UNDATED), a.list(0, 4, UNDATED));
    bench.server.sequence('/a/f', fragmentBytes(2), status(404), status(404), status(403));
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 5, { ...UNDATED, ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    expect(first.error).toMatchObject({ code: 'HLS_SESSION_EXPIRED' });
    // A recording is read from its start unless something is known of it.
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([2, 3, 4, 5]);
    expect(second.fragments[0]?.lost).toBeNull();
  });
});

describe('the next session, dated an hour ahead of what went by,', () => {
  const AHEAD: ListOptions = { aheadMs: 3_600_000 };

  test('goes on behind the last fragment, known by what it holds', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 4), status(403));
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 5, AHEAD), b.list(1, 6, { ...AHEAD, ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([2, 3, 4, 5, 6]);
    expect(second.fragments.every(({ lost }) => lost === null)).toBe(true);
  });

  test('is read from its beginning where it shares nothing', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), status(403));
    const b = new ScriptedSession(bench.server, 'b', 20);
    b.lists(b.list(20, 22, AHEAD), b.list(20, 23, { ...AHEAD, ended: true }));
    const from = bench.follower();
    await bench.read(from, a);
    expect(numbers((await bench.read(from, b)).fragments)).toEqual([20, 21, 22, 23]);
  });
});

describe('without dates, an offered session', () => {
  test('takes over once it is proved to list the last fragment, without loss or repetition', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(...[2, 3, 4, 4, 5, 6, 6, 7].map((last) => a.list(0, last, UNDATED)));
    const b = new ScriptedSession(bench.server, 'b', 3);
    b.lists(
      b.list(3, 4, UNDATED),
      b.list(3, 5, UNDATED),
      b.list(3, 6, UNDATED),
      b.list(3, 7, UNDATED),
      b.list(3, 9, { ...UNDATED, ended: true }),
    );
    const from = bench.follower();
    let switched: Promise<void> | undefined;
    const { fragments, error } = await bench.read(from, a, (_fragment, count) => {
      if (count === 1) switched = from.offer(bench.session(b), new AbortController().signal);
    });
    await switched;
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(fragments.every(({ lost, discontinuity }) => lost === null && !discontinuity)).toBe(true);
    expect(new Set(fragments.map(({ sessionId }) => sessionId)).size).toBe(2);
  });

  test('takes over as it stands once that is hopeless', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, UNDATED), a.list(0, 3, UNDATED));
    const b = new ScriptedSession(bench.server, 'b', 20);
    b.lists(
      b.list(20, 21, UNDATED),
      b.list(20, 22, UNDATED),
      b.list(20, 23, UNDATED),
      b.list(20, 24, { ...UNDATED, ended: true }),
    );
    const from = bench.follower();
    let switched: Promise<void> | undefined;
    const { fragments } = await bench.read(from, a, (_fragment, count) => {
      if (count === 1) switched = from.offer(bench.session(b), new AbortController().signal);
    });
    await switched;
    expect(numbers(fragments)).toEqual([2, 3, 23, 24]);
    expect(fragments[2]).toMatchObject({ lost: { count: 0, cause: 'outage' }, discontinuity: true });
  });
});

test('dates tell without a fragment being looked at', async () => {
  const a = new ScriptedSession(bench.server, 'a', 0);
  a.lists(a.list(0, 2), status(403));
  const b = new ScriptedSession(bench.server, 'b', 1);
  b.lists(b.list(1, 4, { ended: true }));
  const from = bench.follower();
  await bench.read(from, a);
  expect(numbers((await bench.read(from, b)).fragments)).toEqual([3, 4]);
  expect(bench.server.times('/b/f')).toBe(2);
});
