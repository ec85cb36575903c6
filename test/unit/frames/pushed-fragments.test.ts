import { describe, expect, it } from '@jest/globals';
import { PushedFragments } from '../../../lib/frames/pushed-fragments';
import type { Fragment } from '../../../lib/hls/fragment';

const NOW = Date.UTC(2026, 10, 22);
const live = { source: 'producer', isLive: true } as const;
const recording = { source: 'producer', isLive: false } as const;

function fragment(parts: Partial<Fragment> = {}): Fragment {
  return {
    container: 'fmp4',
    init: Uint8Array.of(1),
    media: Uint8Array.of(2),
    dateMs: null,
    durationMs: 2000,
    sequence: 0,
    number: null,
    sessionId: 1,
    variant: null,
    discontinuity: false,
    isAdjacent: true,
    lost: null,
    elapsedMs: null,
    receivedAtMs: NOW,
    ...parts,
  };
}

/** Start times of fragments that are read one after the other; `lengths`: true ones. */
function starts(
  pushed: PushedFragments,
  fragments: readonly Fragment[],
  lengths: readonly number[],
): number[] {
  fragments.forEach((one) => pushed.add(one));
  return fragments.map((_, id) => {
    const { startMs } = pushed.timeOf(id)!;
    pushed.read(id, lengths[id]!);
    return startMs - NOW;
  });
}

describe('fragments without a date', () => {
  it('join each other by their true lengths, though they arrive unevenly', () => {
    const arrivals = [0, 2300, 3900, 6200].map((ms) => fragment({ receivedAtMs: NOW + ms }));
    expect(starts(new PushedFragments(live), arrivals, [2100, 2100, 1900, 2000])).toEqual([
      -2000, 300, 2400, 4300,
    ]);
  });

  it('are never dated later than they arrived in a live stream', () => {
    const burst = [0, 10, 20].map((ms) => fragment({ receivedAtMs: NOW + ms }));
    expect(starts(new PushedFragments(live), burst, [2000, 2000, 2000])).toEqual([-2000, 0, 20]);
  });

  it('follow each other in a recording, however quickly it is fetched', () => {
    const burst = [0, 10, 20].map((ms) => fragment({ receivedAtMs: NOW + ms }));
    expect(starts(new PushedFragments(recording), burst, [2000, 1960, 2000])).toEqual([-2000, 0, 1960]);
  });

  it('begin anew behind a break', () => {
    const lost = { count: 1, ms: 2000, cause: 'outage' } as const;
    const fragments = [
      fragment(),
      fragment({ discontinuity: true, receivedAtMs: NOW + 100 }),
      fragment({ lost, receivedAtMs: NOW + 200 }),
    ];
    expect(starts(new PushedFragments(recording), fragments, [2000, 2000, 2000])).toEqual([
      -2000, -1900, -1800,
    ]);
  });

  it('do not go on from a date of the producer, which is another clock', () => {
    const fragments = [fragment({ dateMs: NOW + 60_000 }), fragment({ receivedAtMs: NOW + 2000 })];
    expect(starts(new PushedFragments(live), fragments, [2000, 2000])).toEqual([60_000, 0]);
  });

  it('go to the ledger without one, also when theirs is absurd', () => {
    const pushed = new PushedFragments(live);
    expect(pushed.add(fragment({ dateMs: 86_400_000 })).ledger.dateMs).toBeNull();
    expect(pushed.add(fragment({ dateMs: NOW - 1000 })).ledger.dateMs).toBe(NOW - 1000);
  });
});

describe('a break between fragments', () => {
  it('is told once, with the first frame behind it, also if its own fragment gave none', () => {
    const pushed = new PushedFragments(live);
    for (const discontinuity of [false, true, false, false]) pushed.add(fragment({ discontinuity }));
    expect(pushed.takeBreak(0)).toBe(false);
    expect(pushed.takeBreak(2)).toBe(true);
    expect(pushed.takeBreak(2)).toBe(false);
    expect(pushed.takeBreak(3)).toBe(false);
  });

  it('outlives the memory of a fragment', () => {
    const pushed = new PushedFragments(live);
    for (let id = 0; id < 40; id++) {
      pushed.add(fragment({ discontinuity: id === 3 }));
      pushed.read(id, null);
    }
    expect(pushed.get(3)).toBeUndefined();
    expect(pushed.takeBreak(39)).toBe(true);
    expect(pushed.takeBreak(39)).toBe(false);
  });
});

describe('the bytes of a fragment', () => {
  it('are kept until the engine has read them', () => {
    const pushed = new PushedFragments(live);
    const { init, media } = fragment();
    pushed.add(fragment({ init, media }));
    expect(pushed.get(0)?.bytes?.media).toBe(media);
    pushed.read(0, 2000);
    expect(pushed.get(0)?.bytes).toBeNull();
  });
});
