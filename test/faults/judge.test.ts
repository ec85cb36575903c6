import { describe, expect, it } from '@jest/globals';
import type { Gap } from '../../lib/index';
import { faultByName } from '../../lib/simulator/index';
import { accountOf } from './account';
import type { Expectation } from './expectations/expectation';
import { verdictOn } from './judge';
import { Secrets } from '../support/secrets';
import { PICTURE_MS, type RowRecord, type SeenFrame } from './run-fault';

const expected: Expectation = { does: '', means: '', todo: '' };

/** Frame number `n` of a row in which all is well. */
const frame = (n: number, more: Partial<SeenFrame> = {}): SeenFrame => ({
  arrivedAtMs: 10_000 + n * PICTURE_MS,
  number: n,
  width: 320,
  index: n,
  timestampMs: 1_000_000 + n * PICTURE_MS,
  keyFrame: n % 10 === 0,
  discontinuity: false,
  gapMs: 0,
  damaged: false,
  ...more,
});
const run = (count: number): SeenFrame[] => Array.from({ length: count }, (_, n) => frame(n));
const gap = (ms: number, more: Partial<Gap> = {}): Gap => ({
  cause: 'media',
  fromMs: null,
  toMs: null,
  ms,
  fragments: 1,
  recovered: false,
  ...more,
});

function row(more: Partial<RowRecord> = {}): RowRecord {
  return {
    fault: faultByName('body-cut'),
    container: 'MPEG_TS',
    frames: run(40),
    gaps: [],
    phases: ['connecting', 'connected'],
    reconnects: [],
    mediaFaults: [],
    error: null,
    controlCalls: 0,
    window: { beganAtMs: 11_000, endedAtMs: 11_010 },
    setAtMs: 10_900,
    isOverdue: false,
    health: {
      healthy: true,
      status: 'flowing',
      state: 2,
      phase: 'connected',
      reason: '',
      sinceMs: 0,
      lastFrameAgoMs: 0,
      lastFrameAgeMs: 0,
      rhythm: { fragmentMs: 1000, stallAfterMs: 10_000 },
      renewals: 0,
      reconnectsLastHour: 0,
      next: null,
      decoder: null,
    },
    metrics: {} as RowRecord['metrics'],
    sent: [],
    log: [],
    leaks: [],
    secrets: new Secrets(),
    ...more,
  };
}

/** Ten pictures missing behind the twentieth, told or not. */
const withHole = (told: Partial<SeenFrame>, gaps: readonly Gap[]): RowRecord => {
  const behind = Array.from({ length: 20 }, (_, n) => frame(n + 30, { index: n + 20 }));
  behind[0] = { ...behind[0]!, ...told };
  return row({ frames: [...run(20), ...behind], gaps });
};
const lossy: Expectation = { ...expected, lostMs: [500, 500], causes: ['media'] };

describe('A row', () => {
  it('in which all is well is judged so', () => {
    expect(verdictOn(row(), expected)).toEqual([]);
    expect(accountOf(row(), expected)).toEqual({
      picturesMissing: 0,
      ledgerMs: {},
      recoveredMs: 0,
      recoveryMs: 40,
    });
  });

  it('may have a hole that is told and expected', () => {
    const told = withHole({ discontinuity: true, gapMs: 500 }, [gap(500)]);
    expect(verdictOn(told, lossy)).toEqual([]);
    expect(accountOf(told, lossy)).toMatchObject({ picturesMissing: 10, ledgerMs: { media: 500 } });
    expect(verdictOn(told, expected).join()).toMatch(/media lost: 500, expected 0 to 0/);
    expect(verdictOn(told, { ...lossy, causes: ['policy'] }).join()).toMatch(/lost to media/);
  });

  it('may not lose a picture in silence', () => {
    const silent = verdictOn(withHole({}, []), lossy).join('\n');
    expect(silent).toMatch(/not marked as discontinuous/);
    expect(silent).toMatch(/says that 0 ms are missing/);
    expect(silent).toMatch(/do not add up/);
    expect(silent).toMatch(/the ledger lacks 0 ms, the pictures 500 ms/);
  });

  it('may not tell a hole that is none, or tell it twice', () => {
    expect(verdictOn(row({ gaps: [gap(500)] }), lossy).join()).toMatch(/ledger lacks 500 ms, the pictures 0/);
    const twice = withHole({ discontinuity: true, gapMs: 500 }, [gap(500), gap(500)]);
    expect(verdictOn(twice, lossy).join()).toMatch(/tell of 1000 ms, frames of 500 ms/);
  });

  it("may call what the camera sent the camera's silence only where nothing showed it", () => {
    const silence = withHole({ discontinuity: true, gapMs: 500 }, [gap(500, { cause: 'producer' })]);
    expect(verdictOn(silence, { ...lossy, causes: ['producer'], silentMs: [0, 500] }).join()).toMatch(
      /the ledger lacks 0 ms, the pictures 500 ms/,
    );
    expect(verdictOn(silence, { ...lossy, causes: ['producer'], unlisted: true })).toEqual([]);
  });

  it('may have a fragment that comes late and fills the hole that was told', () => {
    const numbers = [...Array(10).keys()].map((n) => n + 20);
    const late = run(50).map((one, n) => ({
      ...one,
      number: n < 20 || n >= 40 ? n : n < 30 ? n + 10 : n - 10,
    }));
    expect(late.slice(30, 40).map(({ number }) => number)).toEqual(numbers);
    late[20] = { ...late[20]!, discontinuity: true, gapMs: 500 };
    const gaps = [gap(500, { cause: 'producer' }), gap(500, { cause: 'producer', recovered: true })];
    const order: Expectation = { ...expected, causes: ['producer'], unlisted: true, reordered: true };
    expect(verdictOn(row({ frames: late, gaps }), order)).toEqual([]);
    expect(verdictOn(row({ frames: late, gaps: gaps.slice(0, 1) }), order).join()).toMatch(
      /the ledger lacks 500 ms, the pictures 0 ms/,
    );
  });

  it.each([
    ['repeats a picture', { number: 19 }, /shows picture 19 after 19/],
    ['goes back', { number: 3 }, /shows picture 3 after 19/],
    ['steps back in time', { timestampMs: 1_000_000 }, /the time steps back/],
    ['skips an index', { index: 99 }, /frame 20 has index 99/],
    ['can not be read and is not said to be damaged', { number: null }, /can't be read/],
  ])('may not have a frame that %s', (_, more, message) => {
    const frames = run(40);
    frames[20] = { ...frames[20]!, ...more };
    expect(verdictOn(row({ frames }), expected).join('\n')).toMatch(message);
  });

  it('may have pictures that can not be read behind a damaged one, up to the next key frame', () => {
    const frames = run(40);
    for (let n = 23; n < 30; n++) frames[n] = frame(n, { number: null, damaged: n === 23 });
    expect(verdictOn(row({ frames }), expected)).toEqual([]);
    frames[30] = frame(30, { number: null });
    expect(verdictOn(row({ frames }), expected).join()).toMatch(/frame 30 can't be read/);
  });

  it.each<[string, Partial<RowRecord>, RegExp]>([
    ['leak a secret', { leaks: ['a token: it is xyz'] }, /a secret is in what the reader says: a token/],
    ['come too late', { isOverdue: true }, /not well again in time/],
    ['miss its fault', { window: null }, /did not happen/],
    ['call too often', { controlCalls: 1 }, /control calls: 1, expected 0 to 0/],
    [
      'end',
      { error: { code: 'HLS_STALLED', cause: null, message: 'x' } },
      /ended with HLS_STALLED of nothing: x/,
    ],
    ['pass through other states', { phases: ['connecting', 'connected', 'offline'] }, /phases: .* offline/],
    [
      'be ill',
      { health: { ...row().health, healthy: false, status: 'stalled' } },
      /health: stalled, expected flowing/,
    ],
    ['recover late', { window: { beganAtMs: 1, endedAtMs: 5_000 } }, /recovery ms: 5000, expected 0 to 3000/],
  ])('may not %s', (_, more, message) => {
    expect(verdictOn(row(more), expected).join('\n')).toMatch(message);
  });

  it('must end as expected', () => {
    const ends = { ...expected, phases: /./, ends: { code: 'TOO_MANY_ERRORS', cause: 'HLS_STATUS' } };
    expect(verdictOn(row(), ends).join()).toMatch(/ended with no error of nothing|ended with no error/);
  });
});
