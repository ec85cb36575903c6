import { beforeEach, describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { limited, type LimitedLogger } from '../../lib/log-limit.js';
import { silentLogger, type Logger } from '../../lib/logger.js';
import { FakeClock, settled } from '../support/fake-clock';

const MINUTE_MS = 60_000;

let clock: FakeClock;
let lines: string[];
let logger: LimitedLogger;

/** Writes to `lines`. */
const heard: Logger = {
  debug: (message) => void lines.push(`debug ${message}`),
  info: (message) => void lines.push(`info ${message}`),
  warn: (message) => void lines.push(`warn ${message}`),
  error: (message) => void lines.push(`error ${message}`),
};

beforeEach(() => {
  clock = new FakeClock();
  lines = [];
  logger = limited(heard, clock);
});

/** What was heard since the last time. */
const news = (): string[] => lines.splice(0);

function repeat(count: number, write: (i: number) => void): void {
  for (let i = 0; i < count; i++) write(i);
}

describe('a kind of message', () => {
  test('comes five times at once, then once a minute, and says how many were left out', () => {
    repeat(8, (i) => logger.warn(`Fragment ${i} of session 3 is lost`));
    expect(news()).toEqual([0, 1, 2, 3, 4].map((i) => `warn Fragment ${i} of session 3 is lost`));
    clock.step(MINUTE_MS - 1);
    logger.warn('Fragment 8 of session 3 is lost');
    expect(news()).toEqual([]);
    clock.step(1);
    repeat(2, (i) => logger.warn(`Fragment ${i + 9} of session 3 is lost`));
    expect(news()).toEqual(['warn Fragment 9 of session 3 is lost (4 like it left out)']);
    clock.step(MINUTE_MS);
    logger.warn('Fragment 11 of session 4 is lost');
    expect(news()).toEqual(['warn Fragment 11 of session 4 is lost (1 like it left out)']);
    clock.step(MINUTE_MS);
    logger.warn('Fragment 12 of session 4 is lost');
    expect(news()).toEqual(['warn Fragment 12 of session 4 is lost']);
  });

  test('has its burst again after as many minutes of silence, and no more than that', () => {
    repeat(6, () => logger.info('again'));
    clock.step(60 * MINUTE_MS);
    news();
    repeat(8, () => logger.info('again'));
    expect(news()).toHaveLength(5);
    clock.step(2 * MINUTE_MS);
    repeat(8, () => logger.info('again'));
    expect(news()).toHaveLength(2);
  });

  test('is told by its level and its words, not by numbers and names with digits', () => {
    repeat(6, (i) => logger.warn(`[h264 @ 0x55d${i}] camera-${i}: ${i * 0.5} s missing, ${i}ms late`));
    expect(news()).toHaveLength(5);
    logger.error('[h264 @ 0x55d7] camera-7: 0.5 s missing, 7ms late');
    logger.warn('[h264 @ 0x55d7] camera-7: 0.5 s too many, 7ms late');
    expect(news()).toHaveLength(2);
  });

  test('is not held up by others', () => {
    repeat(50, () => logger.warn('the camera sends nothing'));
    news();
    logger.warn('the camera sends again');
    expect(news()).toEqual(['warn the camera sends again']);
  });

  test('is limited as an error too, never on the debug level', () => {
    repeat(9, () => logger.error('no'));
    expect(news()).toHaveLength(5);
    repeat(1000, (i) => logger.debug(`step ${i}`));
    expect(news()).toHaveLength(1000);
  });
});

describe('what was left out', () => {
  test('is told on request: the newest of each kind, and how many others there were', () => {
    repeat(8, (i) => logger.warn(`Fragment ${i} is lost`));
    repeat(6, (i) => logger.error(`Renewal ${i} failed`));
    logger.info('fine');
    news();
    logger.flush();
    expect(news()).toEqual(['warn Fragment 7 is lost (2 like it left out)', 'error Renewal 5 failed']);
    logger.flush();
    expect(news()).toEqual([]);
  });

  test('adds up with what came, however many kinds there are', () => {
    const count = 5000;
    repeat(count, (i) => {
      logger.warn(
        `${'abcdefghijklmnopqrstuvwxyz'[i % 26]}${'abcdefghijklmnopqrstuvwxyz'[(i * 7) % 25]} broke`,
      );
      clock.step(100);
    });
    logger.flush();
    const told = news();
    const leftOut = told.map((line) => Number(/\((\d+) like it left out\)/.exec(line)?.[1] ?? 0));
    expect(told.length + leftOut.reduce((sum, n) => sum + n)).toBe(count);
    expect(told.length).toBeLessThan(count);
  });
});

describe('kinds without number', () => {
  /** Words without digits. */
  const word = (i: number): string => [...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('');

  test('are told apart up to two hundred; those that are new beyond share a place, and the known ones stay', () => {
    repeat(10_000, (i) => logger.warn(`trouble of kind ${word(i)}`));
    const told = news();
    expect(told.slice(0, 200)).toEqual([...Array(200).keys()].map((i) => `warn trouble of kind ${word(i)}`));
    expect(told).toHaveLength(205);
    logger.info(`trouble of kind ${word(77_777)}`);
    logger.warn(`trouble of kind ${word(3)}`);
    expect(news()).toHaveLength(2);
  });

  test('make way when they have been silent long enough', () => {
    repeat(200, (i) => logger.warn(`trouble of kind ${word(i)}`));
    news();
    clock.step(MINUTE_MS);
    repeat(8, (i) => logger.warn(`late trouble of kind ${word(i)}`));
    expect(news()).toHaveLength(8);
  });
});

describe("the program's logger", () => {
  test('is called as a method, with all it was given', () => {
    class Counting implements Logger {
      readonly heard: unknown[][] = [];
      debug(...all: unknown[]): void {
        this.heard.push(all);
      }
      info(...all: unknown[]): void {
        this.heard.push(all);
      }
      warn(...all: unknown[]): void {
        this.heard.push(all);
      }
      error(...all: unknown[]): void {
        this.heard.push(all);
      }
    }
    const counting = new Counting();
    const over = limited(counting, clock);
    const detail = { a: 1 };
    over.debug('one', detail);
    over.info('two');
    over.warn('three', 1, 2);
    over.error('four', detail);
    expect(counting.heard).toEqual([['one', detail], ['two'], ['three', 1, 2], ['four', detail]]);
  });

  test('may throw: the line counts as left out, and later ones say so', () => {
    let isBroken = true;
    const write = (message: string): void => {
      if (isBroken) throw new Error('disk full');
      lines.push(message);
    };
    const over = limited({ debug: write, info: write, warn: write, error: write }, clock);
    repeat(2, (i) => over.warn(`Fragment ${i} is lost`));
    over.debug('step');
    isBroken = false;
    over.warn('Fragment 2 is lost');
    over.debug('step');
    expect(news()).toEqual(['Fragment 2 is lost (2 like it left out)', 'step (1 like it left out)']);
    repeat(5, (i) => over.warn(`Fragment ${i} is lost`));
    isBroken = true;
    over.flush();
    isBroken = false;
    news();
    over.flush();
    expect(news()).toEqual(['Fragment 4 is lost (2 like it left out)']);
  });

  test('may be asynchronous and fail later', async () => {
    let isBroken = true;
    const write = async (message: string): Promise<void> => {
      await settled();
      if (isBroken) throw new Error('disk full');
      lines.push(message);
    };
    const late = write as (message: string) => void;
    const over = limited({ debug: late, info: late, warn: late, error: late }, clock);
    over.warn('one');
    await settled();
    await settled();
    isBroken = false;
    over.warn('one');
    await settled();
    await settled();
    expect(news()).toEqual(['one (1 like it left out)']);
  });

  test('is never shown a secret', () => {
    logger.warn('GET /hls/v1/list.m3u8?SessionToken=CiSECRET~ failed');
    repeat(5, () => logger.warn('GET /hls/v1/list.m3u8?SessionToken=CiSECRET~ failed'));
    logger.debug('GET /hls/v1/list.m3u8?SessionToken=CiSECRET~');
    logger.flush();
    expect(news()).toHaveLength(7);
    expect(lines.join()).not.toContain('SECRET');
  });

  test('is never shown a secret in details, and these stay as they were', () => {
    const shown: unknown[][] = [];
    const keep = (...all: unknown[]): void => void shown.push(all);
    const over = limited({ debug: keep, info: keep, warn: keep, error: keep }, clock);
    const url = 'https://user:SECRET@host/list.m3u8?SessionToken=CiSECRET~';
    const details = {
      url,
      fragment: 7,
      tokens: 2,
      headers: { authorization: 'AWS4-HMAC-SHA256 Signature=SECRET', host: 'a' },
      list: [
        new URL(url),
        new Map<unknown, unknown>([
          ['sessionToken', 'SECRET'],
          [url, new Set([url])],
        ]),
      ],
      bytes: Buffer.from('SECRET'),
      error: Object.assign(new TypeError(`GET ${url}`, { cause: new Error(url) }), { request: url }),
      credentials: { accessKeyId: 'SECRET', expiration: new Date(0) },
      [url]: Symbol(url),
    };
    const before = structuredClone({ ...details, [url]: null, error: null, list: null });
    over.warn('lost', details, url, details.error);
    over.debug('lost', details);
    const text = inspect(shown, { depth: Infinity, showHidden: true }) + JSON.stringify(shown);
    expect(text).not.toContain('SECRET');
    expect(shown[0]).toMatchObject([
      'lost',
      { fragment: 7, tokens: 2, headers: { host: 'a' }, bytes: '[6 bytes]', error: { name: 'TypeError' } },
      'https://…@host/list.m3u8?SessionToken=…',
      expect.any(Error),
    ]);
    expect(structuredClone({ ...details, [url]: null, error: null, list: null })).toEqual(before);
    expect(details.error).toHaveProperty('request', url);
  });

  test('comes through without a detail that can not be read, and with the others', () => {
    const shown: unknown[][] = [];
    const keep = (...all: unknown[]): void => void shown.push(all);
    const over = limited({ debug: keep, info: keep, warn: keep, error: keep }, clock);
    const trap = {
      get body(): never {
        throw new Error('SECRET');
      },
    };
    over.warn('lost', trap, { fragment: 7 });
    over.warn('lost', 'again');
    expect(shown).toEqual([
      ['lost', '[unreadable]', { fragment: 7 }],
      ['lost', 'again'],
    ]);
  });

  test('is not held up by details without end', () => {
    const shown: unknown[][] = [];
    const keep = (...all: unknown[]): void => void shown.push(all);
    const over = limited({ debug: keep, info: keep, warn: keep, error: keep }, clock);
    const ring: Record<string, unknown> = { all: Array.from({ length: 100_000 }, (_, i) => ({ i })) };
    ring['self'] = ring;
    over.warn('lost', ring, ring);
    expect(JSON.stringify(shown).length).toBeLessThan(20_000);
  });

  test('that is silent costs nothing: nothing is remembered, and no clock is asked', () => {
    const noClock = { now: fail, monotonic: fail, after: fail, afterIfAlive: fail };
    const over = limited(silentLogger, noClock);
    over.warn('x');
    over.flush();
    expect(over.warn).toBe(silentLogger.warn);
    expect(over.debug).toBe(silentLogger.debug);
  });
});

function fail(): never {
  throw new Error('asked for the time');
}
