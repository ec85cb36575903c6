import { readlinkSync } from 'node:fs';
import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { Frame } from '../../../lib/frames/frame';
import { SHARES_PER_FRAME, type Ring, type Slot } from '../../../lib/frames/ring';
import { Sharing, type FrameHandle, type ShareOptions } from '../../../lib/frames/sharing';
import { openFrame } from '../../../lib/worker';
import { FakeClock } from '../../support/fake-clock';
import { factsOf, isFree, makeRing, publish } from '../../support/shared-slot';

/** The kernel's number of this thread. */
const THREAD = Number(readlinkSync('/proc/thread-self').split('/')[2]);

const code = (name: string): unknown => expect.objectContaining({ code: name });

/** What `postMessage` does to a handle; memory is shared by structuredClone only within the process. */
const sent = (handle: FrameHandle): FrameHandle => structuredClone(handle);

describe('a shared frame', () => {
  it('shows the same memory and says the same of itself', () => {
    const ring = makeRing(2);
    const frame = publish(ring, 1, {}, 9);
    using shared = openFrame(sent(frame.share()));
    expect(shared.data).toEqual(frame.data);
    frame.data[5] = 77;
    expect(shared.data[5]).toBe(77);
    expect(shared.tensor).toBe(shared.data);
    const { cameraId, width, height, stride, format, dataType, codec, sourceWidth, sourceHeight, index } =
      frame;
    const { ptsMs, dtsMs, durationMs, timestampMs, timestampSource, keyFrame, discontinuity, gapMs } = frame;
    const { damaged, synthetic, fragment, parameterSets, shape } = frame;
    expect(shared).toMatchObject({
      ...{ cameraId, width, height, stride, format, dataType, codec, sourceWidth, sourceHeight, index },
      ...{ ptsMs, dtsMs, durationMs, timestampMs, timestampSource, keyFrame, discontinuity, gapMs },
      ...{ damaged, synthetic, fragment, parameterSets, shape },
    });
    expect(shared.toSource(4, 2)).toEqual({ x: 8, y: 4 });
    expect(shared.toSource({ x: 1, y: 1, width: 1, height: 1 })).toEqual({ x: 2, y: 2, width: 2, height: 2 });
    expect(shared.ageMs).toBeGreaterThan(0);
  });

  it('gives floats as floats', () => {
    const ring = makeRing(1, { format: 'rgb-chw', dataType: 'float32' });
    const frame = publish(ring, 0);
    (frame.tensor as Float32Array)[3] = 0.25;
    const shared = openFrame(sent(frame.share()));
    expect(shared.tensor).toBeInstanceOf(Float32Array);
    expect(shared.tensor[3]).toBe(0.25);
    expect(shared.shape).toEqual([3, 2, 4]);
  });

  it('gives parameter sets as a Buffer', () => {
    const frame = publish(makeRing(1), 0, { parameterSets: Buffer.from([1, 2, 3]) });
    const { parameterSets } = openFrame(sent(frame.share()));
    expect(Buffer.isBuffer(parameterSets)).toBe(true);
    expect(parameterSets).toEqual(Buffer.from([1, 2, 3]));
  });

  it.each([
    ['the frame', 'the share', (frame: Frame, share: Disposable) => [frame, share]],
    ['the share', 'the frame', (frame: Frame, share: Disposable) => [share, frame]],
  ])('frees its slot when first %s and then %s is released', (_first, _last, order) => {
    const ring = makeRing(1);
    const frame = publish(ring, 0);
    const [first, last] = order(frame, openFrame(sent(frame.share())));
    first?.[Symbol.dispose]();
    expect(isFree(ring, 0)).toBe(false);
    last?.[Symbol.dispose]();
    expect(isFree(ring, 0)).toBe(true);
  });

  it('holds its slot while it waits to be opened', () => {
    const ring = makeRing(1);
    const frame = publish(ring, 0);
    const handle = frame.share();
    frame.release();
    expect(isFree(ring, 0)).toBe(false);
    openFrame(sent(handle)).release();
    expect(isFree(ring, 0)).toBe(true);
  });

  it('holds its slot until the last of several readers is done', () => {
    const ring = makeRing(1);
    const frame = publish(ring, 0);
    const readers = [frame.share(), frame.share(), frame.share()].map((handle) => openFrame(sent(handle)));
    frame.release();
    for (const reader of readers) {
      expect(isFree(ring, 0)).toBe(false);
      reader.release();
    }
    expect(isFree(ring, 0)).toBe(true);
  });

  it('refuses its pixels after release, and does nothing when released again', () => {
    const ring = makeRing(1);
    const frame = publish(ring, 0);
    const shared = openFrame(frame.share());
    shared.release();
    expect(shared.released).toBe(true);
    expect(() => shared.data).toThrow(code('FRAME_RELEASED'));
    expect(() => shared.tensor).toThrow(code('FRAME_RELEASED'));
    frame.release();
    // The same share of the slot's next frame.
    const next = openFrame(publish(ring, 0).share());
    shared.release();
    expect(next.released).toBe(false);
    expect(isFree(ring, 0)).toBe(false);
  });

  it('of a repeated frame holds the slot as the repetition does', () => {
    const ring = makeRing(1);
    const frame = publish(ring, 0);
    const repeated = frame.repeat(4000);
    const shared = openFrame(sent(repeated.share()));
    expect(shared).toMatchObject({ synthetic: true, timestampMs: 4000, gapMs: 0, discontinuity: false });
    frame.release();
    repeated.release();
    expect(isFree(ring, 0)).toBe(false);
    shared.release();
    expect(isFree(ring, 0)).toBe(true);
  });
});

describe('a handle', () => {
  it('is opened once', () => {
    const handle = publish(makeRing(1), 0).share();
    const copy = sent(handle);
    const shared = openFrame(handle);
    expect(() => openFrame(copy)).toThrow(code('HANDLE_SPENT'));
    expect(() => openFrame(handle)).toThrow(/opened before.*share\(\) once for each reader/);
    shared.release();
    expect(() => openFrame(handle)).toThrow(code('HANDLE_SPENT'));
  });

  it('opens nothing once its slot holds a later frame', () => {
    const ring = makeRing(1);
    const frame = publish(ring, 0);
    const old = frame.share();
    openFrame(sent(old)).release();
    frame.release();
    const next = publish(ring, 0);
    const handle = next.share();
    expect(() => openFrame(old)).toThrow(code('HANDLE_SPENT'));
    next.release();
    openFrame(handle).release();
    expect(isFree(ring, 0)).toBe(true);
  });

  it.each([undefined, null, 7, 'x', {}, { kind: 'something' }, new SharedArrayBuffer(8)])(
    'is told from anything else, such as %p',
    (message) => {
      expect(() => openFrame(message as never)).toThrow(code('CONFIG_INVALID'));
      expect(() => openFrame(message as never)).toThrow(/Expected what frame.share\(\) answered/);
    },
  );

  it.each<[string, (handle: Record<'lease' | 'facts', object>) => object]>([
    ['nothing but its kind', () => ({ kind: 'kvs-frames/frame' })],
    ['no lease', (handle) => ({ ...handle, lease: undefined })],
    ['null for a lease', (handle) => ({ ...handle, lease: null })],
    ['a lease of a slot that is not there', (handle) => ({ ...handle, lease: { ...handle.lease, slot: 1 } })],
    ['a lease of no share', (handle) => ({ ...handle, lease: { ...handle.lease, share: -1 } })],
    [
      'too few cells',
      (handle) => ({ ...handle, lease: { ...handle.lease, cells: new SharedArrayBuffer(8) } }),
    ],
    ['no ticket', (handle) => ({ ...handle, lease: { ...handle.lease, ticket: 1.5 } })],
    ['no facts', (handle) => ({ ...handle, facts: null })],
    ['facts without a layout', (handle) => ({ ...handle, facts: { ...handle.facts, layout: null } })],
    ['other parameter sets', (handle) => ({ ...handle, facts: { ...handle.facts, parameterSets: 'x' } })],
    ['memory of its own', (handle) => ({ ...handle, memory: new ArrayBuffer(64) })],
    ['less memory', (handle) => ({ ...handle, memory: new SharedArrayBuffer(23) })],
    ['a place before the memory', (handle) => ({ ...handle, byteOffset: -1 })],
  ])('is refused with %s, and can be opened still', (_what, change) => {
    const ring = makeRing(1);
    using frame = publish(ring, 0);
    const handle = frame.share();
    const open = (): unknown => openFrame(change(handle) as never);
    expect(open).toThrow(code('CONFIG_INVALID'));
    expect(open).toThrow(/Expected what frame.share\(\) answered.*but received/);
    openFrame(handle).release();
  });
});

describe('sharing', () => {
  it('refuses a frame that was released', () => {
    const frame = publish(makeRing(1), 0);
    frame.release();
    expect(() => frame.share()).toThrow(code('FRAME_RELEASED'));
  });

  it('refuses a frame in private memory, and says what it takes', () => {
    const frame = publish(makeRing(1, { memory: 'private' }), 0);
    expect(() => frame.share()).toThrow(code('CONFIG_INVALID'));
    expect(() => frame.share()).toThrow(/memory 'shared'.*'private'/);
  });

  it.each<[ShareOptions | object, RegExp]>([
    [{ openWithinMs: 0 }, /1–3600000 for openWithinMs but received 0/],
    [{ worker: {} }, /a Worker for worker/],
    [{ openWithin: 5 }, /Unknown option openWithin for share\(\)\. Did you mean openWithinMs\?/],
  ])('refuses %p', (options, message) => {
    const ring = makeRing(1);
    const frame = publish(ring, 0);
    expect(() => frame.share(options)).toThrow(message);
    frame.release();
    expect(isFree(ring, 0)).toBe(true);
  });

  it('gives as many handles of a frame as it has bits for, and another one when one is over', () => {
    const ring = makeRing(2);
    const frame = publish(ring, 0);
    const readers = Array.from({ length: SHARES_PER_FRAME }, () => openFrame(frame.share()));
    expect(() => frame.share()).toThrow(code('FRAME_SHARED_OUT'));
    publish(ring, 1).share();
    readers[4]?.release();
    const another = openFrame(frame.share());
    expect(() => frame.share()).toThrow(code('FRAME_SHARED_OUT'));
    frame.release();
    for (const reader of [...readers, another]) {
      expect(isFree(ring, 0)).toBe(false);
      reader.release();
    }
    expect(isFree(ring, 0)).toBe(true);
  });
});

describe('what was shared', () => {
  /** A sharing whose clock, and whose idea of who lives, the test holds, and a slot to share. */
  function setUp(options: ShareOptions = { openWithinMs: 5000 }): {
    ring: Ring;
    clock: FakeClock;
    dead: Set<number>;
    publishAndShare: () => FrameHandle;
  } {
    const ring = makeRing(1);
    const clock = new FakeClock();
    const dead = new Set<number>();
    const sharing = new Sharing(clock, (thread) => !dead.has(thread));
    const publishAndShare = (): FrameHandle => {
      using _frame = publish(ring, 0);
      return sharing.share(ring.slots[0] as Slot, factsOf(ring), options);
    };
    return { ring, clock, dead, publishAndShare };
  }

  it('is taken back if nobody opens it in time', () => {
    const { ring, clock, publishAndShare } = setUp();
    const handle = publishAndShare();
    clock.step(4999);
    expect(isFree(ring, 0)).toBe(false);
    clock.step(1001);
    expect(isFree(ring, 0)).toBe(true);
    expect(() => openFrame(handle)).toThrow(code('HANDLE_SPENT'));
    expect(clock.pending).toBe(0);
  });

  it('is not taken back from a thread that runs, however long it holds it', () => {
    const { ring, clock, publishAndShare } = setUp();
    const shared = openFrame(publishAndShare());
    clock.step(3_600_000);
    expect(isFree(ring, 0)).toBe(false);
    expect(shared.data).toHaveLength(24);
    shared.release();
    expect(isFree(ring, 0)).toBe(true);
    clock.step(1000);
    expect(clock.pending).toBe(0);
  });

  it('is taken back from a thread that is no more', () => {
    const { ring, clock, dead, publishAndShare } = setUp();
    openFrame(publishAndShare());
    clock.step(1000);
    expect(isFree(ring, 0)).toBe(false);
    dead.add(THREAD);
    clock.step(1000);
    expect(isFree(ring, 0)).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('never frees the next frame of its slot when it is released after it was taken back', () => {
    const { ring, clock, dead, publishAndShare } = setUp();
    const late = openFrame(publishAndShare());
    dead.add(THREAD);
    clock.step(1000);
    dead.delete(THREAD);
    // The same bit of the same slot, opened by the same thread.
    const next = openFrame(publishAndShare());
    late.release();
    expect(isFree(ring, 0)).toBe(false);
    next.release();
    expect(isFree(ring, 0)).toBe(true);
  });

  it('is taken back when the worker it was for ended before it was shared', () => {
    const worker = Object.assign(new EventEmitter(), { threadId: 5, postMessage: () => {} });
    const { ring, clock, publishAndShare } = setUp({ worker: worker as never });
    worker.threadId = -1;
    publishAndShare();
    clock.step(1000);
    expect(isFree(ring, 0)).toBe(true);
  });

  it('is taken back at once when the worker it is for ends, which is listened for once', () => {
    const worker = Object.assign(new EventEmitter(), { threadId: 5, postMessage: () => {} });
    const { ring, publishAndShare } = setUp({ worker: worker as never });
    for (let i = 0; i < 3; i++) openFrame(publishAndShare()).release();
    expect(worker.listenerCount('exit')).toBe(1);
    publishAndShare();
    worker.threadId = -1;
    worker.emit('exit');
    expect(isFree(ring, 0)).toBe(true);
  });
});
