import { describe, expect, test } from '@jest/globals';
import { NO_LOSSES, sumOf, withLoss } from '../../../lib/hls/losses.js';

describe('what is lost', () => {
  test('is null while it is nothing', () => {
    expect(sumOf(NO_LOSSES)).toBeNull();
    expect(sumOf(withLoss(NO_LOSSES, null))).toBeNull();
  });

  test('is summed up, under the cause that most of its time was lost to', () => {
    let losses = withLoss(NO_LOSSES, { count: 1, ms: 3000, cause: 'media' });
    losses = withLoss(losses, { count: 1, ms: 2000, cause: 'window-slid' });
    expect(sumOf(losses)).toEqual({ count: 2, ms: 5000, cause: 'media' });
    losses = withLoss(losses, { count: 1, ms: 2000, cause: 'window-slid' });
    expect(sumOf(losses)).toEqual({ count: 3, ms: 7000, cause: 'window-slid' });
  });

  test('goes by count where no length is known', () => {
    const one = withLoss(NO_LOSSES, { count: 1, ms: 0, cause: 'media' });
    expect(sumOf(withLoss(one, { count: 2, ms: 0, cause: 'window-slid' }))).toEqual({
      count: 3,
      ms: 0,
      cause: 'window-slid',
    });
  });
});
