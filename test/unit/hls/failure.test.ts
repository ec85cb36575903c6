import { describe, expect, test } from '@jest/globals';
import { HlsStreamError, type FrameSourceErrorCode } from '../../../lib/errors.js';
import { isTransient, isTransientPoll, pauseAfterMs } from '../../../lib/hls/failure.js';

const error = (code: FrameSourceErrorCode, status?: number, errorName?: string, retryAfterMs?: number) =>
  new HlsStreamError(code, 'failed', {
    ...(status && { status }),
    ...(errorName && { errorName }),
    ...(retryAfterMs && { retryAfterMs }),
  });

describe('a failure', () => {
  test.each([
    ['a failed connection', error('HLS_NETWORK'), true, true],
    ['a timeout', error('HLS_TIMEOUT'), true, true],
    ['503', error('HLS_STATUS', 503), true, true],
    ['429', error('HLS_STATUS', 429), true, true],
    ['throttling in a 400', error('HLS_STATUS', 400, 'ClientLimitExceededException'), true, true],
    ['half a body', error('HLS_TRUNCATED'), false, true],
    ['something that is no playlist', error('HLS_PLAYLIST_INVALID'), false, true],
    ['another 400', error('HLS_STATUS', 400, 'InvalidArgumentException'), false, false],
    ['404', error('HLS_STATUS', 404), false, false],
    ['403', error('HLS_SESSION_EXPIRED', 403), false, false],
    ['an encrypted playlist', error('HLS_UNSUPPORTED'), false, false],
    ['a defect', new TypeError('x'), false, false],
  ])('by %s', (_name, failure, anywhere, ofPoll) => {
    expect(isTransient(failure)).toBe(anywhere);
    expect(isTransientPoll(failure)).toBe(ofPoll);
  });
});

describe('the pause before another try', () => {
  test('doubles from 200 ms to 2 s, spread over the upper half', () => {
    const pauses = [0, 1, 2, 3, 4, 30].map((failures) => pauseAfterMs(error('HLS_NETWORK'), failures, 1));
    expect(pauses).toEqual([200, 400, 800, 1600, 2000, 2000]);
    expect(pauseAfterMs(error('HLS_NETWORK'), 0, 0)).toBe(100);
  });

  test('is longer where requests came too often: from 1 s to 10 s', () => {
    const pauses = [0, 1, 2, 3, 4].map((failures) => pauseAfterMs(error('HLS_STATUS', 429), failures, 1));
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 10_000]);
  });

  test('is never shorter than the server asks for', () => {
    expect(pauseAfterMs(error('HLS_STATUS', 503, '', 3000), 0, 0)).toBe(3000);
    expect(pauseAfterMs(error('HLS_STATUS', 429, '', 3_600_000), 0, 0)).toBe(3_600_000);
  });
});
