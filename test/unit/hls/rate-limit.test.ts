import { describe, expect, it } from '@jest/globals';
import { RateLimit } from '../../../lib/hls/rate-limit';
import { FakeClock } from '../../support/fake-clock';

const signal = new AbortController().signal;

describe('a rate limit', () => {
  it('never lets more requests go in a second than were allowed, and none wait longer than that takes', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(clock, 5);
    const startMs = clock.now();
    const sent: number[] = [];
    const requests = (async () => {
      for (let i = 0; i < 12; i++) {
        await limit.admit(signal);
        sent.push(clock.now() - startMs);
      }
    })();
    await clock.advance(5000);
    await requests;
    expect(sent).toEqual([0, 0, 0, 0, 0, 1050, 1050, 1050, 1050, 1050, 2100, 2100]);
  });

  it('also keeps to that for requests that wait at the same time', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(clock, 2);
    const startMs = clock.now();
    const sent = Array.from({ length: 5 }, () => limit.admit(signal).then(() => clock.now() - startMs));
    await clock.advance(5000);
    expect(await Promise.all(sent)).toEqual([0, 0, 1050, 1050, 2100]);
  });

  it('lets requests go at once that come no faster', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(clock, 1);
    await limit.admit(signal);
    clock.step(1050);
    await limit.admit(signal);
    expect(clock.pending).toBe(0);
  });

  it('ends a wait with the reason of the signal', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(clock, 1);
    await limit.admit(signal);
    const stopping = new AbortController();
    const waiting = limit.admit(stopping.signal);
    stopping.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(clock.pending).toBe(0);
  });

  it('does nothing without a limit', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(clock, Infinity);
    for (let i = 0; i < 100; i++) await limit.admit(signal);
    expect(clock.pending).toBe(0);
  });
});
