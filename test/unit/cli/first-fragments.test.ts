import { describe, expect, it } from '@jest/globals';
import { firstFragments } from '../../../lib/cli/first-fragments';
import { FakeClock, settled } from '../../support/fake-clock';

/** A stream whose first fragment comes when the test says so. */
class FakeStream {
  send = (): void => {};
  fail = (_error: Error): void => {};

  constructor(readonly name: string) {}

  untilVisible(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.send = resolve;
      this.fail = reject;
    });
  }
}

describe('the first fragments of simulated cameras', () => {
  const begin = (): {
    clock: FakeClock;
    streams: [FakeStream, FakeStream];
    signal: AbortController;
    result: Promise<string[]>;
    isOver: () => Promise<boolean>;
  } => {
    const clock = new FakeClock();
    const streams: [FakeStream, FakeStream] = [new FakeStream('a'), new FakeStream('b')];
    const signal = new AbortController();
    let over = false;
    const result = firstFragments(streams, clock, signal.signal).finally(() => (over = true));
    return { clock, streams, signal, result, isOver: () => settled().then(() => over) };
  };

  it('are waited for until each camera has sent one', async () => {
    const { clock, streams, result, isOver } = begin();
    streams[0].send();
    expect(await isOver()).toBe(false);
    streams[1].send();
    expect(await result).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('are waited for ten seconds where a camera sends nothing, which is said', async () => {
    const { clock, streams, result, isOver } = begin();
    streams[0].send();
    clock.step(9_999);
    expect(await isOver()).toBe(false);
    clock.step(1);
    expect(await result).toEqual(['b has sent no fragment within 10 s']);
  });

  it('are not waited for where the camera has failed, which is said', async () => {
    const { streams, result } = begin();
    streams[0].fail(new Error('The camera of a is failed'));
    streams[1].send();
    expect(await result).toEqual(['The camera of a is failed']);
  });

  it('are not waited for when it is to end', async () => {
    const { clock, streams, signal, result } = begin();
    signal.abort();
    expect(await result).toEqual([]);
    expect(clock.pending).toBe(0);
    // The simulator is closed then, and each camera with it: nobody is to be told.
    for (const { fail } of streams) fail(new Error('The camera is stopped'));
    expect(await firstFragments([new FakeStream('c')], clock, signal.signal)).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
