import { describe, expect, it } from '@jest/globals';
import { deadline, sleep, systemClock } from '../../lib/clock';
import { FakeClock } from '../support/fake-clock';

describe('sleep', () => {
  it('lasts as long as the clock says', async () => {
    const clock = new FakeClock();
    let isOver = false;
    const slept = sleep(clock, 1000).then(() => (isOver = true));
    await clock.advance(999);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await slept;
    expect(isOver).toBe(true);
  });

  it('ends with the reason of its signal, and leaves no timer', async () => {
    const clock = new FakeClock();
    const stopping = new AbortController();
    const slept = sleep(clock, 1000, stopping.signal);
    stopping.abort(new Error('enough'));
    await expect(slept).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
    await expect(sleep(clock, 1000, stopping.signal)).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });
});

describe('deadline', () => {
  it('fires with its reason once the time is over', async () => {
    const clock = new FakeClock();
    const limit = deadline(clock, 50, () => new Error('too late'));
    await clock.advance(50);
    expect(limit.expired).toBe(true);
    expect(limit.signal.reason).toEqual(new Error('too late'));
  });

  it('follows its parent, and says that it was not the time', () => {
    const parent = new AbortController();
    using limit = deadline(systemClock, 60_000, () => new Error('too late'), parent.signal);
    parent.abort(new Error('enough'));
    expect(limit.signal.reason).toEqual(new Error('enough'));
    expect(limit.expired).toBe(false);
  });

  it('leaves no timer once disposed', () => {
    const clock = new FakeClock();
    {
      using limit = deadline(clock, 50, () => new Error('too late'));
      expect(limit.expired).toBe(false);
    }
    expect(clock.pending).toBe(0);
  });
});
