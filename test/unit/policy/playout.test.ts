import { describe, expect, it } from '@jest/globals';
import { Playout } from '../../../lib/policy/playout';

const LIVE = true;
/** A fragment of 2 s is whole when its last picture was taken: its first one comes 2 s old. */
const FRAGMENT_MS = 2000;

/** Fragments that come `lateMs` after they are whole, one after the other from capture time 0; answers the last delay. */
function delayAfter(playout: Playout, lateMs: readonly number[]): number {
  lateMs.forEach((late, i) => playout.arrived(i * FRAGMENT_MS, (i + 1) * FRAGMENT_MS + late, false));
  return playout.dueMs(0);
}

describe('the playout', () => {
  it('hands a fragment over at the pace it was taken at, from shortly after it came', () => {
    const playout = new Playout(LIVE);
    playout.arrived(1_000_000, 50, false);
    const due = [0, 40, 80].map((offset) => playout.dueMs(1_000_000 + offset));
    expect(due).toEqual([150, 190, 230]);
    expect(playout.captureMs(190)).toBe(1_000_040);
  });

  it('waits longer from the fragment on that came too late, so that the next like it is in time', () => {
    const playout = new Playout(LIVE);
    expect(delayAfter(playout, [0, 50, 90])).toBe(2100);
    playout.arrived(6000, 8000 + 700, false);
    expect(playout.dueMs(6000)).toBe(8000 + 800);
    playout.arrived(8000, 10_000 + 700, false);
    expect(playout.dueMs(8000)).toBe(10_000 + 800);
  });

  it('gives time up that was not needed for a while, a little with each frame', () => {
    const playout = new Playout(LIVE);
    expect(delayAfter(playout, [1000, ...Array<number>(20).fill(0)])).toBe(3100);
    for (let frame = 0; frame < 100; frame++) playout.taken(40);
    expect(playout.dueMs(0)).toBeCloseTo(3100 - 100 * 40 * 0.05);
    for (let frame = 0; frame < 10_000; frame++) playout.taken(40);
    expect(playout.dueMs(0)).toBeCloseTo(2100);
  });

  it.each([
    ['a break', true],
    ['none', false],
  ])(
    'is back where it was within 20 s after an outage with %s, though what was missed comes at once',
    (_, isBreak) => {
      const playout = new Playout(LIVE);
      expect(delayAfter(playout, Array<number>(10).fill(0))).toBe(2100);
      // Nothing for 8 s, then five fragments at once.
      const endedMs = 11 * FRAGMENT_MS + 8000;
      for (let i = 10; i < 14; i++) playout.arrived(i * FRAGMENT_MS, endedMs, isBreak && i === 10);
      expect(playout.dueMs(0)).toBe(10_100);
      for (let i = 14; i < 24; i++) {
        playout.arrived(i * FRAGMENT_MS, (i + 1) * FRAGMENT_MS, false);
        for (let frame = 0; frame < 50; frame++) playout.taken(40);
      }
      expect(24 * FRAGMENT_MS - endedMs).toBeLessThanOrEqual(20_000);
      expect(playout.dueMs(0)).toBeCloseTo(2100);
    },
  );

  it('gives up no time of a recording, which always comes early', () => {
    const playout = new Playout(!LIVE);
    for (let i = 0; i < 50; i++) playout.arrived(i * FRAGMENT_MS, Math.max(0, i - 4) * FRAGMENT_MS, false);
    for (let frame = 0; frame < 1000; frame++) playout.taken(40);
    expect(playout.dueMs(0)).toBe(100);
  });

  it('begins anew behind a break, and where a clock was set', () => {
    const playout = new Playout(LIVE);
    playout.arrived(0, 2000, false);
    playout.arrived(50_000, 4000, true);
    expect(playout.dueMs(50_000)).toBe(4100);
    // An hour ahead: nobody may wait an hour for that.
    playout.arrived(3_652_000, 6000, false);
    expect(playout.dueMs(3_652_000)).toBe(6100);
    playout.arrived(54_000, 8000, false);
    expect(playout.dueMs(54_000)).toBe(8100);
    // What was taken before that waits no hour.
    expect(playout.dueInMs(3_652_500, 8000)).toBe(0);
    expect(playout.dueInMs(54_000, 8000)).toBe(100);
  });
});
