import { describe, expect, test } from '@jest/globals';
import { nextPollMs, openingPace, paceAfter } from '../../../lib/hls/pace.js';

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
