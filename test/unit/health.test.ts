import { describe, expect, it } from '@jest/globals';
import { healthOf, type HealthFacts } from '../../lib/health';
import { ConnectionState } from '../../lib/policy/supervisor';

const facts = (more: Partial<HealthFacts>): HealthFacts => ({
  nowMs: 1_000_000,
  state: ConnectionState.CONNECTED,
  phase: 'connected',
  isStarted: true,
  consecutiveErrors: 0,
  lastFault: null,
  phaseAgoMs: 100_000,
  flowAgoMs: 50_000,
  lastFrameAgoMs: 1000,
  progressAgoMs: 1000,
  lastFrameAgeMs: 2500,
  bufferedFrames: 0,
  isAllOnLoan: false,
  agedPictures: 0,
  framePeriodMs: 0,
  rhythm: { fragmentMs: 2000, stallAfterMs: 10_000 },
  renewals: 0,
  reconnectsLastHour: 0,
  renewInMs: 41_200,
  connectInMs: null,
  awaitedForMs: 500,
  renewal: { failures: 0, reason: '', isGivenUp: false },
  sessionEndsInMs: 71_000,
  decoder: null,
  ...more,
});

describe('the health of a source', () => {
  it.each([
    [{}, true, 'flowing'],
    [{ progressAgoMs: 11_000 }, true, 'flowing'],
    [{ progressAgoMs: 13_000 }, false, 'stalled'],
    [{ progressAgoMs: 11_000, rhythm: { fragmentMs: 9000, stallAfterMs: 60_000 } }, true, 'flowing'],
    [{ progressAgoMs: 13_000, bufferedFrames: 3 }, true, 'flowing'],
    [{ phase: 'offline', lastFrameAgoMs: 90_000 }, true, 'idle'],
    [{ phase: 'offline', lastFrameAgoMs: null }, true, 'idle'],
    [{ phase: 'reconnecting', consecutiveErrors: 2 }, false, 'reconnecting'],
    [{ phase: 'connecting', lastFrameAgoMs: null }, false, 'connecting'],
    [{ phase: 'failed' }, false, 'failed'],
    [{ phase: 'stopped' }, false, 'stopped'],
    [{ phase: 'stopped', bufferedFrames: 2 }, true, 'flowing'],
    [{ lastFrameAgoMs: 60_000, progressAgoMs: 900 }, true, 'flowing'],
    [{ renewal: { failures: 3, reason: 'no answer', isGivenUp: false } }, true, 'flowing'],
    [{ renewal: { failures: 1, reason: 'denied', isGivenUp: true } }, false, 'flowing'],
    [{ phase: 'stopped', isStarted: false }, false, 'not-started'],
  ] as const)('of %j is healthy: %s, %s', (more, healthy, status) => {
    expect(healthOf(facts(more))).toMatchObject({ healthy, status });
  });

  it('says in words since when the camera is silent, and what failed how often', () => {
    expect(healthOf(facts({ phase: 'offline', lastFrameAgoMs: 90_000 })).reason).toBe(
      'the camera sends nothing, no frame for 90 s',
    );
    expect(healthOf(facts({ phase: 'reconnecting', consecutiveErrors: 2 })).reason).toBe(
      'reconnecting, no frame for 1 s, 2 failures in a row',
    );
  });

  it('names the last failure where one stands in the way', () => {
    const lastFault = 'The playlist at example.com/…/list.m3u8 was answered 503';
    const reason = (phase: HealthFacts['phase']): string => healthOf(facts({ phase, lastFault })).reason;
    expect(reason('failed')).toBe(`gave up: ${lastFault}`);
    expect(healthOf(facts({ phase: 'failed', consecutiveErrors: 10, lastFault })).reason).toMatch(
      /^gave up, 10 failures in a row: The playlist/,
    );
    expect(reason('reconnecting')).toBe(`reconnecting, no frame for 1 s: ${lastFault}`);
    expect(reason('connected')).toBe('frames flow');
    expect(reason('offline')).not.toContain(lastFault);
  });

  it('tells of a renewal that fails while frames still flow', () => {
    const reason = (failures: number): string =>
      healthOf(facts({ renewal: { failures, reason: 'no answer', isGivenUp: false } })).reason;
    expect(reason(1)).toBe('frames flow; renewing the session failed once: no answer');
    expect(reason(4)).toBe('frames flow; renewing the session failed 4 times: no answer');
  });

  it('tells since when: the phase began, frames flow again, or too long nothing came', () => {
    const since = (more: Partial<HealthFacts>): number => healthOf(facts(more)).sinceMs;
    expect(since({ phase: 'reconnecting' })).toBe(900_000);
    expect(since({})).toBe(950_000);
    expect(since({ progressAgoMs: 13_000 })).toBe(1_000_000 - 500);
  });

  it('tells a consumer that does not come from a stream that does not', () => {
    const slow = healthOf(facts({ lastFrameAgoMs: 13_000, progressAgoMs: 13_000, bufferedFrames: 3 }));
    expect(slow).toMatchObject({ healthy: true, reason: 'frames wait to be taken, no new one for 13 s' });
    expect(healthOf(facts({ bufferedFrames: 3 })).reason).toBe('frames flow');
    const held = { lastFrameAgoMs: 51_000, progressAgoMs: 51_000, isAllOnLoan: true };
    expect(healthOf(facts(held))).toMatchObject({
      healthy: false,
      reason: 'no frame for 51 s: all are on loan, and the program has given none back',
    });
    const aged = { lastFrameAgoMs: 40_000, progressAgoMs: 100, agedPictures: 600 };
    expect(healthOf(facts(aged))).toMatchObject({
      healthy: false,
      status: 'stalled',
      reason: 'no frame for 40 s: 600 pictures were older than maxAgeMs',
    });
    expect(healthOf(facts({ ...aged, agedPictures: 0 })).status).toBe('flowing');
    // A consumer that takes 30 s for a frame is given one in so long.
    expect(healthOf(facts({ ...aged, framePeriodMs: 30_000 })).status).toBe('flowing');
    expect(healthOf(facts({ ...aged, framePeriodMs: 27_000 })).status).toBe('stalled');
    expect(healthOf(facts({ phase: 'connecting', lastFrameAgoMs: null, agedPictures: 180 })).reason).toBe(
      'waiting for the first frame, 180 pictures were older than maxAgeMs',
    );
  });

  it.each([
    [{}, { what: 'renew', atMs: 1_041_200, words: 'opens the next session in 41 s' }],
    [{ renewInMs: null }, null],
    [{ renewInMs: -30 }, { what: 'renew', atMs: 1_000_000, words: 'opens the next session in 0 s' }],
    [
      { phase: 'reconnecting', renewInMs: null, connectInMs: 4_400 },
      { what: 'reconnect', atMs: 1_004_400, words: 'tries again in 4 s' },
    ],
    [
      { phase: 'offline', renewInMs: null, connectInMs: 5_000 },
      { what: 'look', atMs: 1_005_000, words: 'looks for the camera in 5 s' },
    ],
    [
      { awaitedForMs: 4_001 },
      { what: 'stall', atMs: 1_005_999, words: 'opens a new session in 6 s, unless a fragment comes' },
    ],
    [
      { awaitedForMs: 4_001, renewInMs: 100 },
      { what: 'renew', atMs: 1_000_100, words: 'opens the next session in 0 s' },
    ],
    // Nobody waits for a fragment while there is no room for one.
    [{ awaitedForMs: null, renewInMs: null }, null],
    [
      { phase: 'reconnecting', awaitedForMs: 1_000 },
      { what: 'stall', atMs: 1_009_000, words: 'opens a new session in 9 s, unless a fragment comes' },
    ],
    [
      { renewInMs: null, renewal: { failures: 1, reason: 'denied', isGivenUp: true } },
      { what: 'end', atMs: 1_071_000, words: 'ends with its session in 71 s' },
    ],
    [{ phase: 'failed', renewInMs: null, awaitedForMs: null }, null],
  ] as const)('of %j plans %j', (more, next) => {
    expect(healthOf(facts(more)).next).toEqual(next);
  });
});
