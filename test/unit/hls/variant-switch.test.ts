import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Clock } from '../../../lib/clock.js';
import type { Fragment } from '../../../lib/hls/fragment.js';
import { silentLogger } from '../../../lib/logger.js';
import { Bench, numbers } from './bench.js';
import { DURATION_MS, ScriptedSession, type ListOptions } from './camera.js';
import { initBytes, numberIn, timedFragment, timedInit } from './media.js';
import { fastClock, status, type Reply } from './server.js';

/** A fragment takes 100 ms of the host's time: what the host is busy for meanwhile counts twentyfold. */
const FACTOR = 20;
/** Longer than any answer here takes: the host's pauses count too. */
const PATIENT = { firstByteTimeoutMs: 120_000, stallTimeoutMs: 120_000, totalTimeoutMs: 120_000 };
const signal = new AbortController().signal;

let bench: Bench;
let clock: Clock;
let told: string[];
/** When the first list was asked for: then its newest fragment is 4. */
let begunMs: number | null;

beforeEach(async () => {
  clock = fastClock(FACTOR);
  bench = new Bench({
    clock,
    policies: { playlist: PATIENT, master: PATIENT, init: PATIENT, fragment: PATIENT },
  });
  told = [];
  begunMs = null;
  await bench.server.start();
});

afterEach(() => bench.stop());

/** The camera's fragments as one variant: `/NAME/list.m3u8`. Bandwidths are small beside what the loopback carries. */
class Rung extends ScriptedSession {
  readonly bandwidth: number;
  readonly height: number;

  constructor(name: string, height: number, bandwidth: number, base = 0) {
    super(bench.server, name, base);
    this.height = height;
    this.bandwidth = bandwidth;
    bench.server.set(`/${name}/init.mp4`, initBytes(height % 251));
  }

  get info(): { bandwidth: number; width: number; height: number } {
    return { bandwidth: this.bandwidth, width: this.height * 2, height: this.height };
  }

  /** A list that grows by the clock from fragments 0–4 on, and ends with `last`. `lag`: fragments later than others. */
  live(last: number, { lag = 0, ...options }: ListOptions & { lag?: number } = {}): this {
    return this.lists((_request, response) => {
      begunMs ??= clock.monotonic();
      const newest = 4 + Math.floor((clock.monotonic() - begunMs) / DURATION_MS) - lag;
      const end = Math.min(Math.max(newest, 0), last);
      response.end(this.list(0, end, { ...options, ended: end === last }));
    });
  }

  /** Fragments bear times: of the camera, moved by so much. */
  timed(shiftMs = 0): this {
    bench.server.set(`/${this.name}/init.mp4`, timedInit(this.height % 251));
    return this.fragments((number) => timedFragment(number, number * DURATION_MS + shiftMs));
  }

  fragments(make: (number: number) => Buffer): this {
    const { base } = this;
    bench.server.set(`/${this.name}/f`, (request, response) => {
      const number = Number(new URL(request.url ?? '', 'http://host').searchParams.get('FragmentNumber'));
      response.end(make(number + base));
    });
    return this;
  }

  /** The fragment answers that come after so many take so long, in ms of the clock. */
  slow(after: number, ms: number, count = Infinity): this {
    const answer = bench.server.replyTo(`/${this.name}/f`) as Exclude<Reply, string | Uint8Array>;
    bench.server.set(`/${this.name}/f`, (request, response, times) => {
      if (times <= after || times > after + count) return answer(request, response, times);
      setTimeout(() => answer(request, response, times), ms / FACTOR);
    });
    return this;
  }
}

function master(...rungs: Rung[]): { url: string } {
  const lines = rungs.flatMap(({ name, info: { bandwidth, width, height } }) => [
    `#EXT-X-STREAM-INF:BANDWIDTH=${bandwidth},RESOLUTION=${width}x${height},CODECS="avc1.4d4029"`,
    `/${name}/list.m3u8`,
  ]);
  bench.server.set('/master.m3u8', ['#EXTM3U', ...lines, ''].join('\n'));
  return { url: `${bench.server.origin}/master.m3u8` };
}

function follower(options: Parameters<Bench['follower']>[0] = {}) {
  const tell = (message: string): void => void told.push(message);
  return bench.follower({ clock, logger: { ...silentLogger, info: tell, warn: tell }, ...options });
}

const heights = (fragments: readonly Fragment[]): (number | null | undefined)[] =>
  fragments.map(({ variant }) => variant?.height);

const isDown = (line: string): boolean => line.includes('instead of 1440x720');
const isUp = (line: string): boolean => line.includes('instead of 720x360');

/** Each once, in order, and nothing lost. */
function expectWhole(fragments: readonly Fragment[], first: number, last: number): void {
  expect(numbers(fragments)).toEqual(Array.from({ length: last - first + 1 }, (_, i) => first + i));
  expect(fragments.every(({ lost, discontinuity }) => lost === null && !discontinuity)).toBe(true);
}

describe('between two fragments', () => {
  test('a lower variant goes on where a fragment takes too long, and the higher one later on, each with its init section', async () => {
    const high = new Rung('high', 720, 500).live(24).slow(3, 60_000, 1);
    const low = new Rung('low', 360, 100).live(24);
    const { fragments, error } = await bench.read(follower(), master(low, high));
    expect(error).toBeUndefined();
    expectWhole(fragments, 4, 24);
    const seen = heights(fragments);
    expect([seen[0], seen[3]]).toEqual([720, 360]);
    expect(seen.slice(4)).toContain(720);
    expect(fragments.every(({ init, variant }) => init?.at(-1) === variant!.height! % 251)).toBe(true);
    expect([fragments[0]?.variant, fragments[3]?.variant]).toEqual([high.info, low.info]);
    expect(told[0]).toMatch(/reads variant 1440x720, 1 kb\/s, which suits the wanted size/);
    const [down, up] = [told.slice(1).find(isDown), told.find(isUp)];
    expect(down).toMatch(/reads variant 720x360.* instead of 1440x720.*: a fragment took too long; measured/);
    expect(up).toMatch(/reads variant 1440x720.* instead of 720x360.*: bandwidth rose; measured: \d+ kb/);
  });

  test('a download that takes too long is ended, and the same fragment comes from the lower variant', async () => {
    const closed: Promise<number>[] = [];
    const high = new Rung('high', 720, 500).live(8).slow(1, 60_000, 1);
    const low = new Rung('low', 360, 100).live(8);
    bench.server.watch('/high/f', (response) => {
      const sentMs = clock.monotonic();
      closed.push(new Promise((resolve) => response.on('close', () => resolve(clock.monotonic() - sentMs))));
    });
    const { fragments } = await bench.read(follower(), master(high, low));
    expectWhole(fragments, 4, 8);
    expect(heights(fragments)).toEqual([720, 360, 360, 360, 360]);
    const tookMs = (await Promise.all(closed)).at(-1)!;
    expect(tookMs).toBeGreaterThan(DURATION_MS);
    expect(tookMs).toBeLessThan(6 * DURATION_MS);
  });

  test('variants that are numbered otherwise are joined by their dates', async () => {
    const high = new Rung('high', 720, 500).live(14).slow(3, 60_000, 1);
    const low = new Rung('low', 360, 100, -70).live(14);
    const { fragments } = await bench.read(follower(), master(high, low));
    expectWhole(fragments, 4, 14);
    expect(heights(fragments)).toContain(360);
    expect(fragments.find(({ variant }) => variant?.height === 360)?.sequence).toBe(77);
  });

  test('variants without dates are joined by their numbers, which their times have to prove', async () => {
    const undated = { dates: false };
    const high = new Rung('high', 720, 500).timed().live(14, undated).slow(3, 60_000, 1);
    const low = new Rung('low', 360, 100).timed(30).live(14, undated);
    const { fragments } = await bench.read(follower(), master(high, low));
    expectWhole(fragments, 4, 14);
    expect(heights(fragments)).toContain(360);
  });

  test('a variant without dates that counts otherwise is left again, and nothing is lost', async () => {
    const undated = { dates: false };
    const high = new Rung('high', 720, 500).timed().live(14, undated).slow(3, 60_000, 1);
    const low = new Rung('low', 360, 100, 2).timed().live(14, undated);
    const { fragments } = await bench.read(follower(), master(high, low));
    expectWhole(fragments, 4, 14);
    expect(new Set(heights(fragments))).toEqual(new Set([720]));
    expect(told.join('\n')).toContain('its fragments are numbered otherwise than those of the others');
  });

  test('a variant whose list lags behind is waited for, and left alone if it never comes up', async () => {
    const high = new Rung('high', 720, 500).live(18).slow(3, 2600, 1);
    const low = new Rung('low', 360, 100).live(18, { lag: 6 });
    const { fragments } = await bench.read(follower(), master(high, low));
    expectWhole(fragments, 4, 18);
    expect(new Set(heights(fragments))).toEqual(new Set([720]));
  });

  test('nothing changes where the wanted size needs no more, whatever the bandwidth', async () => {
    const high = new Rung('high', 720, 500).live(12);
    const low = new Rung('low', 360, 100).live(12);
    const { fragments } = await bench.read(follower({ wantedHeight: 300 }), master(high, low));
    expectWhole(fragments, 4, 12);
    expect(bench.server.requests.filter((path) => path.startsWith('/high'))).toEqual([]);
  });

  test('a recording stays with its variant however long its fragments take', async () => {
    const high = new Rung('high', 720, 500).slow(1, 2600);
    high.lists(high.list(0, 4, { ended: true }));
    const low = new Rung('low', 360, 100);
    low.lists(low.list(0, 4, { ended: true }));
    const { fragments } = await bench.read(follower(), master(high, low));
    expectWhole(fragments, 0, 4);
    expect(bench.server.requests.filter((path) => path.startsWith('/low'))).toEqual([]);
  });

  test('a stream of one variant is asked for nothing more, and its slow fragments are waited for', async () => {
    const only = new Rung('only', 720, 500).live(7).slow(1, 6000);
    const { fragments } = await bench.read(follower(), master(only));
    expectWhole(fragments, 4, 7);
    expect(told).toEqual([]);
    const { requests } = bench.server;
    expect(requests.filter((path) => path.startsWith('/only/f'))).toHaveLength(4);
    expect(requests.filter((path) => path.startsWith('/master'))).toHaveLength(1);
  });

  test('a fragment is fetched again from the variant that it came from', async () => {
    const high = new Rung('high', 720, 500).live(12).slow(3, 60_000, 1);
    const low = new Rung('low', 360, 100, 3).live(12);
    const from = follower();
    const { fragments } = await bench.read(from, master(high, low));
    expectWhole(fragments, 4, 12);
    // Numbers 4, 5 and 6 are those of fragments 4, 5 and 6 of the higher variant, and of 7, 8 and 9 of the lower.
    const last = fragments.slice(-8);
    expect(last.filter(({ sequence }) => sequence === 6)).toHaveLength(2);
    for (const { sessionId, sequence, dateMs, media } of last) {
      const bytes = await from.again({ sessionId, sequence, dateMs }, signal);
      expect(numberIn(bytes!.media)).toBe(numberIn(media));
    }
  });
});

describe('a variant that can not be had', () => {
  test('when a session is opened makes another one be read: a lower one first', async () => {
    new Rung('high', 720, 500).lists(status(404));
    const mid = new Rung('mid', 540, 300).live(8);
    const low = new Rung('low', 360, 100).live(8);
    const high = { name: 'high', info: { bandwidth: 500, width: 1440, height: 720 } } as Rung;
    const { fragments, error } = await bench.read(follower(), master(high, mid, low));
    expect(error).toBeUndefined();
    expectWhole(fragments, 4, 8);
    expect(heights(fragments)[0]).toBe(540);
    expect(told[0]).toMatch(/variant 1440x720.* is left alone for 300 s: .*404/);
  });

  test('after a while makes another one go on, and nothing is lost', async () => {
    const high = new Rung('high', 720, 500).live(12);
    bench.server.failAfter('/high/list.m3u8', 4, status(404));
    const low = new Rung('low', 360, 100).live(12);
    const { fragments, error } = await bench.read(follower(), master(high, low));
    expect(error).toBeUndefined();
    expectWhole(fragments, 4, 12);
    expect(heights(fragments).at(0)).toBe(720);
    expect(heights(fragments).at(-1)).toBe(360);
  });

  test('because its list stands still makes another one go on', async () => {
    const high = new Rung('high', 720, 500);
    high.lists(high.list(0, 4));
    const low = new Rung('low', 360, 100).live(16);
    begunMs = clock.monotonic();
    const { fragments, error } = await bench.read(follower(), master(high, low));
    expect(error).toBeUndefined();
    expect(numbers(fragments).slice(0, 1)).toEqual([4]);
    expect(heights(fragments).slice(0, 2)).toEqual([720, 360]);
    expect(numbers(fragments).at(-1)).toBe(16);
  });

  test('while all stand still is no reason: the session has stalled', async () => {
    const high = new Rung('high', 720, 500);
    high.lists(high.list(0, 4));
    const low = new Rung('low', 360, 100);
    low.lists(low.list(0, 4));
    const { fragments, error } = await bench.read(follower(), master(high, low));
    expect(error).toMatchObject({ code: 'HLS_STALLED' });
    expect(numbers(fragments)).toEqual([4]);
    expect(bench.server.times('/low/list.m3u8')).toBe(1);
    // The next session tries the same variant.
    expect(told.slice(1)).toEqual([]);
  });

  test('nor any other ends the session with the first failure', async () => {
    const high = new Rung('high', 720, 500).lists(status(404));
    const low = new Rung('low', 360, 100).lists(status(410));
    const { error } = await bench.read(follower(), master(high, low));
    expect(error).toMatchObject({ code: 'HLS_STATUS', status: 404 });
  });

  test('nor thousands of others takes no more than eight requests, and the next session tries the next eight', async () => {
    const lines = Array.from({ length: 5100 }, (_, i) => [
      `#EXT-X-STREAM-INF:BANDWIDTH=${9_000_000 - i}`,
      `/none-${i}/list.m3u8`,
    ]);
    bench.server.set('/master.m3u8', ['#EXTM3U', ...lines.flat(), ''].join('\n'));
    const source = { url: `${bench.server.origin}/master.m3u8` };
    const from = follower();
    const asked = (): string[] => bench.server.requests.filter((path) => path.startsWith('/none-'));
    expect((await bench.read(from, source)).error).toMatchObject({ code: 'HLS_STATUS', status: 404 });
    expect(asked()).toHaveLength(8);
    expect(bench.server.requests).toHaveLength(9);
    await bench.read(from, source);
    expect(asked()).toHaveLength(16);
    expect(new Set(asked()).size).toBe(16);
  });

  test('because the session is refused ends it at once', async () => {
    const high = new Rung('high', 720, 500).lists(status(403));
    const low = new Rung('low', 360, 100).live(8);
    const { error } = await bench.read(follower(), master(high, low));
    expect(error).toMatchObject({ code: 'HLS_SESSION_EXPIRED' });
    expect(bench.server.times('/low/list.m3u8')).toBe(0);
  });

  test('is not asked for again by the next session', async () => {
    const high = new Rung('high', 720, 500).lists(status(404));
    const low = new Rung('low', 360, 100).live(8);
    const from = follower();
    const source = master(high, low);
    await bench.read(from, source);
    await bench.read(from, source);
    expect(bench.server.times('/high/list.m3u8')).toBe(1);
  });
});
