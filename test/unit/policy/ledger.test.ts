import { describe, expect, it } from '@jest/globals';
import type { Gap } from '../../../lib/policy/gap';
import { Ledger, type LedgerFragment } from '../../../lib/policy/ledger';

/** A fragment of 2 s, at 10 pictures a second. */
const at = (dateMs: number | null, more: Partial<LedgerFragment> = {}): LedgerFragment => ({
  dateMs,
  durationMs: 2000,
  aheadMs: -2000,
  sessionId: 1,
  isAdjacent: true,
  lost: null,
  elapsedMs: null,
  ...more,
});
const PICTURE_MS = 100;

/** Pushes fragments, then lets pictures of each come out: all of them, or those whose numbers are given. */
function play(ledger: Ledger, ...all: (LedgerFragment | [LedgerFragment, readonly number[]])[]): Gap[] {
  const pairs = all.map((one) => (Array.isArray(one) ? one : ([one, [...Array(20).keys()]] as const)));
  for (const [fragment] of pairs) ledger.push(fragment);
  return pairs.flatMap(([fragment, numbers]) => {
    ledger.measured(fragment, 2000);
    return numbers
      .map((number) => ledger.frame(fragment, number * PICTURE_MS, PICTURE_MS))
      .filter((gap) => gap !== null);
  });
}

const from = (first: number, last = 19): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('the ledger', () => {
  it('has no entry while one fragment follows the other, give or take a picture', () => {
    const ledger = new Ledger();
    expect(play(ledger, at(10_000), at(12_000), at(14_120), at(16_050))).toEqual([]);
    expect([ledger.gaps, ledger.gapMs, ledger.deliveredMs]).toEqual([0, 0, 8000]);
  });

  it('blames the producer for a jump of the dates with no fragment missing', () => {
    const ledger = new Ledger();
    expect(play(ledger, at(10_000), at(20_000))).toEqual([
      { cause: 'producer', fromMs: 12_000, toMs: 20_000, ms: 8000, fragments: 0, recovered: false },
    ]);
    expect(ledger.deliveredMs + ledger.gapMs).toBe(22_000 - 10_000);
    expect(ledger.totals.producer).toEqual({ gaps: 1, ms: 8000 });
  });

  it('blames what the fragments were lost to, and an outage when only the session changed', () => {
    const lost = { count: 2, ms: 4000, cause: 'window-slid' } as const;
    expect(play(new Ledger(), at(10_000), at(16_000, { lost }))).toMatchObject([
      { cause: 'window-slid', ms: 4000, fragments: 2 },
    ]);
    expect(play(new Ledger(), at(10_000), at(20_000, { sessionId: 2, isAdjacent: false }))).toMatchObject([
      { cause: 'outage', ms: 8000 },
    ]);
  });

  it('names the cause of most of a hole that has two', () => {
    const lost = { count: 1, ms: 2000, cause: 'media' } as const;
    expect(play(new Ledger(), at(0), at(10_000, { lost }))).toMatchObject([
      { cause: 'producer', ms: 8000, fragments: 1 },
    ]);
  });

  it('blames the producer for what is missing behind a silence that was seen, in whichever session', () => {
    const ledger = new Ledger();
    const apart = { isAdjacent: false };
    play(ledger, at(0));
    ledger.silence();
    expect(play(ledger, at(40_000, { ...apart, sessionId: 2 }))).toMatchObject([
      { cause: 'producer', ms: 38_000 },
    ]);
    expect(play(ledger, at(50_000, { ...apart, sessionId: 3 }))).toMatchObject([
      { cause: 'outage', ms: 8000 },
    ]);
  });

  it('blames the producer where another session’s list shows one fragment right behind the other', () => {
    expect(play(new Ledger(), at(0), at(20_000, { sessionId: 2 }))).toMatchObject([{ cause: 'producer' }]);
  });

  it('takes the word for the cause where only the dates tell the length', () => {
    const lost = { count: 0, ms: 0, cause: 'window-slid' } as const;
    const after = at(20_000, { sessionId: 2, isAdjacent: false, lost });
    expect(play(new Ledger(), at(0), after)).toMatchObject([{ cause: 'window-slid', ms: 18_000 }]);
  });

  it('counts pictures that are missing inside a fragment, at its head and at its end', () => {
    const ledger = new Ledger();
    const gaps = play(ledger, [at(0), [0, 1, 5, 6, 7, 8]], [at(2000), from(3)], at(4000));
    expect(gaps).toEqual([
      { cause: 'media', fromMs: 200, toMs: 500, ms: 300, fragments: 0, recovered: false },
      { cause: 'media', fromMs: 900, toMs: 2300, ms: 1400, fragments: 0, recovered: false },
    ]);
    expect(ledger.deliveredMs + ledger.gapMs).toBe(6000);
  });

  it('counts fragments that gave no picture, by why they did not', () => {
    const bad = at(2000);
    const ledger = new Ledger();
    play(ledger, at(0));
    ledger.push(bad);
    ledger.refused(bad, 'format');
    expect(play(ledger, at(4000))).toEqual([
      { cause: 'format', fromMs: 2000, toMs: 4000, ms: 2000, fragments: 1, recovered: false },
    ]);
  });

  it('reckons with lengths where there are no dates', () => {
    const lost = { count: 3, ms: 6000, cause: 'window-slid' } as const;
    const ledger = new Ledger();
    expect(play(ledger, at(null), at(null), at(null, { lost }))).toEqual([
      { cause: 'window-slid', fromMs: null, toMs: null, ms: 6000, fragments: 3, recovered: false },
    ]);
    expect(play(ledger, [at(null), from(0, 9)], at(null))).toMatchObject([{ cause: 'media', ms: 1000 }]);
  });

  it('takes a jump that outruns the host’s clock for a clock that was set, both ways', () => {
    const ledger = new Ledger();
    const live = (dateMs: number): LedgerFragment => at(dateMs, { elapsedMs: 2000 });
    expect(play(ledger, live(0), live(3_602_000), live(3_604_000), live(6000), live(8000))).toEqual([]);
    expect(ledger.gapMs).toBe(0);
    expect(play(ledger, at(13_000, { elapsedMs: 5000 }))).toMatchObject([{ cause: 'producer', ms: 3000 }]);
  });

  it('takes a jump to ahead of the host’s clock for a clock that was set, where no time is known', () => {
    const hour = { aheadMs: 3_598_000 };
    const ledger = new Ledger();
    expect(play(ledger, at(0), at(3_602_000, hour), at(3_604_000, hour), at(6000))).toEqual([]);
    expect(ledger.gapMs).toBe(0);
    // A camera that is always ahead tells the truth about what is missing, and so does one that was off for an hour.
    const ahead = new Ledger();
    expect(play(ahead, at(0, hour), at(3_602_000, hour))).toMatchObject([{ ms: 3_600_000 }]);
    expect(play(new Ledger(), at(0), at(3_602_000))).toMatchObject([{ ms: 3_600_000 }]);
    const nearly = { aheadMs: 1000 };
    expect(play(new Ledger(), at(0, nearly), at(3_602_000, hour))).toEqual([]);
  });

  it('tells a hole across which the host’s clock was set back', () => {
    const back = { aheadMs: 118_000, elapsedMs: 600_500 };
    expect(play(new Ledger(), at(0), at(600_000, back))).toMatchObject([{ ms: 598_000 }]);
  });

  it('sees a clock that was set by little, too', () => {
    const ledger = new Ledger();
    const live = (dateMs: number): LedgerFragment => at(dateMs, { elapsedMs: 2400 });
    expect(play(ledger, live(0), live(5000), live(7000))).toEqual([]);
  });

  it('believes the count where the dates say much less than is known to be lost', () => {
    const lost = { count: 3, ms: 6000, cause: 'window-slid' } as const;
    expect(play(new Ledger(), at(0), at(3000, { lost }))).toMatchObject([
      { cause: 'window-slid', ms: 6000, fragments: 3 },
    ]);
  });

  it('still counts what is known to be lost where a clock was set', () => {
    const lost = { count: 1, ms: 2000, cause: 'media' } as const;
    expect(play(new Ledger(), at(100_000), at(0, { lost }))).toEqual([
      { cause: 'media', fromMs: null, toMs: null, ms: 2000, fragments: 1, recovered: false },
    ]);
  });

  it('takes back what comes late, and goes on where it was', () => {
    const ledger = new Ledger();
    expect(play(ledger, at(0), at(4000), at(2000), at(6000))).toEqual([
      { cause: 'producer', fromMs: 2000, toMs: 4000, ms: 2000, fragments: 0, recovered: false },
      { cause: 'producer', fromMs: 2000, toMs: 4000, ms: 2000, fragments: 1, recovered: true },
    ]);
    expect([ledger.deliveredMs, ledger.gapMs, ledger.recoveredMs]).toEqual([8000, 0, 2000]);
    expect(ledger.totals.producer).toEqual({ gaps: 1, ms: 2000 });
  });

  it('takes back only what comes of a late fragment, and only once', () => {
    const ledger = new Ledger();
    const half = [at(2000), from(0, 9)] as [LedgerFragment, number[]];
    play(ledger, at(0), at(4000), half, at(6000));
    expect([ledger.deliveredMs, ledger.gapMs]).toEqual([7000, 1000]);
    play(ledger, at(2000), at(8000));
    expect([ledger.deliveredMs, ledger.gapMs]).toEqual([10_000, 0]);
    play(ledger, at(2000), at(10_000));
    expect([ledger.deliveredMs, ledger.gapMs]).toEqual([12_000, 0]);
  });

  it('puts up with the jitter of dates of receipt', () => {
    const ledger = new Ledger({ isServerDated: true });
    expect(play(ledger, at(0), at(3900), at(4100))).toEqual([]);
    expect(play(ledger, at(11_000))).toMatchObject([{ cause: 'producer', ms: 4900 }]);
  });

  it('tells at the end what is missing behind the last picture', () => {
    const ledger = new Ledger();
    play(ledger, at(0), [at(2000), from(0, 9)]);
    ledger.push(at(4000));
    expect(ledger.end({ count: 2, ms: 4000, cause: 'window-slid' })).toEqual({
      cause: 'window-slid',
      fromMs: 3000,
      toMs: 10_000,
      ms: 7000,
      fragments: 3,
      recovered: false,
    });
    expect(new Ledger().end(null)).toBeNull();
  });

  it('keeps its count, not its list, of fragments that give nothing for a month', () => {
    const ledger = new Ledger();
    play(ledger, at(null));
    for (let n = 1; n <= 1000; n++) ledger.push(at(null));
    expect(play(ledger, at(null))).toMatchObject([{ cause: 'media', ms: 2_000_000, fragments: 1000 }]);
  });

  it('keeps apart what was there and was not wanted', () => {
    const ledger = new Ledger();
    const fragments = [at(0), at(2000)];
    for (const fragment of fragments) {
      ledger.push(fragment);
      ledger.measured(fragment, 2000);
      expect(ledger.frame(fragment, 0, PICTURE_MS)).toBeNull();
      expect(ledger.dropped(fragment, 100, 900, 9, 'selection')).toBeNull();
      expect(ledger.frame(fragment, 1000, PICTURE_MS)).toBeNull();
      expect(ledger.dropped(fragment, 1100, 900, 9, 'age')).toBeNull();
    }
    expect([ledger.deliveredMs, ledger.droppedMs, ledger.gapMs]).toEqual([400, 3600, 0]);
    expect(ledger.drops).toEqual({
      selection: { frames: 18, ms: 1800 },
      latest: { frames: 0, ms: 0 },
      age: { frames: 18, ms: 1800 },
    });
  });

  it('sees what is missing before a run of dropped pictures as it does before a frame', () => {
    const ledger = new Ledger();
    const fragment = at(0);
    ledger.push(fragment);
    ledger.frame(fragment, 0, PICTURE_MS);
    expect(ledger.dropped(fragment, 300, 1000, 10, 'selection')).toMatchObject({ cause: 'media', ms: 200 });
    const next = at(6000);
    ledger.push(next);
    ledger.measured(fragment, 1300);
    expect(ledger.dropped(next, 0, 2000, 20, 'age')).toMatchObject({ cause: 'producer', ms: 4700 });
    expect(ledger.deliveredMs + ledger.droppedMs + ledger.gapMs).toBe(8000);
  });

  it('takes a frame back that was not handed over after all', () => {
    const ledger = new Ledger();
    play(ledger, at(0));
    ledger.withdrawn({ frames: 3, ms: 300 }, 'latest');
    expect([ledger.deliveredMs, ledger.droppedMs]).toEqual([1700, 300]);
    expect(ledger.drops.latest).toEqual({ frames: 3, ms: 300 });
  });
});
