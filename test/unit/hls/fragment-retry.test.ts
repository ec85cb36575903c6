import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.js';
import { Loader } from '../../../lib/hls/loader.js';
import { Bench, numbers } from './bench.js';
import { DURATION_MS, ScriptedSession, type ListOptions } from './camera.js';
import { fragmentBytes, initBytes } from './media.js';
import { fastClock, status, type Reply } from './server.js';

let bench: Bench;

beforeEach(async () => {
  bench = new Bench();
  await bench.server.start();
});

afterEach(() => bench.stop());

const lost = (count: number, cause: string) => ({ count, ms: count * DURATION_MS, cause });

/** Answers a session's fragments, some of them by replies of their own: in turn, the last for ever. */
function fragments(name: string, base: number, special: Record<number, Reply[]>): number[] {
  const asked: number[] = [];
  bench.server.set(`/${name}/f`, (request: IncomingMessage, response: ServerResponse) => {
    const number =
      base + Number(new URL(request.url ?? '', 'http://host').searchParams.get('FragmentNumber'));
    const times = asked.filter((other) => other === number).length;
    asked.push(number);
    const replies = special[number] ?? [];
    const reply = replies[Math.min(times, replies.length - 1)] ?? fragmentBytes(number);
    if (typeof reply === 'function') reply(request, response, times + 1);
    else response.end(reply);
  });
  return asked;
}

const reset: Reply = (request) => void request.socket.destroy();

describe('a fragment whose request fails', () => {
  test('is asked for again as long as the window holds it, and nothing is lost', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 3), a.list(1, 4), a.list(2, 5, { ended: true }));
    const asked = fragments('a', 0, { 3: [status(503), reset, status(500), reset, fragmentBytes(3)] });
    const { fragments: read, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([2, 3, 4, 5]);
    expect(read.every((fragment) => fragment.lost === null)).toBe(true);
    expect(asked.filter((number) => number === 3)).toHaveLength(5);
  });

  test('is lost once the window has slid past, and reading goes on', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 3), a.list(4, 6), a.list(4, 7, { ended: true }));
    fragments('a', 0, { 3: [status(503)] });
    const { fragments: read, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([2, 4, 5, 6, 7]);
    expect(read.map((fragment) => fragment.lost)).toEqual([null, lost(1, 'window-slid'), null, null, null]);
  });

  test("for ten seconds is the session's fault, and the next session fetches it", async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 3));
    const asked = fragments('a', 0, { 3: [status(503)] });
    const b = new ScriptedSession(bench.server, 'b', 1);
    b.lists(b.list(1, 4, { ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    expect(first.error).toMatchObject({ code: 'HLS_STATUS', status: 503, resource: 'fragment' });
    expect(asked.length).toBeGreaterThan(5);
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([2, 3, 4]);
    expect(second.fragments[0]?.lost).toBeNull();
  });

  test("one after another for ten seconds is the session's fault, also if each leaves the window before", async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), ...Array.from({ length: 100 }, (_, n) => a.list(n + 3, n + 3)));
    const refused = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [n + 3, [status(503)]]));
    const asked = fragments('a', 0, refused);
    const { fragments: read, error } = await bench.read(bench.follower(), a);
    expect(numbers(read)).toEqual([2]);
    expect(error).toMatchObject({ code: 'HLS_STATUS', status: 503, resource: 'fragment' });
    expect(new Set(asked).size).toBeGreaterThan(3);
    // Before the list stood still.
    expect(Math.max(...asked)).toBeLessThan(102);
  });

  test.each([404, 410])('by %d with a Retry-After of an hour is given up without a pause', async (code) => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 5, { ended: true }));
    const asked = fragments('a', 0, { 3: [status(code, '', { 'retry-after': '3600' })] });
    const { fragments: read, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([2, 4, 5]);
    expect(read[1]?.lost).toEqual(lost(1, 'window-slid'));
    expect(asked).toEqual([2, 3, 4, 5]);
  });

  test('for being throttled is asked for no sooner than the server says', async () => {
    const clock = { ...systemClock, now: Date.now };
    const pauses: number[] = [];
    const after = (ms: number, callback: () => void): (() => void) => {
      if (ms === 3000) pauses.push(ms);
      return systemClock.after(Math.min(ms, 20), callback);
    };
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 1, { ended: true }));
    const asked = fragments('a', 0, { 1: [status(429, '', { 'retry-after': '3' }), fragmentBytes(1)] });
    const { fragments: read } = await bench.read(bench.follower({ clock: { ...clock, after } }), a);
    expect(numbers(read)).toEqual([0, 1]);
    expect(asked).toEqual([0, 1, 1]);
    expect(pauses).toEqual([3000]);
  });

  test('of a recording is given up after some tries, and what is lost at the end is returned', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 4, { ended: true }));
    const asked = fragments('a', 0, { 1: [reset], 3: [status(404)], 4: [status(410)] });
    const { fragments: read, lost: atEnd, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([0, 2]);
    expect(read[1]).toMatchObject({ lost: lost(1, 'outage'), discontinuity: true });
    expect(atEnd).toEqual(lost(2, 'window-slid'));
    expect(asked.filter((number) => number === 1).length).toBeGreaterThanOrEqual(5);
  });
});

describe('the time for which the requests of a session fail', () => {
  /** The list of each poll has one fragment more: one in about 2 s. */
  const growing = (a: ScriptedSession, first: number, from: number, to: number, options: ListOptions = {}) =>
    Array.from({ length: to - from + 1 }, (_, n) => a.list(first, from + n, options));

  test('does not go on while fragments come damaged one after another', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(...growing(a, 0, 2, 10), a.list(0, 11, { ended: true }));
    const damaged = Object.fromEntries([3, 4, 5, 6, 7, 8, 9].map((n) => [n, [Buffer.alloc(40)]]));
    const asked = fragments('a', 0, { ...damaged, 10: [reset, fragmentBytes(10)] });
    const { fragments: read, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([2, 10, 11]);
    expect(asked.filter((number) => number === 10)).toHaveLength(2);
  });

  test('does not go on while the list has nothing to ask for', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const before = Object.fromEntries([4, 5, 6, 7, 8, 9].map((number) => [number, ['#EXT-X-GAP']]));
    a.lists(
      a.list(0, 2),
      a.list(0, 3),
      ...growing(a, 4, 4, 10, { before }),
      a.list(4, 11, { before, ended: true }),
    );
    fragments('a', 0, { 3: [status(503)], 10: [reset, fragmentBytes(10)] });
    const { fragments: read, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([2, 10, 11]);
    expect(read[1]?.lost).toEqual(lost(7, 'window-slid'));
  });

  test('begins anew behind a fragment that is given up, however long that took', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 4, { ended: true }));
    // Together more than the ten seconds that a session has.
    const [gone, late] = [404, 503].map((code) => status(code, '', { 'retry-after': '7' }));
    const asked = fragments('a', 0, { 3: [gone!], 4: [late!, fragmentBytes(4)] });
    const { fragments: read, error } = await bench.read(bench.follower({ clock: fastClock(10) }), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([2, 4]);
    expect(asked).toEqual([2, 3, 3, 4, 4]);
  });
});

describe('a damaged fragment', () => {
  const cut = (number: number): Buffer => fragmentBytes(number).subarray(0, 40);

  test('is fetched once more, and used if it is whole then', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, { ended: true }));
    const asked = fragments('a', 0, { 1: [cut(1), fragmentBytes(1)] });
    const { fragments: read } = await bench.read(bench.follower(), a);
    expect(numbers(read)).toEqual([0, 1, 2]);
    expect(asked).toEqual([0, 1, 1, 2]);
  });

  test('is given up the second time, and so is the next: more than three in a row are told and passed', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 7, { ended: true }));
    const bad = Object.fromEntries([1, 2, 3, 4, 5, 6].map((number) => [number, [cut(number)]]));
    const asked = fragments('a', 0, bad);
    const { fragments: read, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([0, 7]);
    expect(read[1]).toMatchObject({ lost: lost(6, 'media'), discontinuity: true });
    expect(asked).toHaveLength(2 + 12);
  });

  test("ten times in a row is the session's fault; the next one goes on behind, and all are told", async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 12, { ended: true }));
    const damaged = Array.from({ length: 11 }, (_, index) => index + 1);
    fragments('a', 0, Object.fromEntries(damaged.map((number) => [number, [cut(number)]])));
    const from = bench.follower();
    const first = await bench.read(from, a);
    expect(first.error).toMatchObject({ code: 'HLS_TRUNCATED' });
    const second = await bench.read(from, a);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([0, 12]);
    expect(second.fragments[0]?.lost).toEqual(lost(11, 'media'));
  });

  test('that is larger than the limit is given up at once', async () => {
    const loader = new Loader({ clock: systemClock, limits: { maxFragmentBytes: 1000 } });
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, { ended: true }));
    const asked = fragments('a', 0, { 1: [fragmentBytes(1, 2000)] });
    const { fragments: read } = await bench.read(bench.follower({ loader }), a);
    loader.close();
    expect(numbers(read)).toEqual([0, 2]);
    expect(read[1]?.lost).toEqual(lost(1, 'policy'));
    expect(asked).toEqual([0, 1, 2]);
  });
});

describe('an init section', () => {
  test('that fails is asked for again, and the media it belongs to is not', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 1, { ended: true }));
    const asked = fragments('a', 0, {});
    bench.server.sequence('/a/init.mp4', status(503), status(503), initBytes(1));
    const { fragments: read, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(read)).toEqual([0, 1]);
    expect(asked).toEqual([0, 1]);
  });

  test('that is damaged each time gives up the fragments that need it', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    bench.server.set('/a/bad.mp4', Buffer.alloc(11));
    const before = { 1: ['#EXT-X-MAP:URI="bad.mp4"'], 3: ['#EXT-X-MAP:URI="init.mp4"'] };
    a.lists(a.list(0, 3, { ended: true, before }));
    const { fragments: read } = await bench.read(bench.follower(), a);
    expect(numbers(read)).toEqual([0, 3]);
    expect(read[1]?.lost).toEqual(lost(2, 'media'));
    expect(bench.server.times('/a/bad.mp4')).toBe(4);
  });
});

describe('what is lost', () => {
  test('is not forgotten when the session ends before another fragment is handed over', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 5, { before: { 4: ['#EXT-X-GAP'] } }));
    fragments('a', 0, { 3: [fragmentBytes(3).subarray(0, 40)], 5: [status(403)] });
    const b = new ScriptedSession(bench.server, 'b', 3);
    b.lists(b.list(3, 5, { ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    expect(numbers(first.fragments)).toEqual([2]);
    expect(first.error).toMatchObject({ code: 'HLS_SESSION_EXPIRED' });
    const second = await bench.read(from, b);
    expect(numbers(second.fragments)).toEqual([5]);
    expect(second.fragments[0]?.lost).toMatchObject({ count: 2, ms: 2 * DURATION_MS });
  });

  test('by failing four times in a row is tried once more in the next session', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 7));
    fragments('a', 0, Object.fromEntries([3, 4, 5, 6, 7].map((number) => [number, [status(404)]])));
    const b = new ScriptedSession(bench.server, 'b', 2);
    b.lists(b.list(2, 8, { ended: true }));
    const from = bench.follower();
    const first = await bench.read(from, a);
    expect(first.error).toMatchObject({ code: 'HLS_STATUS', status: 404 });
    const second = await bench.read(from, b);
    expect(numbers([...first.fragments, ...second.fragments])).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(second.fragments[0]?.lost).toBeNull();
  });

  test.each([
    ['dates', true],
    ['no dates', false],
  ])(
    'behind the last fragment of a list with %s is told by the next session, if there is one',
    async (_n, dates) => {
      const a = new ScriptedSession(bench.server, 'a', 0);
      a.lists(a.list(0, 2, { dates }), a.list(0, 4, { dates, ended: true }));
      fragments('a', 0, { 3: [status(404)], 4: [status(404)] });
      const b = new ScriptedSession(bench.server, 'b', 0);
      b.lists(b.list(dates ? 2 : 5, 6, { dates, ended: true }));
      const from = bench.follower();
      const first = await bench.read(from, a);
      expect(first.lost).toEqual(lost(2, 'window-slid'));
      const second = await bench.read(from, b);
      expect(numbers(second.fragments)).toEqual([5, 6]);
      expect(second.fragments[0]?.lost).toMatchObject({ count: 2, cause: 'window-slid' });
      expect(second.fragments[1]?.lost).toBeNull();
      expect(second.lost).toBeNull();
    },
  );

  test('has the lengths that were listed while it was', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const longer = (text: string): string =>
      text.replace('#EXTINF:2,\nf?FragmentNumber=3', '#EXTINF:5,\nf?FragmentNumber=3');
    a.lists(a.list(0, 2), longer(a.list(0, 3)), a.list(5, 6, { ended: true }));
    fragments('a', 0, { 3: [status(404)] });
    const { fragments: read } = await bench.read(bench.follower(), a);
    expect(numbers(read)).toEqual([2, 5, 6]);
    expect(read[1]?.lost).toEqual({ count: 2, ms: 5000 + DURATION_MS, cause: 'window-slid' });
  });
});

describe('a fragment that is listed twice', () => {
  test('with the same date and the same media is handed over once', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const twice = (text: string): string =>
      text
        .replace(/(#EXT-X-PROGRAM-DATE-TIME:[^\n]+)\n#EXTINF:2,\nf\?FragmentNumber=1[^\n]*/, '$&\n$&')
        .replace(/FragmentNumber=1&/, 'FragmentNumber=1&Copy=1&');
    a.lists(twice(a.list(0, 3, { ended: true })));
    const { fragments: read } = await bench.read(bench.follower(), a);
    expect(numbers(read)).toEqual([0, 1, 2, 3]);
    expect(read.every(({ lost: missing, discontinuity }) => missing === null && !discontinuity)).toBe(true);
    expect(bench.server.times('/a/f')).toBe(5);
  });

  test('with the same date but other media is kept, and so is one with an earlier date', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const date = (number: number): RegExp =>
      new RegExp(`#EXT-X-PROGRAM-DATE-TIME:[^\\n]+(?=\\n#EXTINF:2,\\nf\\?FragmentNumber=${number}&)`);
    const text = a.list(0, 3, { ended: true });
    const first = date(0).exec(text)![0];
    a.lists(text.replace(date(1), first).replace(date(3), first));
    const { fragments: read } = await bench.read(bench.follower(), a);
    expect(numbers(read)).toEqual([0, 1, 2, 3]);
  });
});
