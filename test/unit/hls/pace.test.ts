import { describe, expect, test } from '@jest/globals';
import { HlsStreamError } from '../../../lib/errors.js';
import { isTransient, nextPollMs, openingPace, paceAfter, pauseAfterErrorMs } from '../../../lib/hls/pace.js';

/** Polls a list that grows every `everyMs` from `phaseMs` on; answers the polls' times and each fragment's delay. */
function simulate({
  everyMs,
  phaseMs,
  untilMs,
  jitterMs = () => 0,
}: {
  everyMs: number;
  phaseMs: number;
  untilMs: number;
  jitterMs?: (n: number) => number;
}) {
  const listed = (atMs: number): number => {
    let count = 0;
    while (phaseMs + count * everyMs + jitterMs(count) <= atMs) count++;
    return count;
  };
  let pace = openingPace(0, everyMs, everyMs);
  let seen = listed(0);
  let lastPollMs = 0;
  const polls: number[] = [];
  const delays: number[] = [];
  while (lastPollMs < untilMs) {
    lastPollMs = Math.max(lastPollMs, nextPollMs(pace, lastPollMs));
    polls.push(lastPollMs);
    const now = listed(lastPollMs);
    for (let n = seen; n < now; n++) delays.push(lastPollMs - (phaseMs + n * everyMs + jitterMs(n)));
    pace = paceAfter(pace, lastPollMs, now - seen, everyMs, everyMs);
    seen = now;
  }
  return { polls, delays };
}

describe('the pace of polling', () => {
  test.each([200, 700, 1300, 1999])(
    'finds a fragment within a fifth of a second of its appearance, opened %d ms before',
    (phaseMs) => {
      const { polls, delays } = simulate({ everyMs: 2000, phaseMs, untilMs: 60_000 });
      expect(delays.length).toBeGreaterThanOrEqual(29);
      for (const delay of delays) expect(delay).toBeLessThanOrEqual(200);
      expect(polls.length).toBeLessThan(80);
    },
  );

  test('keeps up with fragments that come unevenly', () => {
    const { delays } = simulate({
      everyMs: 1000,
      phaseMs: 400,
      untilMs: 60_000,
      jitterMs: (n) => (n % 3) * 90,
    });
    for (const delay of delays) expect(delay).toBeLessThanOrEqual(200);
  });

  test('slows down to one poll per target duration when nothing appears', () => {
    const { polls } = simulate({ everyMs: 2000, phaseMs: 1e9, untilMs: 60_000 });
    const last = polls.slice(-3);
    expect(last[2]! - last[1]!).toBe(2000);
    expect(polls.length).toBeLessThan(60);
  });

  test('waits between fruitless polls, 200 ms at least', () => {
    const { polls } = simulate({ everyMs: 300, phaseMs: 1e9, untilMs: 2000 });
    for (const [index, at] of polls.entries())
      expect(at - (polls[index - 1] ?? at - 200)).toBeGreaterThanOrEqual(200);
  });
});

describe('a failed poll', () => {
  const error = (
    code: 'HLS_STATUS' | 'HLS_NETWORK' | 'HLS_TIMEOUT' | 'HLS_UNSUPPORTED',
    status?: number,
    errorName?: string,
  ) => new HlsStreamError(code, 'failed', { ...(status && { status }), ...(errorName && { errorName }) });

  test.each([
    ['a failed connection', error('HLS_NETWORK'), true],
    ['a timeout', error('HLS_TIMEOUT'), true],
    ['503', error('HLS_STATUS', 503), true],
    ['429', error('HLS_STATUS', 429), true],
    ['throttling in a 400', error('HLS_STATUS', 400, 'ClientLimitExceededException'), true],
    ['another 400', error('HLS_STATUS', 400, 'InvalidArgumentException'), false],
    ['404', error('HLS_STATUS', 404), false],
    ['an encrypted playlist', error('HLS_UNSUPPORTED'), false],
    ['a defect', new TypeError('x'), false],
  ])('for %s', (_name, failure, expected) => {
    expect(isTransient(failure)).toBe(expected);
  });

  test('is repeated after a pause that doubles, or that the server asked for', () => {
    expect([0, 1, 2].map((errors) => pauseAfterErrorMs(errors, 1))).toEqual([200, 400, 800]);
    expect(pauseAfterErrorMs(0, 0)).toBe(100);
    expect(pauseAfterErrorMs(0, 0, 2000)).toBe(2000);
    expect(pauseAfterErrorMs(0, 0, 3_600_000)).toBe(5000);
  });
});
