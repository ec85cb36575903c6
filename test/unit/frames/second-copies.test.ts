import { describe, expect, it, jest } from '@jest/globals';
import { SecondCopies } from '../../../lib/frames/second-copies';
import type { FragmentBytes } from '../../../lib/hls/fragment';

const bytes = (init: number[] | null, ...media: number[]): FragmentBytes => ({
  init: init === null ? null : Uint8Array.from(init),
  media: Uint8Array.from(media),
});
const original = bytes([1], 1, 2, 3);
const better = bytes([1], 1, 2, 4);

describe('a second copy', () => {
  it.each([
    ['other media', better],
    ['longer media', bytes([1], 1, 2, 3, 4)],
    ['another init section', bytes([2], 1, 2, 3)],
    ['no init section', bytes(null, 1, 2, 3)],
  ])('with %s is decoded', async (_, copy) => {
    expect(await new SecondCopies().get(0, original, () => Promise.resolve(copy))).toBe(copy);
  });

  it.each([
    ['is the same', () => Promise.resolve(bytes([1], 1, 2, 3))],
    ['is not to be had', () => Promise.resolve(null)],
    ['fails', () => Promise.reject(new Error('404'))],
  ])('that %s is none', async (_, fetchAgain) => {
    const copies = new SecondCopies();
    expect(await copies.get(0, original, fetchAgain)).toBeNull();
    expect(copies).toMatchObject({ fetched: 1, repaired: 0 });
  });

  it('counts as a repair if it is decoded without trouble', async () => {
    const copies = new SecondCopies();
    await copies.get(0, original, () => Promise.resolve(better));
    copies.read(0, false);
    await copies.get(1, original, () => Promise.resolve(better));
    copies.read(1, true);
    copies.read(2, false);
    expect(copies).toMatchObject({ fetched: 2, repaired: 1 });
  });
});

describe('a stream that is damaged where it is made', () => {
  it('is fetched twice for three fragments only, until one is whole at once', async () => {
    const copies = new SecondCopies();
    const fetchAgain = jest.fn(() => Promise.resolve(bytes([1], 1, 2, 3)));
    for (let id = 0; id < 10; id++) {
      expect(await copies.get(id, original, fetchAgain)).toBeNull();
      copies.read(id, true);
    }
    expect(fetchAgain).toHaveBeenCalledTimes(3);
    copies.read(10, false);
    await copies.get(11, original, fetchAgain);
    expect(fetchAgain).toHaveBeenCalledTimes(4);
  });

  it('is asked for again after a copy that helped', async () => {
    const copies = new SecondCopies();
    const inVain = jest.fn(() => Promise.resolve(null));
    for (let id = 0; id < 8; id++) {
      const isRepaired = id % 3 === 2;
      await copies.get(id, original, isRepaired ? () => Promise.resolve(better) : inVain);
      copies.read(id, !isRepaired);
    }
    expect(copies).toMatchObject({ fetched: 8, repaired: 2 });
  });

  it('is not counted against the copies when no copy was asked for', () => {
    const copies = new SecondCopies();
    for (let id = 0; id < 10; id++) copies.read(id, true);
    const fetchAgain = jest.fn(() => Promise.resolve(better));
    void copies.get(10, original, fetchAgain);
    expect(fetchAgain).toHaveBeenCalledTimes(1);
  });
});
