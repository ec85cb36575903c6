import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.js';
import { Loader, type LoadRequest, type LoadResult } from '../../../lib/hls/loader.js';
import { Bench, numbers } from './bench.js';
import { DURATION_MS, ScriptedSession, T0 } from './camera.js';
import { fragmentBytes, initBytes, numberIn, tsBytes } from './media.js';
import { fastClock, status } from './server.js';

const SLID = { count: 1, ms: DURATION_MS, cause: 'window-slid' };

let bench: Bench;

beforeEach(async () => {
  bench = new Bench();
  await bench.server.start();
});

afterEach(() => bench.stop());

describe('a live session', () => {
  test('is entered at its newest fragment, and each one after it comes once and in order until ENDLIST', async () => {
    const a = new ScriptedSession(bench.server, 'a', 100);
    a.lists(
      a.list(100, 104),
      a.list(100, 104),
      a.list(101, 105),
      a.list(103, 107),
      a.list(103, 108, { ended: true }),
    );
    const { fragments, error } = await bench.read(bench.follower(), a);
    expect(error).toBeUndefined();
    expect(numbers(fragments)).toEqual([104, 105, 106, 107, 108]);
    expect(fragments[0]).toMatchObject({
      container: 'fmp4',
      dateMs: T0 + 104 * DURATION_MS,
      durationMs: DURATION_MS,
      sequence: 4,
      number: '4',
      sessionId: bench.sessions,
      discontinuity: false,
      lost: null,
    });
    expect(fragments.map(({ lost }) => lost)).toEqual([null, null, null, null, null]);
  });

  test('can be entered some fragments before the newest, or at its beginning', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 9), a.list(0, 9, { ended: true }));
    expect(numbers((await bench.read(bench.follower({ startFragmentsBehind: 2 }), a)).fragments)).toEqual([
      7, 8, 9,
    ]);
    const b = new ScriptedSession(bench.server, 'b', 0);
    b.lists(b.list(0, 3), b.list(0, 3, { ended: true }));
    expect(numbers((await bench.read(bench.follower({ startAt: 'beginning' }), b)).fragments)).toEqual([
      0, 1, 2, 3,
    ]);
  });

  test('whose window slid past says how many fragments are lost', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 4), a.list(8, 9, { ended: true }));
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([4, 8, 9]);
    expect(fragments[1]).toMatchObject({
      lost: { count: 3, ms: 3 * DURATION_MS, cause: 'window-slid' },
      discontinuity: true,
    });
    expect(fragments[2]).toMatchObject({ lost: null, discontinuity: false });
  });

  test('says how much time went by at most since a fragment became visible whose appearance was watched', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 2), a.list(0, 3), a.list(0, 3), a.list(0, 5, { ended: true }));
    const clock = fastClock(5);
    const startedMs = clock.monotonic();
    const { fragments } = await bench.read(bench.follower({ clock }), a);
    const spentMs = clock.monotonic() - startedMs;
    expect(numbers(fragments)).toEqual([2, 3, 4, 5]);
    const [first, second, third, fourth] = fragments.map(({ elapsedMs }) => elapsedMs);
    expect([first, second]).toEqual([null, null]);
    expect(third).toBeGreaterThan(2 * 200);
    expect(third).toBeLessThan(spentMs);
    expect(fourth).toBeLessThan(third!);
  });

  test('says so across a change of the session too, though nobody watched how the new list came about', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 2), a.list(0, 3), status(403));
    const b = new ScriptedSession(bench.server, 'b', 100);
    b.lists(b.list(100, 105), b.list(100, 105), b.list(100, 106), b.list(100, 106, { ended: true }));
    const clock = fastClock(5);
    const from = bench.follower({ clock });
    const startedMs = clock.monotonic();
    const before = await bench.read(from, a);
    expect(numbers(before.fragments)).toEqual([2, 3]);
    const { fragments } = await bench.read(from, b);
    const spentMs = clock.monotonic() - startedMs;
    expect(fragments.length).toBeGreaterThan(1);
    for (const { elapsedMs } of fragments) {
      expect(elapsedMs).toBeGreaterThanOrEqual(0);
      expect(elapsedMs).toBeLessThan(spentMs);
    }
  });

  test('that begins to count anew within what is listed goes on by dates', async () => {
    const a = new ScriptedSession(bench.server, 'a', 14);
    const again = new ScriptedSession(bench.server, 'again', 12);
    const moved = again.list(12, 22, { ended: true }).replaceAll('f?', '/again/f?');
    a.lists(a.list(14, 20), moved.replaceAll('init.mp4', '/a/init.mp4'));
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([20, 21, 22]);
  });

  test('may list two fragments in the wrong order, and in the right one later', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const lines = a.list(0, 6).split('\n');
    const [five, six] = [lines.splice(-6, 3), lines.splice(-3)];
    a.lists(a.list(0, 4), [...lines, ...six, ...five].join('\n'), a.list(0, 8, { ended: true }));
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([4, 6, 5, 7, 8]);
  });

  test('may show a copy of its list that is older than all that was listed of late', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(15, 20), a.list(8, 12), a.list(16, 22, { ended: true }));
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([20, 21, 22]);
    expect(fragments.map(({ lost }) => lost)).toEqual([null, null, null]);
  });

  test('that begins to count anew goes on by dates', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const again = new ScriptedSession(bench.server, 'again', 44);
    const moved = (text: string): string =>
      text.replaceAll('f?', '/again/f?').replaceAll('init.mp4', '/a/init.mp4');
    a.lists(a.list(42, 45), moved(again.list(44, 47)), moved(again.list(44, 47, { ended: true })));
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([45, 46, 47]);
    expect(fragments.map(({ discontinuity }) => discontinuity)).toEqual([false, false, false]);
  });

  test('may list a trailing discontinuity, and marks where one stands', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    const before = { 2: ['#EXT-X-DISCONTINUITY'] };
    a.lists(`${a.list(0, 1)}\n#EXT-X-DISCONTINUITY`, a.list(0, 3, { ended: true, before }));
    const { fragments } = await bench.read(bench.follower(), a);
    expect(fragments.map(({ discontinuity }) => discontinuity)).toEqual([false, true, false]);
  });

  test('fetches the next fragment while the consumer works on the last, and no more than that one', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 5, { ended: true }));
    const asked = (): number => bench.server.times('/a/f');
    const { fragments } = await bench.read(bench.follower(), a, async (_fragment, count) => {
      if (count !== 1) return;
      while (asked() < 2) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(asked()).toBe(2);
    });
    expect(fragments).toHaveLength(6);
  });

  test('asks for playlists no faster than five times a second', async () => {
    const clock = fastClock(10);
    const times: number[] = [];
    class TimedLoader extends Loader {
      override load(request: LoadRequest): Promise<LoadResult> {
        if (request.kind !== 'fragment' && request.kind !== 'init') times.push(clock.monotonic());
        return super.load(request);
      }
    }
    const timed = new TimedLoader({ clock: systemClock });
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(...Array<string>(12).fill(a.list(0, 1)), a.list(0, 2, { ended: true }));
    await bench.read(bench.follower({ clock, loader: timed }), a);
    timed.close();
    expect(times).toHaveLength(14);
    // Node's timers may be a millisecond early, which is ten of this clock.
    for (let i = 5; i < times.length; i++) expect(times[i]! - times[i - 5]!).toBeGreaterThan(980);
  });

  test('ends when the consumer stops reading, and can be read again', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 3, { ended: true }));
    const from = bench.follower();
    for await (const fragment of from.run(bench.session(a), new AbortController().signal)) {
      expect(numberIn(fragment.media)).toBe(2);
      break;
    }
    expect(numbers((await bench.read(from, a)).fragments)).toEqual([3]);
  });

  test('ends with the reason of its signal', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2));
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _ of bench.follower().run(bench.session(a), stop.signal))
        setImmediate(() => stop.abort(new Error('stopped')));
    })();
    await expect(reading).rejects.toThrow('stopped');
  });
});

describe('init sections', () => {
  test('are fetched once, and are the same object while their bytes are the same', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    bench.server.set('/a/new.mp4', initBytes(1)).set('/a/other.mp4', initBytes(2));
    const before = {
      2: ['#EXT-X-MAP:URI="new.mp4"'],
      4: ['#EXT-X-DISCONTINUITY', '#EXT-X-MAP:URI="other.mp4"'],
    };
    a.lists(a.list(0, 5, { ended: true, before }));
    const { fragments } = await bench.read(bench.follower(), a);
    const inits = fragments.map(({ init }) => init!);
    expect(inits.map((init) => inits.indexOf(init))).toEqual([0, 0, 0, 0, 4, 4]);
    expect(inits.map((init) => init.at(-1))).toEqual([1, 1, 1, 1, 2, 2]);
    expect(['init', 'new', 'other'].map((name) => bench.server.times(`/a/${name}.mp4`))).toEqual([1, 1, 1]);
  });
});

describe('a fragment that can not be had', () => {
  test('is skipped, counted and told when it is gone', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 5), a.list(0, 5), a.list(0, 6, { ended: true }));
    bench.server.sequence(
      '/a/f',
      fragmentBytes(2),
      fragmentBytes(3),
      status(404, 'ResourceNotFoundException'),
      status(404, 'ResourceNotFoundException'),
      fragmentBytes(5),
      fragmentBytes(6),
    );
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([2, 3, 5, 6]);
    expect(fragments.map(({ lost }) => lost)).toEqual([null, null, SLID, null]);
    expect(fragments[2]).toMatchObject({ discontinuity: true });
    expect(bench.skipped).toMatchObject([
      {
        sequence: 4,
        dateMs: T0 + 4 * DURATION_MS,
        durationMs: DURATION_MS,
        error: { code: 'HLS_STATUS', status: 404 },
      },
    ]);
  });

  test('counts once when the list has moved on without it', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2), a.list(0, 4), a.list(4, 6, { ended: true }));
    bench.server.sequence(
      '/a/f',
      fragmentBytes(2),
      status(404),
      fragmentBytes(4),
      fragmentBytes(5),
      fragmentBytes(6),
    );
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([2, 4, 5, 6]);
    expect(fragments.map(({ lost }) => lost)).toEqual([null, SLID, null, null]);
  });

  test('is skipped when its body is damaged each time', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 2, { ended: true }));
    const cut = fragmentBytes(1).subarray(0, 40);
    bench.server.sequence('/a/f', fragmentBytes(0), cut, cut, fragmentBytes(2));
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([0, 2]);
    expect(bench.skipped).toMatchObject([{ sequence: 1, error: { code: 'HLS_TRUNCATED' } }]);
  });

  test('is told by EXT-X-GAP and not asked for', async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 3, { ended: true, before: { 1: ['#EXT-X-GAP'], 2: ['#EXT-X-GAP'] } }));
    const { fragments } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([0, 3]);
    expect(fragments[1]).toMatchObject({
      lost: { count: 2, ms: 2 * DURATION_MS, cause: 'window-slid' },
      discontinuity: true,
    });
    expect(bench.skipped).toMatchObject([
      { sequence: 1, error: null },
      { sequence: 2, error: null },
    ]);
    expect(bench.server.times('/a/f')).toBe(2);
  });

  test("more than three times in a row is the session's fault", async () => {
    const a = new ScriptedSession(bench.server, 'a', 0);
    a.lists(a.list(0, 9, { ended: true }));
    bench.server.sequence('/a/f', fragmentBytes(0), status(404));
    const { fragments, error } = await bench.read(bench.follower(), a);
    expect(numbers(fragments)).toEqual([0]);
    expect(error).toMatchObject({ code: 'HLS_STATUS', status: 404, resource: 'fragment' });
    expect(bench.server.times('/a/f')).toBe(9);
  });
});

test('a recording is read from its first fragment to its last, MPEG-TS by its bytes', async () => {
  const a = new ScriptedSession(bench.server, 'a', 0);
  bench.server.set('/a/f', tsBytes(2));
  a.lists(a.list(0, 4, { ended: true, init: null }));
  const { fragments } = await bench.read(bench.follower(), a);
  expect(fragments.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4]);
  expect(fragments[0]).toMatchObject({ container: 'mpegts', init: null });
  expect(bench.server.times('/a/list.m3u8')).toBe(1);
});

test('no error of a run shows the token', async () => {
  const a = new ScriptedSession(bench.server, 'a', 0);
  a.lists(a.list(0, 2), status(403));
  const { error } = await bench.read(bench.follower(), a);
  const shown = [
    inspect(error, { depth: 9, showHidden: true }),
    JSON.stringify(error),
    (error as Error).stack,
  ];
  expect(shown.join('\n')).not.toContain('SECRET');
});

const MEDIA = join(__dirname, '../../../../shared/media');
const describeWithMedia = existsSync(MEDIA) ? describe : describe.skip;
if (!existsSync(MEDIA)) console.info('Skipped: public test media are not here (../shared/media)');

describeWithMedia('real recordings', () => {
  function serve(folder: string, names: string[]): void {
    for (const name of names) {
      const bytes = readFileSync(join(MEDIA, folder, name));
      bench.server.set(`/${name}`, (request, response) => {
        const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
        if (range === null) return void response.end(bytes);
        const [from, to] = [Number(range[1]), Math.min(Number(range[2]), bytes.byteLength - 1)];
        response
          .writeHead(206, { 'content-range': `bytes ${from}-${to}/${bytes.byteLength}` })
          .end(bytes.subarray(from, to + 1));
      });
    }
  }

  test('MPEG-TS by byte range', async () => {
    serve('hls-ts', ['manifest.m3u8', 'sd-hls.m3u8', 'sd-hls0000000000.ts']);
    const { fragments, error } = await bench.read(bench.follower(), {
      url: `${bench.server.origin}/manifest.m3u8`,
    });
    expect(error).toBeUndefined();
    expect(fragments).toMatchObject([{ container: 'mpegts', durationMs: 2458, number: null, dateMs: null }]);
    expect(fragments[0]?.media.byteLength).toBe(284_820);
  });

  test('fMP4 with its init section', async () => {
    serve('hls-fmp4', ['playlist.m3u8', 'init.mp4', 'playlist0.m4s', 'playlist1.m4s']);
    const { fragments } = await bench.read(bench.follower(), { url: `${bench.server.origin}/playlist.m3u8` });
    expect(fragments.map(({ media }) => media.byteLength)).toEqual([220_265, 203_292]);
    expect(fragments[1]?.init?.byteLength).toBe(3779);
  });

  test('video alone of demuxed CMAF', async () => {
    const parts = [...Array(12).keys()].map((n) => `video_${n + 1}.m4s`);
    serve('hls-cmaf-demuxed', [
      'playlist.m3u8',
      'stream_0.m3u8',
      'stream_1.m3u8',
      'video_init.mp4',
      ...parts,
    ]);
    const { fragments, error } = await bench.read(bench.follower(), {
      url: `${bench.server.origin}/playlist.m3u8`,
    });
    expect(error).toBeUndefined();
    expect(fragments).toHaveLength(12);
    expect(bench.server.requests.filter((path) => path.includes('audio'))).toEqual([]);
  });
});
