import { describe, expect, it } from '@jest/globals';
import { FLAG, type ReadingTotals, type Sent } from './messages';
import { ReadingAccount, type SeenFrame } from './reading-account';
import { SentLog } from './sent-log';

const PICTURE_MS = 100;
const START_MS = 1_700_000_000_000;
const WIDTH = 160;
const every = { isEvery: true, isEncoded: false, isBatched: false };

/** A camera that sent fragments of ten pictures; each may be late by a silence, dated otherwise than it was taken, or another camera's. */
function sentLog(
  fragments: readonly { silenceMs?: number; shiftMs?: number; pictureMs?: number }[],
): SentLog {
  const log = new SentLog();
  let trueMs = START_MS;
  for (const [i, { silenceMs = 0, shiftMs = 0, pictureMs = PICTURE_MS }] of fragments.entries()) {
    trueMs += silenceMs;
    const sent: Sent = {
      ...{ serial: 10 * i, pictures: 10, trueMs, dateMs: trueMs + shiftMs, pictureMs },
      ...{ width: WIDTH, stamp: (10 * i) % 1200, stamps: 1200 },
    };
    log.add(sent);
    trueMs += 10 * pictureMs;
  }
  return log;
}

/** Takes pictures of a log as frames. */
class Reader {
  readonly account: ReadingAccount;
  readonly wrong: string[] = [];
  readonly #log: SentLog;
  #index = 0;

  constructor(log: SentLog, { mayBeUndated = false, kind = every } = {}) {
    this.#log = log;
    this.account = new ReadingAccount(log, kind, (weather) => weather === 'undated' && mayBeUndated);
  }

  see(serials: readonly number[], first: Partial<SeenFrame> = {}): this {
    for (const [i, serial] of serials.entries()) {
      const { stamp, dateMs } = this.#log.picture(serial)!;
      const frame = { stamp, width: WIDTH, timestampMs: dateMs, gapMs: 0, flags: 0, index: this.#index++ };
      this.wrong.push(...this.account.frame({ ...frame, ...(i === 0 && first) }));
    }
    return this;
  }
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const marked = (gapMs: number): Partial<SeenFrame> => ({ gapMs, flags: FLAG.discontinuity });
const three = sentLog([{}, {}, {}]);
const TOTALS: ReadingTotals = {
  ...{ frames: 0, mediaMs: 3_000, gaps: 0, gapMs: 0, droppedMs: 0, recoveredMs: 0 },
  ...{ reconnects: 0, renewals: 0, readErrors: 0 },
};

describe('the account of a reading', () => {
  it('finds nothing wrong with every picture once, in order, rightly dated', () => {
    const { wrong, account } = new Reader(three).see(numbers(0, 29));
    expect(wrong).toEqual([]);
    expect(account.sums).toMatchObject({ sent: 30, frames: 30, missing: 0, toldMs: 0 });
  });

  it('takes a hole that was told, and sees one that was not', () => {
    const told = new Reader(three).see(numbers(0, 9)).see(numbers(20, 29), marked(1_000));
    expect(told.wrong).toEqual([]);
    expect(told.account.sums).toMatchObject({
      sent: 30,
      frames: 20,
      missing: 10,
      missingMs: 1_000,
      toldMs: 1_000,
    });
    expect(new Reader(three).see(numbers(0, 9)).see(numbers(20, 29)).wrong).toEqual([
      'frame 10, picture 20 after 9: is not marked as discontinuous',
      'frame 10, picture 20 after 9: 10 pictures and 0 ms of silence are missing, 0 ms were told',
    ]);
  });

  it('sees a hole that was told of and is none', () => {
    expect(new Reader(three).see(numbers(0, 9)).see(numbers(10, 29), marked(1_000)).wrong).toEqual([
      'frame 10, picture 10 after 9: 0 pictures and 0 ms of silence are missing, 1000 ms were told',
    ]);
  });

  it('tells what the camera never sent from what was lost', () => {
    const log = sentLog([{}, {}, { silenceMs: 5_000 }]);
    const { wrong, account } = new Reader(log).see(numbers(0, 14)).see(numbers(20, 29), marked(5_500));
    expect(wrong).toEqual([]);
    expect(account.sums).toMatchObject({ missing: 5, missingMs: 500, silentMs: 5_000, toldMs: 5_500 });
  });

  it('sees pictures that come twice, and says so once', () => {
    const { wrong, account } = new Reader(three).see(numbers(0, 19)).see(numbers(10, 29));
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toMatch(/^frame 20 \(stamp 10, \d+\) is no picture behind 19$/);
    expect(account.sums).toMatchObject({ frames: 40, repeated: 10, sent: 30 });
  });

  it('sees a wrong date, unless dates are wrong where they come from', () => {
    const late = { timestampMs: START_MS + 5_000 };
    expect(new Reader(three).see(numbers(0, 9)).see(numbers(10, 19), late).wrong).toEqual([
      expect.stringMatching(/^frame 10 is picture 10 of \d+ and dated \d+$/),
    ]);
    expect(
      new Reader(three, { mayBeUndated: true }).see(numbers(0, 9)).see(numbers(10, 19), late).wrong,
    ).toEqual([]);
  });

  it('counts what is missing and can not be told while the clock is set', () => {
    const log = sentLog([{}, {}, { shiftMs: -3_600_000 }]);
    const { wrong, account } = new Reader(log).see(numbers(0, 9)).see(numbers(20, 29));
    expect(wrong).toEqual([]);
    expect(account.sums).toMatchObject({ missing: 10, undatedMissing: 10 });
  });

  it('asks of a source that drops frames no figure for what was dropped, lost or never sent while the clock was set', () => {
    const kind = { ...every, isEvery: false };
    const log = sentLog([{}, {}, { silenceMs: 40_000, shiftMs: -3_600_000 }]);
    const { wrong, account } = new Reader(log, { kind }).see([0, 19]).see(numbers(20, 29));
    expect(wrong).toEqual([]);
    expect(account.sums).toMatchObject({ droppedMs: 1_800, undatedMs: 40_000 });
    const totals = { ...TOTALS, frames: 12, mediaMs: 1_200 };
    expect(account.end({ ...totals, droppedMs: 1_800 })).toEqual([]);
    expect(account.end({ ...totals, droppedMs: 41_800 })).toEqual([]);
    expect(account.end({ ...totals, droppedMs: 800 })).toHaveLength(1);
    expect(account.end({ ...totals, droppedMs: 57_000 })).toHaveLength(1);
  });

  it('takes late pictures into the hole that they fill', () => {
    const { wrong, account } = new Reader(three)
      .see(numbers(0, 9))
      .see(numbers(20, 24), marked(1_000))
      .see(numbers(10, 19))
      .see(numbers(25, 29));
    expect(wrong).toEqual([]);
    expect(account.sums).toMatchObject({ frames: 30, late: 10, missing: 0, missingMs: 0, toldMs: 0 });
  });

  it('lets the ledger be less by late pictures that were not taken any more, by no more than a buffer holds of them', () => {
    const { account } = new Reader(three).see(numbers(0, 9)).see(numbers(20, 29), marked(1_000));
    const totals = { ...TOTALS, frames: 20, gaps: 1 };
    expect(account.end({ ...totals, mediaMs: 3_000, gapMs: 0, recoveredMs: 1_000 })).toEqual([]);
    expect(account.end({ ...totals, mediaMs: 2_000, gapMs: 0 })).toEqual([
      'the ledger has 0 ms, its frames told of 1000 ms (0 ms recovered, 0 ms seen to come late)',
    ]);
    const long = sentLog(Array(9).fill({}));
    const reader = new Reader(long).see(numbers(0, 9)).see(numbers(80, 89), marked(7_000));
    expect(reader.account.end({ ...totals, mediaMs: 3_000, gapMs: 0, recoveredMs: 7_000 })).toHaveLength(1);
  });

  it('asks no sum of the ledger once the clock was set, also where nothing was missing', () => {
    const log = sentLog([{}, {}, { silenceMs: 9_000 }, { shiftMs: -4_000 }]);
    const { account, wrong } = new Reader(log)
      .see(numbers(0, 19))
      .see(numbers(20, 29), marked(9_000))
      .see(numbers(30, 39), { flags: FLAG.discontinuity });
    expect(wrong).toEqual([]);
    const totals = { ...TOTALS, frames: 40, mediaMs: 4_000, gaps: 1, gapMs: 8_000 };
    expect(account.end(totals)).toEqual([]);
  });

  it('takes a picture that damage has spoilt for the one that is due', () => {
    const damaged = { stamp: -1, flags: FLAG.damaged };
    const { wrong, account } = new Reader(three).see(numbers(0, 9)).see([10], damaged).see(numbers(11, 29));
    expect(wrong).toEqual([]);
    expect(account.sums).toMatchObject({ unreadable: 1, missing: 0 });
    expect(new Reader(three).see(numbers(0, 9)).see([10], { stamp: -1 }).wrong).toEqual([
      "frame 10 can't be read, and no picture it leans on is damaged",
    ]);
  });

  it('reckons with the lengths of the pictures that damage has spoilt', () => {
    const log = sentLog([{}, { silenceMs: 700, pictureMs: 50 }, { pictureMs: 50 }]);
    const stamp = -1;
    // One of them shows the stamp of none that can be.
    const { wrong, account } = new Reader(log)
      .see(numbers(0, 9))
      .see([10], { stamp: 999, flags: FLAG.damaged, gapMs: 700 });
    const later = numbers(11, 19).flatMap((serial) =>
      account.frame({ ...{ stamp, width: WIDTH, gapMs: 0, flags: 0, index: serial }, timestampMs: 0 }),
    );
    const { dateMs } = log.picture(20)!;
    const next = { stamp: 20, width: WIDTH, timestampMs: dateMs, gapMs: 0, flags: FLAG.keyFrame, index: 20 };
    expect([...wrong, ...later, ...account.frame(next)]).toEqual([]);
    expect(account.sums).toMatchObject({
      unreadable: 10,
      repeated: 0,
      missing: 0,
      silentMs: 700,
      mediaMs: 1_550,
    });
  });

  it('takes an older picture that shows through where bits are wrong for the one that is due', () => {
    const log = sentLog([{}, {}, {}]);
    const account = new ReadingAccount(log, every, (weather) => weather === 'spoilt');
    const wrong = [...numbers(0, 9), 3, ...numbers(11, 29)].flatMap((serial, index) =>
      account.frame({
        ...{ stamp: serial, width: WIDTH, timestampMs: START_MS + index * PICTURE_MS },
        ...{ gapMs: 0, flags: 0, index },
      }),
    );
    expect(wrong).toEqual([]);
    expect(account.sums).toMatchObject({ unreadable: 1, missing: 0, repeated: 0 });
  });

  it('knows access units by their times', () => {
    const kind = { ...every, isEncoded: true };
    const { wrong, account } = new Reader(three, { kind })
      .see(numbers(3, 9))
      .see(numbers(20, 29), marked(1_000));
    expect(wrong).toEqual([]);
    expect(account.sums).toMatchObject({ frames: 17, missing: 10, sent: 27 });
  });

  it('compares what a source counts with what was seen', () => {
    const { account } = new Reader(three).see(numbers(0, 29));
    expect(account.end({ ...TOTALS, frames: 30 })).toEqual([]);
    expect(account.end({ ...TOTALS, frames: 31 })).toEqual(['the source counts 31 frames, the program 30']);
    const dropping = { isEvery: false, isEncoded: false, isBatched: false };
    const { account: late } = new Reader(three, { kind: dropping }).see([0, 9, 29]);
    expect(late.end({ ...TOTALS, frames: 3, mediaMs: 300, droppedMs: 2_700 })).toEqual([]);
    expect(late.end({ ...TOTALS, frames: 3, mediaMs: 300, droppedMs: 1_000 })).toEqual([
      'the source counts 1000 ms as dropped, the pictures 2700 ms',
    ]);
  });

  it("holds the source's media time against the pictures, both ways", () => {
    const { account } = new Reader(three).see(numbers(0, 29));
    const end = (mediaMs: number): string[] => account.end({ ...TOTALS, frames: 30, mediaMs });
    expect(end(3_000)).toEqual([]);
    expect(end(4_500)).toEqual([]);
    expect(end(1_000)).toEqual(['the source counts 1000 ms of media, the pictures last 3000 ms']);
    expect(end(7_000)).toEqual(['the source counts 7000 ms of media, the pictures last 3000 ms']);
  });

  it('leaves to the ledger what frames told, and what was sent behind the last one', () => {
    const totals = { ...TOTALS, frames: 20, mediaMs: 2_000, gaps: 1 };
    const { account } = new Reader(three).see(numbers(0, 9)).see(numbers(20, 29), marked(1_000));
    expect(account.end({ ...totals, gapMs: 1_000 })).toEqual([]);
    expect(account.end({ ...totals, gapMs: 0 })).toHaveLength(1);
    expect(account.end({ ...totals, gapMs: 4_000 })).toEqual([
      'the ledger has 4000 ms, of 2020 ms at most could frames tell or still have told',
    ]);
    expect(account.end({ ...totals, gaps: 0, gapMs: 1_000 })).toEqual([
      'the ledger has 0 holes of 1000 ms, 1 frames told of one',
    ]);
    const long = sentLog([{}, {}, { silenceMs: 10_000 }]);
    const { account: left } = new Reader(long).see(numbers(0, 19));
    expect(left.end({ ...totals, gapMs: 10_000 })).toEqual([]);
    expect(left.end({ ...totals, gapMs: 13_000 })).toHaveLength(1);
  });

  it('takes no hole from the ledger of a source that gave nothing of a camera that sent nothing', () => {
    const account = new ReadingAccount(sentLog([]), every, () => false);
    expect(account.end({ ...TOTALS, mediaMs: 0 })).toEqual([]);
    expect(account.end({ ...TOTALS, mediaMs: 0, gaps: 99, gapMs: 3_600_000 })).toHaveLength(1);
  });
});
