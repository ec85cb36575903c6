import { describe, expect, test } from '@jest/globals';

import { isWithin, meets, type RequestFacts } from '../../../../lib/simulator/faults/condition.js';
import type { RequestCondition } from '../../../../lib/simulator/faults/script.js';

const facts: RequestFacts = {
  resource: 'fragment',
  elapsedMs: 3_000,
  fragment: 4,
  session: 2,
  sessionAgeMs: 1_500,
};

describe('A condition', () => {
  test.each<[string, RequestCondition, boolean]>([
    ['the resource', { resource: 'fragment' }, true],
    ['another resource', { resource: 'playlist' }, false],
    ['one of several resources', { resource: ['init', 'fragment'] }, true],
    ['a time that has begun', { resource: 'fragment', fromMs: 3_000 }, true],
    ['a time that is to come', { resource: 'fragment', fromMs: 3_001 }, false],
    ['a time that lasts', { resource: 'fragment', untilMs: 3_001 }, true],
    ['a time that is over', { resource: 'fragment', untilMs: 3_000 }, false],
    ['the fragment', { resource: 'fragment', fragments: { from: 4, count: 1 } }, true],
    ['the fragment before', { resource: 'fragment', fragments: { from: 3, count: 1 } }, false],
    ['all fragments from one on', { resource: 'fragment', fragments: { from: 2 } }, true],
    ['the session', { resource: 'fragment', sessions: { from: 2, count: 1 } }, true],
    ['another session', { resource: 'fragment', sessions: { from: 1, count: 1 } }, false],
    ['a session of that age', { resource: 'fragment', sessionAgeFromMs: 1_500 }, true],
    ['an older session', { resource: 'fragment', sessionAgeFromMs: 1_501 }, false],
    ['a younger session', { resource: 'fragment', sessionAgeUntilMs: 1_500 }, false],
    ['all of it at once', { resource: 'fragment', fromMs: 1, untilMs: 9e9, fragments: { from: 0 } }, true],
    ['one part that is not', { resource: 'fragment', fromMs: 1, fragments: { from: 5 } }, false],
  ])('is met or not by %s', (_, condition, expected) => {
    expect(meets(condition, facts)).toBe(expected);
  });

  test.each<RequestCondition>([
    { resource: 'endpoint', fragments: { from: -9 } },
    { resource: 'endpoint', sessions: { from: -9 } },
    { resource: 'endpoint', sessionAgeFromMs: 0 },
    { resource: 'endpoint', sessionAgeUntilMs: 9e9 },
  ])('on what a request does not have is not met: %j', (condition) => {
    const call = {
      ...facts,
      resource: 'endpoint',
      fragment: null,
      session: null,
      sessionAgeMs: null,
    } as const;
    expect(meets(condition, call)).toBe(false);
    expect(meets({ resource: 'endpoint' }, call)).toBe(true);
  });
});

describe('A span', () => {
  test('has a first and a last number, or no last one', () => {
    const within = [1, 2, 3, 4].map((n) => isWithin({ from: 2, count: 2 }, n));
    expect(within).toEqual([false, true, true, false]);
    expect(isWithin({ from: 2 }, 1e9)).toBe(true);
    expect(isWithin(undefined, null)).toBe(true);
    expect(isWithin({ from: -9 }, null)).toBe(false);
  });
});
