import { describe, expect, it } from '@jest/globals';
import { FrameSourceGroup, type GroupLeave } from '../../../lib/index';
import type { FrameSourceGroupOptions } from '../../../lib/group-options';
import { renewalDelayMs } from '../../../lib/policy/rollover';
import { FakeClock, settled } from '../../support/fake-clock';
import { FakeSource } from './fake-source';

/** A group of fake sources, begun. */
function setGroup(cameraIds: string[], options: FrameSourceGroupOptions = {}) {
  const clock = new FakeClock();
  const cameras = cameraIds.map((cameraId) => new FakeSource(cameraId, clock));
  const group = new FrameSourceGroup(
    cameras.map(({ source }) => source),
    options,
    clock,
  );
  const left: Omit<GroupLeave, 'source'>[] = [];
  group.on('leave', ({ cameraId, reason, error }) => left.push({ cameraId, reason, error }));
  return { clock, group, cameras: cameras as [FakeSource, FakeSource, ...FakeSource[]], left };
}

/** Whose frames come, in that order: `a0 b0 a1`. */
async function take(group: FrameSourceGroup, count: number): Promise<string> {
  const seen: string[] = [];
  for await (const { cameraId, index } of group.frames({ maxFrames: count }))
    seen.push(`${cameraId}${index}`);
  return seen.join(' ');
}

describe('a group', () => {
  it('gives cameras that have frames a turn each, however many one has', async () => {
    const { group, cameras } = setGroup(['a', 'b', 'c']);
    const [a, b, c] = cameras;
    a.give(100);
    b.give(3);
    c?.give(1);
    expect(await take(group, 9)).toBe('a0 b0 c0 a1 b1 a2 b2 a3 a4');
    b.give(2);
    expect(await take(group, 4)).toBe('a5 b3 a6 b4');
  });

  it('is not held by a camera that gives nothing', async () => {
    const { group, cameras } = setGroup(['stalled', 'b']);
    cameras[1].give(3);
    expect(await take(group, 3)).toBe('b0 b1 b2');
    const waiting = take(group, 1);
    await settled();
    cameras[0].give(1);
    expect(await waiting).toBe('stalled0');
  });

  it('hands a frame over when it is due', async () => {
    const { clock, group, cameras } = setGroup(['a', 'b']);
    cameras[0].dueInMs = 100;
    cameras[0].give(1);
    const waiting = take(group, 1);
    await clock.advance(99);
    cameras[0].dueInMs = undefined;
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(await waiting).toBe('a0');
  });

  it('releases a frame when the next is asked for, unless it is retained', async () => {
    const { group, cameras } = setGroup(['a']);
    const [a] = cameras;
    a.give(4);
    const frames = group.frames();
    (await frames.next()).value?.retain();
    await frames.next();
    expect(a.released).toEqual([]);
    await frames.next();
    expect(a.released).toEqual([1]);
    await frames.return(undefined);
    expect(a.stops).toBe(1);
  });

  it('goes on when a source ends or fails, after its last frames, and says so', async () => {
    const { group, cameras, left } = setGroup(['a', 'b', 'c']);
    const [a, b, c] = cameras;
    const error = new Error('gave up');
    a.give(2);
    a.end();
    b.give(1);
    b.end(error);
    c?.give(3);
    expect(await take(group, 6)).toBe('a0 b0 c0 a1 c1 c2');
    expect(left).toEqual([
      { cameraId: 'b', reason: 'failed', error },
      { cameraId: 'a', reason: 'ended', error: null },
    ]);
    expect([a.stops, b.stops, c?.stops]).toEqual([1, 1, 0]);
    expect(group.sources.map(({ cameraId }) => cameraId)).toEqual(['c']);
    c?.end();
    expect(await take(group, 1)).toBe('');
  });

  it('throws what the last source gave up with if all did', async () => {
    const { group, cameras } = setGroup(['a', 'b']);
    cameras[0].end(new Error('first'));
    cameras[1].end(new Error('second'));
    await expect(take(group, 1)).rejects.toThrow('second');
  });

  it('waits for other sources when it is empty, if asked to', async () => {
    const { clock, group, cameras } = setGroup(['a'], { endWhenEmpty: false });
    cameras[0].end();
    const waiting = take(group, 1);
    await settled();
    const late = new FakeSource('late', clock);
    group.add(late.source);
    late.give(1);
    expect(await waiting).toBe('late0');
  });

  it('takes sources in and out while it is read', async () => {
    const { clock, group, cameras, left } = setGroup(['a', 'b']);
    const [a, b] = cameras;
    a.give(10);
    b.give(10);
    expect(await take(group, 3)).toBe('a0 b0 a1');
    await group.remove('b');
    expect(b.stops).toBe(1);
    const c = new FakeSource('c', clock);
    group.add(c.source);
    c.give(10);
    expect(await take(group, 4)).toBe('a2 c0 a3 c1');
    await group.remove(a.source, { stop: false });
    expect([a.stops, a.isClaimed]).toEqual([0, false]);
    expect(await take(group, 2)).toBe('c2 c3');
    expect(left.map(({ cameraId, reason }) => `${cameraId} ${reason}`)).toEqual(['b removed', 'a removed']);
    // What was given back may come again.
    group.add(a.source);
    expect(await take(group, 2)).toBe('c4 a4');
  });

  it('refuses a camera twice, one that is read elsewhere, and to remove a stranger', async () => {
    const { clock, group } = setGroup(['a']);
    expect(() => group.add(new FakeSource('a', clock).source)).toThrow(/cameraId a already/);
    const busy = new FakeSource('busy', clock);
    busy.isClaimed = true;
    expect(() => group.add(busy.source)).toThrow(expect.objectContaining({ code: 'ALREADY_READING' }));
    expect(group.sources).toHaveLength(1);
    await expect(group.remove('busy')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(group.remove(new FakeSource('a', clock).source)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    expect(() => new FrameSourceGroup([], { startsPerSecond: 0 })).toThrow(/startsPerSecond/);
  });

  it.each([
    ['sources', null, 'Expected an array of frame sources for a group but received null'],
    ['sources', { cameraId: 'a' }, /an array of frame sources .* received a value of type object/],
    ['sources', 7, /an array of frame sources .* received a value of type number/],
    ['sources', [null], /Expected a frame source.* but received null/],
    ['sources', [{}], /Expected a frame source.* but received a value of type object/],
    ['sources', 'abc', /Expected a frame source.* but received a value of type string/],
    ['options', null, /Expected an options object for FrameSourceGroup but received null/],
    ['options', { endWhenEmpty: 1 }, /Expected true or false for endWhenEmpty but received 1/],
    ['options', { endsWhenEmpty: true }, /Unknown option endsWhenEmpty .* Did you mean endWhenEmpty/],
  ])('can not be made with %s %j', (what, value, message) => {
    const make = (): unknown =>
      what === 'sources'
        ? new FrameSourceGroup(value as never)
        : new FrameSourceGroup([], value as FrameSourceGroupOptions);
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(make).toThrow(message);
  });

  it('that can not be made has taken no source', () => {
    const clock = new FakeClock();
    const [a, again] = [new FakeSource('a', clock), new FakeSource('a', clock)];
    expect(() => new FrameSourceGroup([a.source, {} as never])).toThrow(/Expected a frame source/);
    expect(a.isClaimed).toBe(false);
    expect(() => new FrameSourceGroup([a.source, again.source])).toThrow(/cameraId a already/);
    expect([a.isClaimed, again.isClaimed, a.stops]).toEqual([false, false, 0]);
  });

  it.each([undefined, null, 7, {}, { cameraId: 'a' }])('takes in nothing but sources, not %j', (value) => {
    const { group } = setGroup(['a']);
    const add = (): unknown => group.add(value as never);
    expect(add).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(add).toThrow(/Expected a frame source.* but received/);
    expect(group.sources).toHaveLength(1);
  });

  it.each([
    [[undefined], /Expected a frame source.* but received a value of type undefined/],
    [[null], /Expected a frame source.* but received null/],
    [[{}], /Expected a frame source.* but received a value of type object/],
    [['a', null], /Expected an options object for remove\(\) but received null/],
    [['a', { stop: 'no' }], /Expected true or false for stop but received 'no'/],
    [['a', { stopped: false }], /Unknown option stopped for remove\(\)/],
  ])('does not remove what is asked for with %j', async (args, message) => {
    const { group } = setGroup(['a']);
    const removed = group.remove(...(args as Parameters<FrameSourceGroup['remove']>));
    await expect(removed).rejects.toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    await expect(removed).rejects.toThrow(message);
    expect(group.sources).toHaveLength(1);
  });

  it('starts its sources one after the other, those added later too', async () => {
    const { clock, group, cameras } = setGroup(['a', 'b', 'c'], { startsPerSecond: 10 });
    const startMs = clock.monotonic();
    const started = group.start();
    const late = new FakeSource('late', clock);
    group.add(late.source);
    await clock.advance(1000);
    await started;
    const began = [...cameras, late].map(({ beganAtMs = NaN }) => beganAtMs - startMs);
    expect(began).toEqual([0, 100, 200, 300]);
    const later = new FakeSource('later', clock);
    group.add(later.source);
    expect(later.beganAtMs).toBe(clock.monotonic());
  });

  it('stays below the limits of KVS with the default pace', async () => {
    const { clock, group, cameras } = setGroup(Array.from({ length: 64 }, (_, i) => `camera-${i}`));
    void group.start();
    await clock.advance(10_000);
    const began = cameras.map(({ beganAtMs = NaN }) => beganAtMs);
    // GetHLSStreamingSessionURL: 25 calls a second for one stream, should all read the same.
    const inOneSecond = began.map((from) => began.filter((at) => at >= from && at < from + 1000).length);
    expect(Math.max(...inOneSecond)).toBeLessThan(25);
    expect(Math.max(...began) - Math.min(...began)).toBe(63 * 50);
  });

  it('has its sessions renewed apart, though they were opened in one moment', () => {
    // Any sequence that is spread evenly will do: it shows what the policy makes of chance.
    let seed = 1;
    const random = (): number => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const dueMs = Array.from({ length: 64 }, () =>
      renewalDelayMs({ endsAtMs: 300_000 }, 0, 30_000, random),
    ) as number[];
    const inOneSecond = dueMs.map((from) => dueMs.filter((at) => at >= from && at < from + 1000).length);
    expect(Math.max(...inOneSecond)).toBeLessThan(10);
    expect(Math.max(...dueMs)).toBeLessThanOrEqual(270_000);
  });

  it('loses a source that can not even be begun, and no other', async () => {
    const { clock, group, cameras, left } = setGroup(['a', 'b']);
    cameras[0].beginError = new Error('no addon');
    void group.start();
    await clock.advance(100);
    expect(left).toEqual([{ cameraId: 'a', reason: 'failed', error: cameras[0].beginError }]);
    expect(cameras[1].beganAtMs).toBeDefined();
  });

  it('stops all of its sources at once, and ends its loop', async () => {
    const { group, cameras } = setGroup(['a', 'b']);
    let letGo = (): void => {};
    cameras[0].stopping = new Promise((resolve) => (letGo = resolve));
    const waiting = take(group, 1);
    await settled();
    const stopped = group.stop();
    expect(cameras.map(({ stops }) => stops)).toEqual([1, 1]);
    expect(await waiting).toBe('');
    letGo();
    await stopped;
    expect(group.stop()).toBe(group.stop());
    await expect(group.start()).rejects.toMatchObject({ code: 'SOURCE_STOPPED' });
    expect(() => group.add(cameras[0].source)).toThrow(expect.objectContaining({ code: 'SOURCE_STOPPED' }));
    expect(await take(group, 1)).toBe('');
  });

  it('does not begin what was not begun when it is stopped', async () => {
    const { clock, group, cameras } = setGroup(['a', 'b']);
    const started = group.start();
    await group.stop();
    await started;
    expect(clock.pending).toBe(0);
    expect(cameras.map(({ beganAtMs }) => beganAtMs !== undefined)).toEqual([true, false]);
  });

  it('has one consumer at a time, whose loop a signal ends', async () => {
    const { group, cameras } = setGroup(['a']);
    const ending = new AbortController();
    const waiting = group.frames({ signal: ending.signal }).next();
    await expect(group.frames().next()).rejects.toMatchObject({ code: 'ALREADY_READING' });
    ending.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(cameras[0].stops).toBe(1);
  });

  it('knows the health and the numbers of each', async () => {
    const { clock, group, cameras } = setGroup(['a', 'b']);
    expect(group.isHealthy()).toBe(false);
    void group.start();
    await clock.advance(50);
    expect(group.isHealthy()).toBe(true);
    cameras[1].give(2);
    expect([...group.health().keys()]).toEqual(['a', 'b']);
    expect([...group.getMetrics()].map(([cameraId, { frames }]) => [cameraId, frames])).toEqual([
      ['a', 0],
      ['b', 2],
    ]);
    await group.stop();
  });
});
