import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
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

/** Serves one connection: answers what comes 100 ms later, from another thread. */
const ANSWERING = `
  const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const server = createServer((socket) => socket.once('data', () => setTimeout(() => socket.end('answer'), 100)));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

/** This thread does nothing at all for so long. */
const standStill = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

describe("the host's clock", () => {
  it('sees what came during a standstill before a deadline that fell into it', async () => {
    const server = new Worker(ANSWERING, { eval: true });
    try {
      const [port] = (await once(server, 'message')) as [number];
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      const ends: string[] = [];
      const ended = new Promise<void>((resolve) => {
        const end = (how: string): void => {
          ends.push(how);
          resolve();
        };
        const cancel = systemClock.after(50, () => end('deadline'));
        socket.once('data', () => {
          cancel();
          end('answer');
        });
      });
      socket.write('question');
      await new Promise((resolve) => setTimeout(resolve, 10));
      standStill(1000);
      await ended;
      await sleep(systemClock, 20);
      expect(ends).toEqual(['answer']);
      socket.destroy();
    } finally {
      await server.terminate();
    }
  });

  it('keeps a deadline that nothing came before, and forgets one that was cancelled while overdue', async () => {
    const fired: string[] = [];
    const cancels = [
      systemClock.after(10, () => fired.push('kept')),
      systemClock.after(20, () => fired.push('cancelled')),
    ];
    // Between the timers, which are overdue, and what they are put off to.
    setTimeout(() => cancels[1]?.(), 30);
    standStill(1000);
    await sleep(systemClock, 20);
    expect(fired).toEqual(['kept']);
  });
});
