import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../../../lib/clock.js';
import { HlsStreamError } from '../../../lib/errors.js';
import { Follower } from '../../../lib/hls/follower.js';
import type { Fragment } from '../../../lib/hls/fragment.js';
import { Loader } from '../../../lib/hls/loader.js';
import { silentLogger } from '../../../lib/logger.js';
import type { Session } from '../../../lib/session/provider.js';
import { DURATION_MS, ScriptedSession } from './camera.js';
import { fragmentBytes, numberIn } from './media.js';
import { fastClock, ScriptedServer, status } from './server.js';

/** How far the camera is ahead of the reader at most, and how far a list goes back: nothing depends on real time. */
const AHEAD = 4;
const WINDOW = 10;

let server: ScriptedServer;
let loader: Loader;
let clock: Clock;
let random: () => number;
let sessions: number;
let newest: number;
let lastTaken: number;
let dates: boolean;

beforeEach(async () => {
  server = await new ScriptedServer().start();
  loader = new Loader({ clock: systemClock });
  clock = fastClock(40);
  sessions = 0;
  newest = 100;
  lastTaken = 100;
});

afterEach(async () => {
  loader.close();
  await server.stop();
});

/** A session that is refused after some requests, whatever is asked. Every other poll, the camera has moved on. */
function openSession(): Session {
  const id = ++sessions;
  const first = newest - WINDOW + 1;
  const scripted = new ScriptedSession(server, `s${id}`, first);
  let left = 3 + Math.floor(random() * 12);
  scripted.lists((request, response) => {
    if (--left < 0) return status(403)(request, response);
    if (random() < 0.5) newest = Math.min(newest + 1, lastTaken + AHEAD);
    response.end(scripted.list(Math.max(first, newest - WINDOW + 1), newest, { dates }));
  });
  server.set(`/s${id}/f`, (request, response) => {
    if (--left < 0) return status(403)(request, response);
    const number = new URL(request.url ?? '', 'http://host').searchParams.get('FragmentNumber');
    response.end(fragmentBytes(first + Number(number)));
  });
  return { id, url: scripted.url, expiresAtMs: Infinity, endsAtMs: Infinity };
}

/** A small repeatable random source (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test.each([
  [true, 1],
  [true, 2],
  [true, 3],
  [false, 4],
  [false, 5],
  [false, 6],
])(
  'no fragment is lost or repeated over sessions that end or are replaced at any moment (dates: %s, %d)',
  async (isDated, seed) => {
    dates = isDated;
    random = seeded(seed);
    const follower = new Follower({ loader, clock, logger: silentLogger, random });
    const taken: Fragment[] = [];
    const done = new AbortController();
    const offers: Promise<void>[] = [];
    while (taken.length < 40) {
      try {
        for await (const fragment of follower.run(openSession(), done.signal)) {
          taken.push(fragment);
          lastTaken = numberIn(fragment.media);
          if (taken.length >= 40) break;
          if (random() < 0.4) offers.push(follower.offer(openSession(), done.signal).catch(() => {}));
          await new Promise<void>((resolve) => clock.after(DURATION_MS * random(), resolve));
        }
      } catch (error) {
        expect(error).toBeInstanceOf(HlsStreamError);
        expect(['HLS_SESSION_EXPIRED', 'HLS_STALLED']).toContain((error as HlsStreamError).code);
      }
    }
    await Promise.all(offers);
    const numbers = taken.map(({ media }) => numberIn(media));
    expect(numbers).toEqual(numbers.map((_number, index) => numbers[0]! + index));
    expect(taken.slice(1).some(({ discontinuity, lost }) => discontinuity || lost !== null)).toBe(false);
    expect(new Set(taken.map(({ sessionId }) => sessionId)).size).toBeGreaterThan(5);
  },
);
