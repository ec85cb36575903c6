import { describe, expect, it } from '@jest/globals';
import { healthOf, type HealthFacts } from '../../lib/health';
import { ConnectionState } from '../../lib/policy/supervisor';

const facts = (more: Partial<HealthFacts>): HealthFacts => ({
  state: ConnectionState.CONNECTED,
  phase: 'connected',
  isStarted: true,
  consecutiveErrors: 0,
  lastFrameAgoMs: 1000,
  bufferedFrames: 0,
  stallMs: 10_000,
  decoder: null,
  ...more,
});

describe('the health of a source', () => {
  it.each([
    [{}, true, 'flowing'],
    [{ lastFrameAgoMs: 11_000 }, true, 'flowing'],
    [{ lastFrameAgoMs: 13_000 }, false, 'stalled'],
    [{ lastFrameAgoMs: 11_000, stallMs: 60_000 }, true, 'flowing'],
    [{ lastFrameAgoMs: 11_000, bufferedFrames: 3 }, true, 'flowing'],
    [{ phase: 'offline', lastFrameAgoMs: 90_000 }, true, 'idle'],
    [{ phase: 'offline', lastFrameAgoMs: null }, true, 'idle'],
    [{ phase: 'reconnecting', consecutiveErrors: 2 }, false, 'reconnecting'],
    [{ phase: 'connecting', lastFrameAgoMs: null }, false, 'connecting'],
    [{ phase: 'failed' }, false, 'failed'],
    [{ phase: 'stopped' }, false, 'stopped'],
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
});
