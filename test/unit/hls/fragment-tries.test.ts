import { describe, expect, test } from '@jest/globals';
import { HlsStreamError, type FrameSourceErrorCode } from '../../../lib/errors.js';
import { FragmentTries, type Verdict } from '../../../lib/hls/fragment-tries.js';

const error = (code: FrameSourceErrorCode, status?: number, retryAfterMs?: number) =>
  new HlsStreamError(code, 'failed', { ...(status && { status }), ...(retryAfterMs && { retryAfterMs }) });

/** What is decided at each failure, one every `everyMs`, until it is no other try. */
function verdicts(failure: Error, { everyMs = 500, limitMs = 10_000, ended = false } = {}): Verdict[] {
  const tries = new FragmentTries(0);
  const all: Verdict[] = [];
  for (let nowMs = everyMs; ; nowMs += everyMs) {
    all.push(tries.after(failure, { nowMs, random: 1, limitMs, ended }));
    if (all.at(-1)?.kind !== 'again') return all;
  }
}

describe('a fragment that can not be had', () => {
  test('for being cut short is fetched once more, then given up as damaged', () => {
    expect(verdicts(error('HLS_TRUNCATED'))).toEqual([
      { kind: 'again', afterMs: 200, listFirst: false },
      { kind: 'give-up', cause: 'media' },
    ]);
  });

  test('for its size is given up at once', () => {
    expect(verdicts(error('HLS_TOO_LARGE'))).toEqual([{ kind: 'give-up', cause: 'policy' }]);
  });

  test.each([404, 410])('for %d is asked for once more if the list still has it', (status) => {
    expect(verdicts(error('HLS_STATUS', status))).toEqual([
      { kind: 'again', afterMs: 200, listFirst: true },
      { kind: 'give-up', cause: 'window-slid' },
    ]);
  });

  test.each([404, 410])('for %d waits as the server says, unless that is beyond the limit', (status) => {
    const gone = (retryAfterMs: number) => error('HLS_STATUS', status, retryAfterMs);
    expect(verdicts(gone(9_000))[0]).toEqual({ kind: 'again', afterMs: 9_000, listFirst: true });
    expect(verdicts(gone(9_501))).toEqual([{ kind: 'give-up', cause: 'window-slid' }]);
    expect(verdicts(gone(30_000), { limitMs: 60_000 })[0]).toMatchObject({ kind: 'again', afterMs: 30_000 });
    expect(verdicts(gone(3_600_000), { limitMs: 60_000 })).toHaveLength(1);
  });

  test.each([
    ['the network', error('HLS_NETWORK')],
    ['a timeout', error('HLS_TIMEOUT')],
    ['503', error('HLS_STATUS', 503)],
  ])('for %s is asked for again until the limit, then the session is at fault', (_name, failure) => {
    const all = verdicts(failure);
    expect(all).toHaveLength(17);
    expect(all.slice(0, 5).map((verdict) => verdict.kind === 'again' && verdict.afterMs)).toEqual([
      200, 400, 800, 1600, 2000,
    ]);
    expect(all.at(-1)).toEqual({ kind: 'throw' });
  });

  test('of a recording is given up after five tries in three seconds', () => {
    const all = verdicts(error('HLS_NETWORK'), { ended: true });
    expect(all).toHaveLength(6);
    expect(all.at(-1)).toEqual({ kind: 'give-up', cause: 'outage' });
    expect(verdicts(error('HLS_NETWORK'), { ended: true, everyMs: 2000 })).toHaveLength(5);
  });

  test('for throttling waits as long as the server says, unless that is beyond the limit', () => {
    expect(verdicts(error('HLS_STATUS', 429), { ended: true }).slice(0, 2)).toEqual([
      { kind: 'again', afterMs: 1000, listFirst: false },
      { kind: 'again', afterMs: 2000, listFirst: false },
    ]);
    expect(verdicts(error('HLS_STATUS', 429, 7000))[0]).toMatchObject({ kind: 'again', afterMs: 7000 });
    expect(verdicts(error('HLS_STATUS', 429, 30_000))).toEqual([{ kind: 'throw' }]);
    expect(verdicts(error('HLS_STATUS', 503, 30_000))).toEqual([{ kind: 'throw' }]);
  });

  test.each([
    ['403', error('HLS_SESSION_EXPIRED', 403)],
    ['a redirect', error('HLS_STATUS', 302)],
    ['another host', error('HLS_FOREIGN_ORIGIN')],
    ['a defect', new TypeError('x')],
  ])("for %s is the session's fault at once", (_name, failure) => {
    expect(verdicts(failure)).toEqual([{ kind: 'throw' }]);
  });
});
