import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SoakCameraName } from './cameras';
import { Judge } from './judge';

const CAMERAS: readonly SoakCameraName[] = ['latest', 'group-plain'];
const HOW = { isEvery: true, isEncoded: false, isBatched: false };
const TOTALS = {
  ...{ frames: 0, mediaMs: 0, gaps: 0, gapMs: 0, droppedMs: 0, recoveredMs: 0 },
  ...{ reconnects: 0, renewals: 0, readErrors: 0 },
};

let nowMs: number;
let judge: Judge;
let violations: string[];

beforeEach(() => {
  nowMs = 0;
  violations = [];
  judge = new Judge(
    (line) => violations.push(line),
    () => nowMs,
  );
});

/** Seconds by the clock, each of which the judge looks. */
function pass(seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    nowMs += 1_000;
    judge.look();
  }
}

function fault(isOver: boolean, name = 'connection-reset', cameras = CAMERAS): void {
  for (const camera of cameras) judge.world({ type: 'fault', camera, faults: [name], isOver });
}

/** A fault of five seconds, and peace. */
function turn(peaceSeconds: number, name?: string): void {
  fault(false, name);
  pass(5);
  fault(true, name);
  pass(peaceSeconds);
}

const begin = (id: number, camera: SoakCameraName): void =>
  judge.reader({ type: 'began', id, camera, how: HOW });
/** A frame comes: of which picture is another matter. */
const frame = (id: number): void => judge.reader({ type: 'seen', seen: [[id, []]] });

describe('the judge of a soak', () => {
  it.each([3, 20, 29])(
    'sees readings that never get a frame though no peace is longer than %d s',
    (peace) => {
      begin(1, 'latest');
      begin(2, 'group-plain');
      for (let i = 0; i < 30; i++) turn(peace);
      expect(violations).toEqual([
        expect.stringMatching(/^! \S+ \(after connection-reset\): no frame for 6\d s although all is well$/),
        expect.stringMatching(/^! \S+ \(after connection-reset\): no frame for 6\d s although all is well$/),
      ]);
      const { latest } = judge.finish();
      expect(latest.longestWaitMs).toBe(30 * peace * 1_000);
    },
  );

  it('sees a reading that gets nothing in one long peace', () => {
    begin(1, 'latest');
    turn(29);
    expect(violations).toEqual([]);
    pass(2);
    expect(violations).toHaveLength(1);
  });

  it('goes on counting where a source that gave nothing is replaced by another one', () => {
    for (let id = 1; id <= 8; id++) {
      begin(id, 'hls-slow');
      pass(12);
      judge.reader({ type: 'ended', id, code: null, totals: TOTALS });
    }
    expect(violations).toHaveLength(1);
  });

  it('counts no time under faults, none without a reader, and none after a frame', () => {
    pass(300);
    begin(1, 'latest');
    for (let i = 0; i < 30; i++) {
      turn(20);
      frame(1);
    }
    fault(false);
    pass(300);
    expect(violations).toEqual([]);
    expect(judge.finish().latest.longestWaitMs).toBe(20_000);
  });

  it('waits for one whom the service throttled, also where something else fails meanwhile', () => {
    begin(1, 'latest');
    turn(3, 'endpoint-429-thrice');
    turn(118);
    expect(violations).toEqual([]);
    pass(10);
    expect(violations).toHaveLength(1);
  });

  it('expects no frame of cameras that stop', () => {
    begin(1, 'latest');
    pass(20);
    judge.expectSilence();
    pass(100);
    expect(violations).toEqual([]);
  });
});
