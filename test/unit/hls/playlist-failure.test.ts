import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Bench, numbers } from './bench.js';
import { ScriptedSession } from './camera.js';
import { fastClock, status, type Reply } from './server.js';

let bench: Bench;

beforeEach(async () => {
  bench = new Bench();
  await bench.server.start();
});

afterEach(() => bench.stop());

describe('a playlist that fails', () => {
  test('for a moment is asked for again, and nothing is lost', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(
      a.list(0, 2),
      status(503),
      status(500),
      (request) => void request.socket.destroy(),
      a.list(0, 4, { ended: true }),
    );
    const { fragments, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([2, 3, 4]);
  });

  test('by being garbled, empty or cut short for a moment is asked for again', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const text = a.list(0, 3);
    a.lists(
      a.list(0, 2),
      '\u0000\u0001 no playlist',
      '',
      (_request, response) => {
        response.writeHead(200, { 'content-length': String(text.length) });
        response.write(text.slice(0, 40), () => response.destroy());
      },
      a.list(0, 4, { ended: true }),
    );
    const { fragments, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([2, 3, 4]);
  });

  test('with a Retry-After is asked for no sooner, and ends the run if that is beyond its patience', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const at: number[] = [];
    const clock = fastClock(40);
    const noted =
      (reply: Reply): Reply =>
      (request, response, times) => {
        at.push(clock.monotonic());
        if (typeof reply === 'function') reply(request, response, times);
        else response.end(reply);
      };
    a.lists(
      a.list(0, 2),
      noted(status(429, '', { 'retry-after': '7' })),
      noted(a.list(0, 3)),
      status(429, '', { 'retry-after': '60' }),
    );
    const { fragments, error } = await bench.read(bench.follower({ clock }), a);
    expect(numbers(fragments)).toEqual([2, 3]);
    expect(at[1]! - at[0]!).toBeGreaterThan(6500);
    expect(error).toMatchObject({ code: 'HLS_STATUS', status: 429, retryAfterMs: 60_000 });
    expect(bench.server.times('/a/list.m3u8')).toBe(4);
  });

  test('four times in a row ends the run', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), status(503));
    const { error } = await bench.read(bench.follower(), a);
    expect(error).toMatchObject({ code: 'HLS_STATUS', status: 503, resource: 'playlist' });
    expect(bench.server.times('/a/list.m3u8')).toBe(5);
  });

  test.each([403, 404])('with %d ends the run at once', async (code) => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), status(code));
    const { error } = await bench.read(bench.follower(), a);
    expect(error).toMatchObject({ status: code });
    expect(bench.server.times('/a/list.m3u8')).toBe(2);
  });

  test('by standing still for ten seconds gives HLS_STALLED, which says how long, and by which limit', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2).replace('TARGETDURATION:2', 'TARGETDURATION:20'));
    const clock = fastClock(40);
    const from = bench.follower({ clock });
    const startedMs = clock.monotonic();
    const { fragments, error } = await bench.read(from, a, () => expect(from.stallLimitMs).toBe(10_000));
    expect(numbers(fragments)).toEqual([2]);
    expect(error).toMatchObject({ code: 'HLS_STALLED' });
    expect((error as Error).message).toMatch(
      /no new fragment for 1\d{4} ms; by its rhythm it may for 10000 ms/,
    );
    expect(clock.monotonic() - startedMs).toBeLessThan(15_000);
  });

  test('by standing still for as long as its fragments are is not stalled', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const slow = (text: string): string => text.replaceAll('#EXTINF:2,', '#EXTINF:20,');
    const clock = fastClock(80);
    let listedMs = Infinity;
    const last = slow(a.list(0, 3, { dates: false, ended: true }));
    a.lists((_request, response) => {
      listedMs = Math.min(listedMs, clock.monotonic());
      const isLate = clock.monotonic() - listedMs > 35_000;
      response.end(isLate ? last : slow(a.list(0, 2, { dates: false })));
    });
    const { fragments, error } = await bench.read(bench.follower({ clock }), a);
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([2, 3]);
  });

  test('by going backwards, to an old copy, changes nothing', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(
      a.list(0, 4),
      a.list(0, 2),
      a.list(1, 3),
      a.list(0, 5),
      a.list(0, 4),
      a.list(2, 6, { ended: true }),
    );
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([4, 5, 6]);
    expect(fragments.every(({ lost, discontinuity }) => lost === null && !discontinuity)).toBe(true);
  });

  test('because it is a master where a list is expected is told', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlist.m3u8\n');
    expect((await bench.read(bench.follower(), a)).error).toMatchObject({ code: 'HLS_PLAYLIST_INVALID' });
  });

  test('because fMP4 comes without an init section is told', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, { init: null }));
    expect((await bench.read(bench.follower(), a)).error).toMatchObject({ code: 'HLS_PLAYLIST_INVALID' });
  });
});
