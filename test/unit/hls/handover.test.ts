import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Fragment } from '../../../lib/hls/fragment.js';
import { Bench, numbers } from './bench.js';
import { ScriptedSession } from './camera.js';
import { fragmentBytes } from './media.js';
import { fastClock, status } from './server.js';

let bench: Bench;

beforeEach(async () => {
  bench = new Bench();
  await bench.server.start();
});

afterEach(() => bench.stop());

describe('the next session', () => {
  test('goes on where the last was cut off by 403, though its numbers begin afresh', async () => {
    const a = new ScriptedSession(bench.server, 'a', 100);
    a.lists(a.list(100, 102), a.list(101, 103), status(403));
    const b = new ScriptedSession(bench.server, 'b', 102);
    b.lists(b.list(102, 106, { ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    expect(first.error).toMatchObject({ code: 'HLS_SESSION_EXPIRED', resource: 'playlist' });
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([102, 103, 104, 105, 106]);
    expect(second.fragments[0]).toMatchObject({
      sequence: 2,
      sessionId: bench.sessions,
      lost: null,
      discontinuity: false,
    });
    expect(second.fragments[0]?.init).toBe(first.fragments[0]?.init);
  });

  test('repeats the fragment that the last refused', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3, { ended: true }));
    bench.server.sequence('/a/f', fragmentBytes(0), status(403));
    const b = new ScriptedSession(bench.server, 'b', 0);
    b.lists(b.list(0, 3, { ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    expect(first.error).toMatchObject({ code: 'HLS_SESSION_EXPIRED', resource: 'fragment' });
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([0, 1, 2, 3]);
  });

  test('may list in the right order what the last listed, and was read, in the wrong one', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const lines = a.list(0, 6).split('\n');
    const [six, five] = [lines.splice(-3), lines.splice(-3)];
    a.lists(a.list(0, 4), [...lines, ...six, ...five].join('\n'), status(403));
    const b = new ScriptedSession(bench.server, 'b', 2);
    b.lists(b.list(2, 8, { ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([4, 6, 5, 7, 8]);
  });

  test('that begins later marks the break', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), status(403));
    const b = new ScriptedSession(bench.server, 'b', 10);
    b.lists(b.list(10, 11, { ended: true }));
    const from = bench.follower();
    await bench.read(from, a);
    const { fragments } = await bench.read(from, b);
    expect(numbers(fragments)).toEqual([10, 11]);
    expect(fragments.map(({ discontinuity }) => discontinuity)).toEqual([true, false]);
  });

  test('on the same URL without dates goes on by numbers', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, { dates: false }), status(404), a.list(1, 4, { dates: false, ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    expect(first.error).toMatchObject({ code: 'HLS_STATUS', status: 404 });
    const second = await bench.read(from, a);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([2, 3, 4]);
    expect(second.fragments[0]).toMatchObject({ lost: null, discontinuity: false });
  });
});

describe('a session that is offered', () => {
  test('takes over without loss or repetition while the old one plays', async () => {
    const a = new ScriptedSession(bench.server, 'a', 100);
    a.lists(a.list(100, 102), a.list(100, 103), a.list(101, 104));
    const b = new ScriptedSession(bench.server, 'b', 101);
    b.lists(b.list(101, 104), b.list(101, 105), b.list(102, 107, { ended: true }));
    const from = bench.follower();
    let switched: Promise<void> | undefined;
    const { fragments, error } = await bench.read(from, a, async (_fragment, count) => {
      if (count === 2) switched = from.offer(bench.session(b), new AbortController().signal);
      await switched;
    });
    await switched;
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([102, 103, 104, 105, 106, 107]);
    expect(fragments.some(({ discontinuity }) => discontinuity)).toBe(false);
    expect(new Set(fragments.map(({ sessionId }) => sessionId)).size).toBe(2);
    expect(new Set(fragments.map(({ init }) => init)).size).toBe(1);
  });

  test('waits until its list overlaps', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(...[...Array(9).keys()].map((n) => a.list(n, n + 2)));
    const b = new ScriptedSession(bench.server, 'b', 6);
    b.lists(b.list(6, 6), b.list(6, 7), b.list(6, 8), b.list(6, 9, { ended: true }));
    const from = bench.follower();
    let switched: Promise<void> | undefined;
    const { fragments } = await bench.read(from, a, (_fragment, count) => {
      if (count === 1) switched = from.offer(bench.session(b), new AbortController().signal);
    });
    await switched;
    expect(numbers(fragments)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(fragments.some(({ discontinuity, lost }) => discontinuity || lost !== null)).toBe(false);
  });

  test('that can not be opened is refused, and the old one goes on', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 3), a.list(0, 4, { ended: true }));
    const from = bench.follower();
    const { fragments } = await bench.read(from, a, async (_fragment, count) => {
      if (count !== 1) return;
      await expect(
        from.offer(bench.session({ url: `${bench.server.origin}/none.m3u8` }), new AbortController().signal),
      ).rejects.toMatchObject({
        code: 'HLS_STATUS',
        status: 404,
      });
    });
    expect(numbers(fragments)).toEqual([2, 3, 4]);
  });

  test('takes over as it stands when the old one fails before they overlap', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 3), status(403));
    const b = new ScriptedSession(bench.server, 'b', 8);
    b.lists(b.list(8, 9), b.list(8, 9), b.list(8, 9), b.list(8, 9), b.list(8, 10, { ended: true }));
    const from = bench.follower();
    let switched: Promise<void> | undefined;
    const { fragments, error } = await bench.read(from, a, (_fragment, count) => {
      if (count === 1) switched = from.offer(bench.session(b), new AbortController().signal);
    });
    await switched;
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([2, 3, 8, 9, 10]);
    expect(fragments.map(({ discontinuity }) => discontinuity)).toEqual([false, false, true, false, false]);
  });

  test('fetches again what was under way when the old one refused it', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3));
    const b = new ScriptedSession(bench.server, 'b', 2);
    b.lists(b.list(2, 5, { ended: true }));
    const from = bench.follower({ startFragmentsBehind: 1 });
    let refuse: (() => void) | undefined;
    bench.server.sequence('/a/f', fragmentBytes(2), (request, response) => {
      refuse = () => status(403)(request, response);
    });
    const { fragments, error } = await bench.read(from, a, async (_fragment, count) => {
      if (count !== 1) return;
      while (refuse === undefined) await new Promise((resolve) => setImmediate(resolve));
      await from.offer(bench.session(b), new AbortController().signal);
      refuse();
    });
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([2, 3, 4, 5]);
  });

  test('is waited for while it is being opened, when the old one refuses a fragment', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3));
    const b = new ScriptedSession(bench.server, 'b', 2);
    b.lists(b.list(2, 5, { ended: true }));
    let open: (() => void) | undefined;
    bench.server.set('/b/master.m3u8', (_request, response) => {
      open = () => response.end('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlist.m3u8\n');
    });
    const from = bench.follower({ startFragmentsBehind: 1 });
    bench.server.sequence('/a/f', fragmentBytes(2), (request, response) => {
      const refuse = (): void => {
        if (open === undefined) return void setImmediate(refuse);
        status(403)(request, response);
        setTimeout(open, 20);
      };
      refuse();
    });
    let switched: Promise<void> | undefined;
    const { fragments, error } = await bench.read(from, a, (_fragment, count) => {
      if (count === 1) switched = from.offer(bench.session(b), new AbortController().signal);
    });
    await switched;
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([2, 3, 4, 5]);
    expect(fragments.every(({ lost, discontinuity }) => lost === null && !discontinuity)).toBe(true);
  });

  test('that can not be opened after all leaves the old one to end with its own error', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3));
    let refuse: (() => void) | undefined;
    bench.server.set('/b/master.m3u8', (request, response) => {
      refuse = () => status(404)(request, response);
    });
    const from = bench.follower({ startFragmentsBehind: 1 });
    bench.server.sequence('/a/f', fragmentBytes(2), (request, response) => {
      const refuseBoth = (): void => {
        if (refuse === undefined) return void setImmediate(refuseBoth);
        status(403)(request, response);
        setTimeout(refuse, 20);
      };
      refuseBoth();
    });
    let offered: Promise<unknown> | undefined;
    const { error } = await bench.read(from, a, (_fragment, count) => {
      const b = { url: `${bench.server.origin}/b/master.m3u8` };
      if (count === 1)
        offered = from.offer(bench.session(b), new AbortController().signal).catch((e: unknown) => e);
    });
    expect(error).toMatchObject({ code: 'HLS_SESSION_EXPIRED' });
    expect(await offered).toMatchObject({ code: 'HLS_STATUS', status: 404 });
  });

  test('takes over though the old one waits until it may ask for its playlist again', async () => {
    const clock = fastClock(40);
    const a = new ScriptedSession(bench.server, 'a', 0);
    let refused = false;
    a.lists(a.list(0, 2), (request, response) => {
      status(503, '', { 'retry-after': '9' })(request, response);
      refused = true;
    });
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 4, { ended: true }));
    const from = bench.follower({ clock });
    const run = from.run(bench.session(a), new AbortController().signal);
    expect(numbers([(await run.next()).value as Fragment])).toEqual([2]);
    const next = run.next();
    while (!refused) await new Promise((resolve) => setImmediate(resolve));
    const refusedMs = clock.monotonic();
    await from.offer(bench.session(b), new AbortController().signal);
    expect(numbers([(await next).value as Fragment])).toEqual([3]);
    expect(clock.monotonic() - refusedMs).toBeLessThan(9000);
    await run.return(null);
  });

  test('does not take a fragment away that the old one is still sending', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3));
    const b = new ScriptedSession(bench.server, 'b', 2);
    b.lists(b.list(2, 5, { ended: true }));
    const from = bench.follower({ startFragmentsBehind: 1 });
    let finish: (() => void) | undefined;
    bench.server.sequence('/a/f', fragmentBytes(2), (_request, response) => {
      const bytes = fragmentBytes(3);
      response.write(bytes.subarray(0, 20));
      finish = () => response.end(bytes.subarray(20));
    });
    const { fragments, error } = await bench.read(from, a, async (_fragment, count) => {
      if (count !== 1) return;
      while (finish === undefined) await new Promise((resolve) => setImmediate(resolve));
      await from.offer(bench.session(b), new AbortController().signal);
      finish();
    });
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([2, 3, 4, 5]);
    expect(fragments.map(({ sessionId }) => sessionId - fragments[0]!.sessionId)).toEqual([0, 0, 1, 1]);
    expect(bench.server.times('/b/f')).toBe(2);
  });

  test('needs a session that runs, and is dropped when that one ends', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const b = new ScriptedSession(bench.server, 'b', 50).lists(
      new ScriptedSession(bench.server, 'b', 50).list(50, 51),
    );
    a.lists(a.list(0, 2), a.list(0, 3, { ended: true }));
    const from = bench.follower();
    await expect(from.offer(bench.session(b), new AbortController().signal)).rejects.toThrow(
      'Nothing is running',
    );
    let offered: Promise<void> | undefined;
    await bench.read(from, a, (_fragment, count) => {
      if (count !== 1) return;
      offered = from.offer(bench.session(b), new AbortController().signal);
      offered.catch(() => {});
    });
    await expect(offered).rejects.toThrow('has ended');
  });
});
