import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { types } from 'node:util';
import { ConfigError, type BatchesOptions, type Frame, type FrameBatch } from '../../lib/index';
import { breaks, see, setStage, type Seen, type Stage } from '../support/camera';

/** What a batch's memory has to be: its frames', right behind each other. */
function expectOnePiece(batch: FrameBatch): void {
  const { frames, data } = batch;
  const bytes = frames[0]?.data.length ?? 0;
  expect(batch).toHaveLength(frames.length);
  expect(data).toHaveLength(frames.length * bytes);
  for (const [at, frame] of frames.entries()) {
    expect(frame.data.buffer).toBe(data.buffer);
    expect(frame.data.byteOffset).toBe(data.byteOffset + at * bytes);
  }
}

describe('batches of a live camera', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(() => stage.simulator.close());

  it('hold every picture once, in order, in one piece of memory', async () => {
    await using source = stage.source();
    const seen: Seen[] = [];
    const buffers = new Set<Buffer>();
    for await (const batch of source.batches(8, { maxBatches: 6 })) {
      expect(batch).toHaveLength(8);
      expect(batch.shape).toEqual([8, 180, 320, 3]);
      expectOnePiece(batch);
      expect(types.isSharedArrayBuffer(batch.data.buffer)).toBe(true);
      buffers.add(batch.data);
      seen.push(...batch.frames.map(see));
    }
    expect(seen).toHaveLength(48);
    expect(breaks(seen, stage.clip)).toEqual([]);
    // Two blocks, each wrapped once.
    expect(buffers.size).toBe(2);
  });

  it('go on with a second call, and refuse another length, or single frames', async () => {
    await using source = stage.source();
    const seen: Seen[] = [];
    for (let call = 0; call < 3; call++) {
      for await (const batch of source.batches(5, { maxBatches: 2 })) seen.push(...batch.frames.map(see));
    }
    expect(seen).toHaveLength(30);
    expect(breaks(seen, stage.clip)).toEqual([]);
    expect(() => source.batches(6)).toThrow(/batches of 5, which can't be changed to 6/);
    await expect(source.read()).rejects.toThrow(/can't be asked for single frames/);
  });

  it('are tensors of the numbers a model takes', async () => {
    const output = { format: 'rgb-chw', width: 64, height: 48 } as const;
    await using source = stage.source({ output, memory: 'private' });
    await using plain = stage.source({ output: { ...output, dataType: 'float16' } });
    for await (const batch of source.batches(3, { maxBatches: 2 })) {
      expect(batch.shape).toEqual([3, 3, 48, 64]);
      expectOnePiece(batch);
      const { tensor } = batch;
      expect(tensor).toBeInstanceOf(Float32Array);
      expect(tensor).toHaveLength(3 * 3 * 48 * 64);
      expect(batch.tensor).toBe(tensor);
      expect(tensor.slice(3 * 48 * 64, 2 * 3 * 48 * 64)).toEqual(batch.frames[1]?.tensor.slice());
    }
    for await (const batch of plain.batches(3, { maxBatches: 1 })) {
      expect(batch.tensor).toBeInstanceOf(Uint16Array);
      expect(batch.tensor).toHaveLength(3 * 3 * 48 * 64);
    }
  });

  it('are valid until the next is asked for, or longer if retained', async () => {
    await using source = stage.source({ bufferedFrames: 16 });
    const batches = source.batches(4);
    const first = (await batches.next()).value as FrameBatch;
    const numbers = first.retain().frames.map((frame) => see(frame).number);
    const second = (await batches.next()).value as FrameBatch;
    const [single] = second.frames;
    single?.retain();
    const number = see(single!).number;
    const third = (await batches.next()).value as FrameBatch;
    expect(second.released).toBe(true);
    expect(() => second.data).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    expect(() => second.frames[1]?.data).toThrow(expect.objectContaining({ code: 'FRAME_RELEASED' }));
    expect(see(single!).number).toBe(number);
    expect(first.frames.map((frame) => see(frame).number)).toEqual(numbers);
    single?.release();
    first.release();
    expect(first.released).toBe(true);
    expect(third.released).toBe(false);
    expect((await batches.next()).done).toBe(false);
    await batches.return(undefined);
  });

  it('go on while a single frame is kept, without its memory', async () => {
    await using source = stage.source({ startFragmentsBehind: 2, bufferedFrames: 15 });
    const seen: Seen[] = [];
    const buffers = new Set<Buffer>();
    let kept: Frame | undefined;
    // Three rings' worth, of three blocks each, behind the one that is kept; then all blocks again.
    for await (const batch of source.batches(5, { maxBatches: 14 })) {
      kept ??= batch.frames[2]?.retain();
      expect(batch).toHaveLength(5);
      expectOnePiece(batch);
      seen.push(...batch.frames.map(see));
      if (seen.length > 5) buffers.add(batch.data);
      if (seen.length === 50) {
        expect(see(kept as Frame).number).toBe(seen[2]?.number);
        expect(buffers.size).toBe(2);
        kept?.release();
      }
    }
    expect(breaks(seen, stage.clip)).toEqual([]);
    expect(buffers.size).toBe(3);
  });

  it('are shorter when their first frame has waited long enough, and none is lost', async () => {
    // Key frames come twice a second: four of them take longer than the wait.
    await using source = stage.source({ keyFramesOnly: true });
    const seen: Seen[] = [];
    const lengths: number[] = [];
    for await (const batch of source.batches(4, { maxBatches: 3, maxWaitMs: 700 })) {
      expectOnePiece(batch);
      expect(batch.shape[0]).toBe(batch.length);
      lengths.push(batch.length);
      seen.push(...batch.frames.map(see));
    }
    expect(Math.max(...lengths)).toBeLessThan(4);
    for (const [at, one] of seen.slice(1).entries()) {
      expect(one.number).toBe(((seen[at]?.number ?? 0) + 10) % stage.clip.frames);
    }
  });

  it('take targetFps and everyNth', async () => {
    await using source = stage.source({ everyNth: 5 });
    for await (const { frames } of source.batches(4, { maxBatches: 1 })) {
      const numbers = frames.map((frame) => see(frame).number);
      expect(numbers.slice(1).map((number, at) => (number - (numbers[at] ?? 0) + 200) % 200)).toEqual([
        5, 5, 5,
      ]);
    }
  });

  it('must be asked for before the start', async () => {
    await using source = stage.source();
    await source.read();
    expect(() => source.batches(4)).toThrow(/before front-door is started/);
    await using started = stage.source();
    const batches = started.batches(4);
    await started.start();
    expect((await batches.next()).value).toHaveLength(4);
    await batches.return(undefined);
  });

  it('have one consumer at a time', async () => {
    await using source = stage.source();
    const first = source.batches(4);
    const waiting = first.next();
    await expect(source.batches(4).next()).rejects.toMatchObject({ code: 'ALREADY_READING' });
    expect((await waiting).value).toHaveLength(4);
    await first.return(undefined);
  });

  it('end with the source, and stop it when their loop is left', async () => {
    await using source = stage.source();
    const batches = source.batches(1000);
    const waiting = batches.next();
    await source.start();
    await source.stop();
    expect(await waiting).toEqual({ value: undefined, done: true });
    const left = stage.source();
    for await (const _ of left.batches(4)) break;
    await expect(left.start()).rejects.toMatchObject({ code: 'SOURCE_STOPPED' });
  });

  it.each([
    [{ encoded: true }, 'encoded'],
    [{ delivery: 'latest' }, "a delivery other than 'every'"],
    [{ delivery: { maxAgeMs: 1000 } }, "a delivery other than 'every'"],
    [{ pace: 'realtime' }, "pace 'realtime'"],
    [{ fillGaps: 'repeat' }, 'fillGaps'],
  ] as const)('refuse %j', async (options, what) => {
    await using source = stage.source(options);
    expect(() => source.batches(4)).toThrow(ConfigError);
    expect(() => source.batches(4)).toThrow(`batches() and ${what}, which front-door has, don't go together`);
  });

  it.each([
    [0, {}, /1–1024 for length/],
    [4, { maxWaitMs: -1 }, /maxWaitMs/],
    [4, { maxFrames: 1 }, /maxFrames/],
  ])('refuse a wrong option: %j %j', async (length, options, message) => {
    await using source = stage.source();
    expect(() => source.batches(length, options as BatchesOptions)).toThrow(message);
  });
});

describe('batches of a recording', () => {
  it('end with what is left, shorter', async () => {
    await using stage = await setStage({ camera: { backlogFragments: 8 }, stream: {} });
    const endTimestamp = new Date(Date.now() - 1500);
    await using source = stage.source({
      playbackMode: 'ON_DEMAND',
      startTimestamp: new Date(endTimestamp.getTime() - 2000),
      endTimestamp,
    });
    const seen: Seen[] = [];
    const lengths: number[] = [];
    for await (const batch of source.batches(16)) {
      expectOnePiece(batch);
      lengths.push(batch.length);
      seen.push(...batch.frames.map(see));
    }
    expect(breaks(seen, stage.clip)).toEqual([]);
    expect(lengths.slice(0, -1).every((length) => length === 16)).toBe(true);
    expect(lengths.at(-1)).toBe(seen.length % 16 || 16);
    expect(source.getMetrics().frames).toBe(seen.length);
  });
});
