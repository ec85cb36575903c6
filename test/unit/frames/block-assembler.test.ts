import { describe, expect, it, jest } from '@jest/globals';
import type { FrameBatch } from '../../../lib/frames/batch';
import { BlockAssembler } from '../../../lib/frames/block-assembler';
import type { Frame } from '../../../lib/frames/frame';
import { OwnRings, SLOT } from '../../../lib/frames/ring';
import { FakeClock } from '../../support/fake-clock';
import { Engines, LAYOUT } from '../group/fake-source';

function setUp({ maxWaitMs = Infinity, gone = new Set<number>() } = {}) {
  const clock = new FakeClock();
  const rings = new OwnRings(8, 'shared', 4);
  const engines = new Engines(rings.next(LAYOUT, 6));
  const blocks = new BlockAssembler(clock, (writer) => gone.has(writer));
  blocks.maxWaitMs = maxWaitMs;
  return { clock, rings, engines, blocks, ring: engines.ring };
}

const numbers = (batch: FrameBatch | undefined): number[] | undefined =>
  batch?.frames.map(({ index }) => index);

describe('a ring of blocks', () => {
  it('has no room between its frames, and as many blocks as the frames need, two at least', () => {
    const { ring } = setUp();
    expect([ring.slotBytes, ring.slots.length, ring.blockSlots]).toEqual([6, 8, 4]);
    expect(new OwnRings(2, 'shared', 5).next(LAYOUT, 6).slots).toHaveLength(10);
    expect(new OwnRings(11, 'shared', 5).next(LAYOUT, 6).slots).toHaveLength(15);
    expect(ring.span(1)).toBe(ring.span(1));
    expect(ring.span(1).data.byteOffset).toBe(24);
    expect(ring.span(1, 1, 3).data).toHaveLength(12);
  });

  it('closes the block that is being filled, and no other', () => {
    const { ring, engines } = setUp();
    expect(ring.closeBlock(0)).toBeNull();
    engines.take();
    expect(ring.closeBlock(1)).toBeNull();
    expect(ring.closeBlock(0)).toBe(1);
    expect(ring.cursor?.[0]).toBe(4);
    expect([...ring.states.subarray(1, 4)]).toEqual([0, 0, 0]);
    expect(ring.closeBlock(0)).toBeNull();
    for (let i = 0; i < 4; i++) engines.take();
    expect(ring.closeBlock(1)).toBeNull();
  });

  it('says which block was begun first of those that were not ended', () => {
    const { ring, engines } = setUp();
    expect(ring.firstBegun()).toBeUndefined();
    const span = 2 ** 30;
    ring.cursor![0] = span - 4;
    engines.take();
    const first = { block: 1, ticket: span - 4 };
    expect(ring.firstBegun()).toEqual(first);
    for (let i = 0; i < 4; i++) engines.take();
    expect(ring.firstBegun()).toEqual(first);
    ring.endBlock({ ...first, ticket: 4 });
    expect(ring.firstBegun()).toEqual(first);
    ring.endBlock(first);
    expect(ring.firstBegun()).toEqual({ block: 0, ticket: 0 });
  });

  it('does not count a block as begun before the cursor is past its start', () => {
    const { ring } = setUp();
    ring.cursor![2] = 0;
    expect(ring.firstBegun()).toBeUndefined();
    ring.cursor![0] = 1;
    expect(ring.firstBegun()).toEqual({ block: 0, ticket: 0 });
  });

  it('goes on counting where its count begins again', () => {
    const { ring, engines } = setUp();
    const span = 2 ** 30;
    ring.cursor![0] = span - 4;
    engines.take();
    expect(ring.closeBlock(1)).toBe(1);
    expect(ring.cursor?.[0]).toBe(0);
  });

  it('refuses more memory than one buffer can have, and says what to do', () => {
    expect(() =>
      new OwnRings(8, 'shared', 1024).next({ ...LAYOUT, width: 8192, height: 8192 }, 8192 ** 2 * 3),
    ).toThrow(/Lower the size of the batches/);
  });
});

describe('a block assembler', () => {
  it('makes a batch of a block once all its frames were added, whatever their order', () => {
    const { engines, blocks, ring } = setUp();
    const slots = [engines.take(), engines.take(), engines.take(), engines.take()];
    for (const at of [2, 0, 3]) blocks.add(engines.publish(slots[at] as number));
    expect(blocks.next()).toBeUndefined();
    blocks.add(engines.publish(slots[1] as number));
    const batch = blocks.next();
    // In the order they lie in, not the one they came in.
    expect(numbers(batch)).toEqual([1, 3, 0, 2]);
    expect(batch?.data).toBe(ring.span(0).data);
    expect([...(batch?.data ?? [])]).toEqual([1, 3, 0, 2].flatMap((number) => Array<number>(6).fill(number)));
    batch?.release();
    expect([...ring.states.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
  });

  it('gives blocks in order, though a later one is complete first', () => {
    const { engines, blocks } = setUp();
    const first = engines.take();
    const early = engines.frames(3);
    for (const frame of [...engines.frames(4), ...early]) blocks.add(frame);
    expect(blocks.next()).toBeUndefined();
    blocks.add(engines.publish(first));
    expect(numbers(blocks.next())).toEqual([7, 0, 1, 2]);
    expect(numbers(blocks.next())).toEqual([3, 4, 5, 6]);
    expect(blocks.next()).toBeUndefined();
  });

  it('gives blocks in the order they were begun in, where those in use are left out', () => {
    const clock = new FakeClock();
    const engines = new Engines(new OwnRings(12, 'shared', 3).next(LAYOUT, 6));
    const blocks = new BlockAssembler(clock);
    for (const frame of engines.frames(12)) blocks.add(frame);
    const batches = [blocks.next(), blocks.next(), blocks.next(), blocks.next()];
    const kept = batches[2]?.frames[0] as Frame;
    kept.retain();
    batches.forEach((batch) => batch?.release());
    // Blocks 0, 1 and 3, and then 2.
    const late = engines.take();
    const early = engines.frames(8);
    expect([...kept.data]).toEqual(Array(6).fill(6));
    kept.release();
    for (const frame of [...early, ...engines.frames(3)]) blocks.add(frame);
    expect(blocks.next()).toBeUndefined();
    blocks.add(engines.publish(late));
    expect(numbers(blocks.next())).toEqual([23, 12, 13]);
    expect(numbers(blocks.next())).toEqual([14, 15, 16]);
    const [beyond, last] = [blocks.next(), blocks.next()];
    expect(numbers(beyond)).toEqual([17, 18, 19]);
    expect(beyond?.data.byteOffset).toBe(9 * 6);
    expect(numbers(last)).toEqual([20, 21, 22]);
    expect(last?.data.byteOffset).toBe(6 * 6);
    expect(blocks.next()).toBeUndefined();
  });

  it('closes the block that is being filled in time, beyond one that is in use', () => {
    const { clock, engines, blocks, ring } = setUp({ maxWaitMs: 50 });
    for (const frame of engines.frames(4)) blocks.add(frame);
    const [kept] = (blocks.next()?.retain().frames ?? []) as [Frame];
    for (const round of [1, 2, 3]) {
      for (const frame of engines.frames(2)) blocks.add(frame);
      expect(blocks.next()).toBeUndefined();
      expect(blocks.dueInMs).toBe(50);
      clock.step(50);
      const batch = blocks.next();
      expect(numbers(batch)).toEqual([2 + 2 * round, 3 + 2 * round]);
      expect(batch?.data.byteOffset).toBe(24);
      expect(blocks.dueInMs).toBeUndefined();
      batch?.release();
    }
    expect([...ring.states]).toEqual([2, 2, 2, 2, 0, 0, 0, 0]);
    expect(kept.released).toBe(false);
  });

  it('does not take back what is kept of an engine that has ended', () => {
    const { engines, blocks, ring } = setUp({ gone: new Set([7]) });
    blocks.add(engines.publish(engines.take(7), 7));
    for (const frame of engines.frames(3)) blocks.add(frame);
    const batch = blocks.next() as FrameBatch;
    const [kept] = batch.frames as [Frame];
    kept.retain();
    batch.release();
    for (let round = 0; round < 3; round++) {
      for (const frame of engines.frames(4)) blocks.add(frame);
      blocks.next()?.release();
    }
    expect(ring.stateOf(0)).toBe(SLOT.frame);
    kept.release();
    expect(ring.stateOf(0)).toBe(SLOT.free);
  });

  it('closes a batch when its first frame has waited long enough, and waits for what was begun', () => {
    const { clock, engines, blocks } = setUp({ maxWaitMs: 50 });
    expect(blocks.dueInMs).toBeUndefined();
    for (const frame of engines.frames(2)) blocks.add(frame);
    clock.step(30);
    const begun = engines.take();
    expect(blocks.next()).toBeUndefined();
    expect(blocks.dueInMs).toBe(20);
    clock.step(20);
    expect(blocks.next()).toBeUndefined();
    // It is closed: only what was begun is awaited, without a time.
    expect(blocks.dueInMs).toBeUndefined();
    const [next] = engines.frames(1);
    blocks.add(next as Frame);
    blocks.add(engines.publish(begun));
    expect(numbers(blocks.next())).toEqual([0, 1, 3]);
    expect(blocks.next()).toBeUndefined();
    expect(blocks.dueInMs).toBe(50);
    clock.step(50);
    expect(numbers(blocks.next())).toEqual([2]);
  });

  it('gives what there is when nothing will come', () => {
    const { engines, blocks } = setUp();
    for (const frame of engines.frames(6)) blocks.add(frame);
    expect(numbers(blocks.next())).toEqual([0, 1, 2, 3]);
    expect(blocks.next()).toBeUndefined();
    expect(numbers(blocks.next(true))).toEqual([4, 5]);
    expect(blocks.next(true)).toBeUndefined();
  });

  it('ends a batch before frames of another form', () => {
    const { rings, engines, blocks } = setUp();
    for (const frame of engines.frames(6)) blocks.add(frame);
    const others = new Engines(rings.next({ ...LAYOUT, width: 4 }, 12));
    for (const frame of others.frames(4)) blocks.add(frame);
    expect(numbers(blocks.next())).toEqual([0, 1, 2, 3]);
    expect(numbers(blocks.next())).toEqual([4, 5]);
    const batch = blocks.next();
    expect(batch?.data).toHaveLength(48);
    expect(numbers(batch)).toEqual([0, 1, 2, 3]);
  });

  it('gives what is before and behind an abandoned slot, each in one piece, and frees the block with both', () => {
    const { engines, blocks, ring } = setUp();
    const [first] = engines.frames(1);
    ring.states[engines.take()] = SLOT.abandoned;
    for (const frame of [...engines.frames(2), first as Frame]) blocks.add(frame);
    const batches = [blocks.next(), blocks.next()];
    expect(batches.map(numbers)).toEqual([[0], [1, 2]]);
    expect(batches[1]?.data.byteOffset).toBe(12);
    batches.forEach((batch) => batch?.release());
    expect([...ring.states.subarray(0, 4)]).toEqual([0, SLOT.abandoned, 0, 0]);
  });

  it('goes on without the frames of an engine that has ended, and gives their slots back', () => {
    const gone = new Set<number>();
    const { engines, blocks, ring } = setUp({ gone });
    const lost = engines.take(7);
    for (const frame of engines.frames(3)) blocks.add(frame);
    engines.publish(lost, 7);
    expect(blocks.next()).toBeUndefined();
    gone.add(7);
    expect(numbers(blocks.next())).toEqual([0, 1, 2]);
    expect(ring.stateOf(lost)).toBe(SLOT.free);
  });

  it('passes over a block of which all frames are lost', () => {
    const gone = new Set([7]);
    const { engines, blocks } = setUp({ gone });
    for (let i = 0; i < 4; i++) engines.publish(engines.take(7), 7);
    for (const frame of engines.frames(4)) blocks.add(frame);
    expect(numbers(blocks.next())).toEqual([4, 5, 6, 7]);
  });

  it('gives back what was not handed over', () => {
    const { engines, blocks, ring } = setUp();
    for (const frame of engines.frames(6)) blocks.add(frame);
    blocks.next()?.release();
    blocks.release();
    expect([...ring.states.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('a batch', () => {
  it('gives the memory back with its last lease, and each frame with its own', () => {
    const { engines, blocks, ring } = setUp();
    const free = jest.spyOn(ring, 'free');
    for (const frame of engines.frames(4)) blocks.add(frame);
    const batch = blocks.next() as FrameBatch;
    const [first] = batch.frames as [Frame];
    batch.retain();
    first.retain();
    batch.release();
    expect(batch.data).toHaveLength(24);
    {
      using _ = batch;
    }
    expect(batch.released).toBe(true);
    batch.release();
    expect(free.mock.calls.flat()).toEqual([1, 2, 3]);
    expect(first.data).toHaveLength(6);
    expect(() => batch.tensor).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    expect(() => batch.retain()).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    first.release();
    expect(free).toHaveBeenCalledTimes(4);
  });
});
