import { expect, test } from '@jest/globals';
import { BEGINNING, type Mark } from '../../../lib/hls/mark.js';
import { SkipRow } from '../../../lib/hls/skip-row.js';

const mark = (dateMs: number): Mark => ({ ...BEGINNING, dateMs });

test('three fragments in a row may fail; with the fourth, another session tries them all once more', () => {
  const row = new SkipRow();
  for (let n = 0; n < 3; n++)
    expect(row.onGivenUp('window-slid', mark(n), false)).toEqual({ isAtFault: false, rewind: null });
  expect(row.onGivenUp('window-slid', mark(3), false)).toEqual({ isAtFault: true, rewind: mark(0) });
});

test('what another session could not fetch either is not tried a third time', () => {
  const row = new SkipRow();
  for (let n = 0; n < 4; n++) row.onGivenUp('window-slid', mark(n), false);
  row.onSession();
  for (let n = 0; n < 3; n++) row.onGivenUp('window-slid', mark(n), false);
  expect(row.onGivenUp('window-slid', mark(3), false)).toEqual({ isAtFault: true, rewind: null });
  row.onFetched();
  for (let n = 5; n < 8; n++) row.onGivenUp('window-slid', mark(n), false);
  expect(row.onGivenUp('window-slid', mark(8), false)).toEqual({ isAtFault: true, rewind: mark(5) });
});

test('a recording goes on behind them', () => {
  const row = new SkipRow();
  for (let n = 0; n < 3; n++) row.onGivenUp('outage', mark(n), true);
  expect(row.onGivenUp('outage', mark(3), true)).toEqual({ isAtFault: true, rewind: null });
});

test('nine damaged fragments in a row are put up with', () => {
  const row = new SkipRow();
  for (let n = 0; n < 9; n++) expect(row.onGivenUp('media', mark(n), false).isAtFault).toBe(false);
  expect(row.onGivenUp('policy', mark(9), false)).toEqual({ isAtFault: true, rewind: null });
});
