import { describe, expect, it } from '@jest/globals';
import { gapBetween, Ledger, type LedgerFragment } from '../../../lib/policy/ledger';

const at = (dateMs: number | null, more: Partial<LedgerFragment> = {}): LedgerFragment => ({
  dateMs,
  durationMs: 2000,
  missed: 0,
  damaged: 0,
  sessionId: 1,
  ...more,
});

describe('gapBetween', () => {
  it('finds none where one fragment follows the other, give or take a few frames', () => {
    expect(gapBetween(at(10_000), at(12_000))).toBeNull();
    expect(gapBetween(at(10_000), at(12_400))).toBeNull();
    expect(gapBetween(at(10_000), at(11_500))).toBeNull();
  });

  it('blames the producer for a jump of the dates with no fragment missing', () => {
    expect(gapBetween(at(10_000), at(20_000))).toEqual({
      cause: 'producer',
      fromMs: 12_000,
      toMs: 20_000,
      ms: 8000,
      fragments: 0,
    });
  });

  it('blames the window when fragments are missing, and an outage when the session changed', () => {
    expect(gapBetween(at(10_000), at(16_000, { missed: 2 }))).toMatchObject({
      cause: 'window-slid',
      ms: 4000,
      fragments: 2,
    });
    expect(gapBetween(at(10_000), at(20_000, { sessionId: 2 }))).toMatchObject({ cause: 'outage', ms: 8000 });
  });

  it('blames the media when all that is missing came damaged', () => {
    const after = at(16_000, { missed: 2, damaged: 2 });
    expect(gapBetween(at(10_000), after)).toMatchObject({ cause: 'media', ms: 4000, fragments: 2 });
    expect(gapBetween(at(10_000), { ...after, damaged: 1 })).toMatchObject({ cause: 'window-slid' });
  });

  it('reckons with fragment lengths where there are no dates', () => {
    expect(gapBetween(at(null), at(null, { missed: 3 }))).toMatchObject({
      fromMs: null,
      ms: 6000,
      fragments: 3,
    });
    expect(gapBetween(at(null), at(null))).toBeNull();
  });
});

describe('the ledger', () => {
  it('adds up holes', () => {
    const ledger = new Ledger();
    expect(ledger.note(at(0))).toBeNull();
    expect(ledger.note(at(5000))).toMatchObject({ ms: 3000 });
    expect(ledger.note(at(17_000))).toMatchObject({ ms: 10_000 });
    expect([ledger.gaps, ledger.gapMs]).toEqual([2, 13_000]);
  });
});
