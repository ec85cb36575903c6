import { describe, expect, it } from '@jest/globals';
import type { HealthStatus } from '../../../lib/index';
import { readinessOf, type ReadyReport } from '../../../lib/http/readiness';

const about = { isClosing: false, isNamed: false };

const judge = (...all: (HealthStatus | null)[]): Required<ReadyReport> =>
  readinessOf(
    all.map((status, i) => ({
      cameraId: `camera-${i}`,
      health: status === null ? null : { status, reason: `is ${status}` },
    })),
    about,
  );

describe('readiness', () => {
  it.each<[string, boolean, (HealthStatus | null)[]]>([
    ['frames of one flow', true, ['flowing']],
    ['frames of one flow and the others are in trouble', true, ['failed', 'flowing', 'stalled', null]],
    ['all cameras are silent', true, ['idle', 'idle']],
    ['the cameras that are left are silent', true, ['stopped', 'idle']],
    ['the first frame has not come', false, ['connecting']],
    ['nobody has asked for frames', false, ['not-started']],
    ['one is silent and the other connects', false, ['idle', 'connecting']],
    ['one is silent and the other failed', false, ['idle', 'failed']],
    ['frames stall', false, ['stalled']],
    ['a connection is made again', false, ['reconnecting']],
    ['the source can not be asked', false, [null]],
    ['all sources were stopped', false, ['stopped', 'stopped']],
    ['there is no source', false, []],
  ])('when %s: %s', (_what, ready, all) => {
    expect(judge(...all).ready).toBe(ready);
  });

  it('ends when the server closes, whatever flows', () => {
    const flowing = { cameraId: 'a', health: { status: 'flowing' as const, reason: 'frames flow' } };
    expect(readinessOf([flowing], { ...about, isClosing: true })).toMatchObject({
      ready: false,
      reason: 'the server closes',
    });
  });

  it('tells a name that no camera has from a camera that ended', () => {
    const none = { ready: false, reason: 'there is no camera of this name', counts: {}, notFlowing: [] };
    expect(readinessOf([], { ...about, isNamed: true })).toEqual(none);
    const ended = { cameraId: 'a', health: { status: 'stopped' as const, reason: 'stopped' } };
    expect(readinessOf([ended], { ...about, isNamed: true }).reason).toBe('no source is left');
    expect(readinessOf([], about).reason).toBe('no source is left');
  });

  it('counts states, and names those whose frames do not flow', () => {
    expect(judge('flowing', 'stalled', 'flowing', null)).toEqual({
      ready: true,
      reason: 'frames of 2 of 4 cameras flow',
      counts: { flowing: 2, stalled: 1, unknown: 1 },
      notFlowing: [
        { cameraId: 'camera-1', status: 'stalled', reason: 'is stalled' },
        { cameraId: 'camera-3', status: 'unknown', reason: 'could not be asked' },
      ],
    });
  });
});
