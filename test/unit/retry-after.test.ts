import { expect, test } from '@jest/globals';
import { retryAfterMs } from '../../lib/retry-after';

const NOW = Date.UTC(2026, 10, 22, 10, 15);

test.each([
  ['seconds', '7', 7000],
  ['nothing to wait', '0', 0],
  ['a date to come', 'Sun, 22 Nov 2026 10:15:09 GMT', 9000],
  ['a date that has passed', 'Sun, 22 Nov 2026 10:14:00 GMT', 0],
  ['neither', 'soon', undefined],
  ['no header', undefined, undefined],
])('Retry-After with %s is %s', (_, value, ms) => {
  expect(retryAfterMs(value, undefined, NOW)).toBe(ms);
});

test.each([
  ['a year behind', NOW - 365 * 86_400_000],
  ['a year ahead', NOW + 365 * 86_400_000],
])('a dated Retry-After is counted from the date of the answer, on a host whose clock is %s', (_, nowMs) => {
  const [until, date] = ['Sun, 22 Nov 2026 10:15:09 GMT', 'Sun, 22 Nov 2026 10:15:00 GMT'];
  expect(retryAfterMs(until, date, nowMs)).toBe(9000);
  expect(retryAfterMs('7', date, nowMs)).toBe(7000);
  expect(retryAfterMs(until, 'no date', NOW)).toBe(9000);
});
