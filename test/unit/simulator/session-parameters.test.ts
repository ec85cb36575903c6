import { describe, expect, test } from '@jest/globals';

import { ServiceError } from '../../../lib/simulator/errors.js';
import { sessionParameters } from '../../../lib/simulator/session-parameters.js';

const nowMs = Date.UTC(2026, 10, 22, 12);
const headMs = nowMs - 24 * 3_600_000;
const nowSeconds = nowMs / 1000;
const range = (start: number, end?: number) => ({
  StartTimestamp: nowSeconds + start,
  ...(end === undefined ? {} : { EndTimestamp: nowSeconds + end }),
});
const onDemand = (type: string, timestampRange: unknown) => ({
  PlaybackMode: 'ON_DEMAND',
  HLSFragmentSelector: { FragmentSelectorType: type, TimestampRange: timestampRange },
});

describe('A session request', () => {
  test('gets the documented defaults', () => {
    expect(sessionParameters({}, nowMs, headMs)).toEqual({
      playbackMode: 'LIVE',
      timestamps: 'SERVER_TIMESTAMP',
      startMs: null,
      endMs: null,
      container: 'FRAGMENTED_MP4',
      discontinuityMode: 'ALWAYS',
      showsTimestamps: false,
      expiresSeconds: 300,
      maxFragments: 5,
    });
    const byProducer = { HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' } };
    expect(sessionParameters(byProducer, nowMs, headMs).discontinuityMode).toBe('NEVER');
    const recorded = sessionParameters(onDemand('PRODUCER_TIMESTAMP', range(-60, -1)), nowMs, headMs);
    expect(recorded).toMatchObject({ maxFragments: 1000, startMs: nowMs - 60_000, endMs: nowMs - 1000 });
  });

  test.each([
    [{ Expires: 300 }],
    [{ Expires: 43_200 }],
    [{ MaxMediaPlaylistFragmentResults: 1 }],
    [{ MaxMediaPlaylistFragmentResults: 5000 }],
    [onDemand('SERVER_TIMESTAMP', range(-3600, 0))],
    [onDemand('PRODUCER_TIMESTAMP', range(-3600, 3600))],
    [{ ...onDemand('SERVER_TIMESTAMP', range(-3600)), PlaybackMode: 'LIVE_REPLAY' }],
  ])('is accepted at the edge: %j', (body) => {
    expect(() => sessionParameters(body, nowMs, headMs)).not.toThrow();
  });

  test.each([
    [
      { Expires: 299 },
      "Value '299' at 'expires' failed to satisfy constraint: Member must have value greater",
    ],
    [{ Expires: 43_201 }, 'less than or equal to 43200'],
    [{ Expires: '300' }, 'be an integer'],
    [{ MaxMediaPlaylistFragmentResults: 0 }, 'greater than or equal to 1'],
    [{ MaxMediaPlaylistFragmentResults: 5001 }, 'less than or equal to 5000'],
    [{ PlaybackMode: 'live' }, 'satisfy enum value set: [LIVE, LIVE_REPLAY, ON_DEMAND]'],
    [{ ContainerFormat: 'MP4' }, 'enum value set'],
    [{ DiscontinuityMode: 'SOMETIMES' }, 'enum value set'],
    [{ DisplayFragmentTimestamp: true }, 'enum value set'],
    [{ HLSFragmentSelector: 'x' }, 'be a structure'],
    [
      { HLSFragmentSelector: { TimestampRange: range(-60, -1) } },
      'must not be present for PlaybackMode LIVE',
    ],
    [{ PlaybackMode: 'ON_DEMAND' }, 'HLSFragmentSelector with FragmentSelectorType is required'],
    [onDemand('SERVER_TIMESTAMP', undefined), 'TimestampRange is required'],
    [onDemand('SERVER_TIMESTAMP', { EndTimestamp: nowSeconds }), 'StartTimestamp is required'],
    [onDemand('SERVER_TIMESTAMP', range(-60)), 'EndTimestamp is required'],
    [onDemand('SERVER_TIMESTAMP', range(-60, -60)), 'must be later than StartTimestamp'],
    [onDemand('PRODUCER_TIMESTAMP', range(-86_401, 0)), 'within 24 hours'],
    [onDemand('SERVER_TIMESTAMP', range(-86_400, -1)), 'later than the stream head'],
    [onDemand('SERVER_TIMESTAMP', range(-60, 1)), 'in the past'],
  ])('is refused: %j', (body, message) => {
    const attempt = (): unknown => sessionParameters(body, nowMs, headMs);
    expect(attempt).toThrow(ServiceError);
    expect(attempt).toThrow(message);
  });
});
