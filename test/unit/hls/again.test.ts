import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Bench } from './bench.js';
import { ScriptedSession } from './camera.js';
import { fragmentBytes, initBytes, numberIn, tsBytes } from './media.js';
import { fastClock, status } from './server.js';

let bench: Bench;
const signal = new AbortController().signal;

beforeEach(async () => {
  bench = new Bench();
  await bench.server.start();
});

afterEach(() => bench.stop());

describe('a fragment that was handed over', () => {
  test('can be fetched once more while the next one is on its way, with its init section, past the cache', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3, { ended: true }));
    bench.server.sequence('/a/init.mp4', initBytes(1), initBytes(9));
    let release: (() => void) | undefined;
    bench.server.set('/a/f', (request, response, times) => {
      const number = Number(new URL(request.url ?? '', 'http://host').searchParams.get('FragmentNumber'));
      if (times !== 2) return void response.end(fragmentBytes(number));
      release = () => void response.end(fragmentBytes(number));
    });
    const from = bench.follower();
    const { fragments } = await bench.read(from, a, async ({ sessionId, sequence }, count) => {
      if (count !== 1) return;
      while (release === undefined) await new Promise((resolve) => setImmediate(resolve));
      const again = await from.again({ sessionId, sequence }, signal);
      expect(numberIn(again!.media)).toBe(0);
      expect(again!.init?.at(-1)).toBe(9);
      release();
    });
    expect(fragments.map(({ init }) => init?.at(-1))).toEqual([1, 1, 1, 1]);
    // Also after the run has ended.
    const last = fragments.at(-1)!;
    expect(numberIn((await from.again(last, signal))!.media)).toBe(3);
  });

  test('can be fetched while the follower waits for the next, from a session that was replaced', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2));
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 3));
    const from = bench.follower({ clock: fastClock(5) });
    const stop = new AbortController();
    const run = from.run(bench.session(a), stop.signal);
    const first = (await run.next()).value!;
    await from.offer(bench.session(b), signal);
    const second = (await run.next()).value!;
    const waiting = run.next();
    waiting.catch(() => {});
    for (const fragment of [first, second]) {
      const again = await from.again(fragment as { sessionId: number; sequence: number }, signal);
      expect(again?.media).toHaveLength(fragmentBytes(0).byteLength);
    }
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('has no init section if it is MPEG-TS', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    bench.server.set('/a/f', tsBytes(2));
    a.lists(a.list(0, 0, { ended: true, init: null }));
    const from = bench.follower();
    const { fragments } = await bench.read(from, a);
    expect(await from.again(fragments[0]!, signal)).toMatchObject({ init: null, media: { byteLength: 376 } });
  });

  test.each([
    ['is gone', status(404)],
    ['is refused', status(403)],
    ['is damaged', fragmentBytes(0).subarray(0, 30)],
  ])('is not there any more if it %s', async (_name, reply) => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 0, { ended: true }));
    const from = bench.follower();
    const { fragments } = await bench.read(from, a);
    bench.server.set('/a/f', reply);
    expect(await from.again(fragments[0]!, signal)).toBeNull();
  });

  test('is remembered until eight others were', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 8, { ended: true }));
    const from = bench.follower();
    const { fragments } = await bench.read(from, a);
    expect(await from.again(fragments[0]!, signal)).toBeNull();
    expect(await from.again(fragments[1]!, signal)).not.toBeNull();
    expect(await from.again({ sessionId: 99, sequence: 8 }, signal)).toBeNull();
    expect(bench.server.times('/a/f')).toBe(10);
  });

  test('is waited for ten seconds, or until the caller has gone', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 0, { ended: true }));
    const from = bench.follower();
    const { fragments } = await bench.read(from, a);
    bench.server.set('/a/f', () => {});
    expect(await from.again(fragments[0]!, signal)).toBeNull();
    const caller = new AbortController();
    const again = from.again(fragments[0]!, caller.signal);
    caller.abort(new Error('enough'));
    await expect(again).rejects.toThrow('enough');
  });
});
