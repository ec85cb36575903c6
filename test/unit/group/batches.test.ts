import { describe, expect, it } from '@jest/globals';
import { BatchReader, type BatchesOptions } from '../../../lib/batches';
import { FrameSourceGroup } from '../../../lib/index';
import type { FrameBatch } from '../../../lib/frames/batch';
import { FakeClock, settled } from '../../support/fake-clock';
import { FakeSource } from './fake-source';

/** `a0 a1 b0`, of a batch that lies in one piece. */
function shown({ frames, data }: FrameBatch): string {
  for (const [at, frame] of frames.entries()) {
    expect(frame.data.buffer).toBe(data.buffer);
    expect(frame.data.byteOffset).toBe(data.byteOffset + at * frame.data.length);
    expect(frame.data[0]).toBe(frame.index);
  }
  return frames.map(({ cameraId, index }) => `${cameraId}${index}`).join(' ');
}

async function all(batches: AsyncGenerator<FrameBatch, void, undefined>): Promise<string[]> {
  const seen: string[] = [];
  for await (const batch of batches) seen.push(shown(batch));
  return seen;
}

describe('batches of a source', () => {
  const setUp = (length = 3) => {
    const clock = new FakeClock();
    const camera = new FakeSource('a', clock);
    const reader = new BatchReader(camera.outlet, length);
    return { clock, camera, read: (options: BatchesOptions = {}) => reader.read(length, options) };
  };

  it('give what is left, and then what the source gave up with', async () => {
    const { camera, read } = setUp();
    camera.give(5);
    camera.end(new Error('gave up'));
    const batches = read();
    expect(shown((await batches.next()).value as FrameBatch)).toBe('a0 a1 a2');
    expect(shown((await batches.next()).value as FrameBatch)).toBe('a3 a4');
    await expect(batches.next()).rejects.toThrow('gave up');
    expect(camera.stops).toBeGreaterThan(0);
  });

  it('wait for a batch no longer than they were told to', async () => {
    const { clock, camera, read } = setUp();
    const batches = read({ maxWaitMs: 100 });
    const waiting = batches.next();
    await clock.advance(1000);
    camera.give(2);
    await clock.advance(99);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(shown((await waiting).value as FrameBatch)).toBe('a0 a1');
    camera.give(3);
    expect(shown((await batches.next()).value as FrameBatch)).toBe('a2 a3 a4');
    expect(clock.pending).toBe(0);
    await batches.return(undefined);
  });

  it('go on where the call before ended, in the middle of a batch too', async () => {
    const { camera, read } = setUp();
    camera.give(4);
    expect(await all(read({ maxBatches: 1 }))).toEqual(['a0 a1 a2']);
    camera.give(2);
    expect(await all(read({ maxBatches: 1 }))).toEqual(['a3 a4 a5']);
    expect(camera.stops).toBe(0);
  });

  it('end when the source is stopped, and give back what was not handed over', async () => {
    const { camera, read } = setUp();
    camera.give(2);
    const waiting = read().next();
    await settled();
    await camera.stop();
    camera.outlet.onNews?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });

  it('can not be asked for while a group has the source', () => {
    const clock = new FakeClock();
    const camera = new FakeSource('a', clock);
    new FrameSourceGroup([camera.source], {}, clock);
    expect(() => new BatchReader(camera.outlet, 3)).toThrow(
      expect.objectContaining({ code: 'ALREADY_READING' }),
    );
    expect(camera.rings).toBeUndefined();
  });
});

describe('batches of a group', () => {
  const setUp = (options: Parameters<FrameSourceGroup['batches']>[1] = {}, endWhenEmpty = true) => {
    const clock = new FakeClock();
    const [a, b] = [new FakeSource('a', clock), new FakeSource('b', clock)];
    const group = new FrameSourceGroup([a.source, b.source], { endWhenEmpty }, clock);
    return { clock, a, b, group, batches: group.batches(4, options) };
  };

  it('hold the frames of all, in the order they were written', async () => {
    const { a, b, group, batches } = setUp({ maxBatches: 2 });
    a.give(2);
    b.give(3);
    a.give(3);
    expect(await all(batches)).toEqual(['a0 a1 b0 b1', 'b2 a2 a3 a4']);
    await group.stop();
  });

  it('are closed in time', async () => {
    const { clock, a, b, batches } = setUp({ maxWaitMs: 50, maxBatches: 2 });
    const waiting = all(batches);
    await clock.advance(200);
    a.give(1);
    await clock.advance(30);
    b.give(1);
    await clock.advance(20);
    b.give(4);
    expect(await waiting).toEqual(['a0 b0', 'b1 b2 b3 b4']);
  });

  it('go on when a camera leaves, without the frames that nobody was told of', async () => {
    const { a, b, group, batches } = setUp({ maxBatches: 3 });
    let letGo = (): void => {};
    b.stopping = new Promise((resolve) => (letGo = resolve));
    a.give(1);
    b.lose();
    a.give(2);
    const waiting = all(batches);
    const removed = group.remove('b');
    await settled();
    a.give(4);
    // As long as it may still write, it is waited for.
    await settled();
    letGo();
    await removed;
    // The one that was lost divides a batch.
    expect(await waiting).toEqual(['a0', 'a1 a2', 'a3 a4 a5 a6']);
  });

  it('give what is left when no source is, and then end', async () => {
    const { a, b, batches } = setUp();
    a.give(3);
    b.give(2);
    a.end();
    b.end();
    expect(await all(batches)).toEqual(['a0 a1 a2 b0', 'b1']);
  });

  it('wait for other sources if the group is to', async () => {
    const { clock, a, b, group, batches } = setUp({ maxBatches: 1 }, false);
    a.give(3);
    a.end();
    b.end();
    const waiting = all(batches);
    await settled();
    const c = new FakeSource('c', clock);
    group.add(c.source);
    c.give(1);
    expect(await waiting).toEqual(['a0 a1 a2 c0']);
  });

  it('change nothing where they are refused', () => {
    const clock = new FakeClock();
    const fits = new FakeSource('fits', clock);
    for (const [options, message] of [
      [{ output: { width: 0 } }, /other lacks output.width/],
      [{ output: { format: 'rgb24' } }, /fits is bgr24 2×1, memory shared, that of other is rgb24 2×1/],
      [{ memory: 'private' }, /memory private/],
      [{ delivery: 'latest' }, /a delivery other than 'every', which other has/],
    ] as const) {
      const other = new FakeSource('other', clock, options);
      const group = new FrameSourceGroup([fits.source, other.source], {}, clock);
      expect(() => group.batches(4)).toThrow(message);
      expect(fits.rings).toBeUndefined();
      fits.isClaimed = false;
    }
  });
});
