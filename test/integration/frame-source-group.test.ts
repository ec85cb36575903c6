import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { KvsHlsFrameSource } from '../../lib/index';
import {
  FrameSourceGroup,
  type Frame,
  type FrameBatch,
  type KvsHlsFrameSourceOptions,
} from '../../lib/index';
import {
  clipCamera,
  prepareClip,
  readStamp,
  startSimulator,
  type Clip,
  type Simulator,
} from '../../lib/simulator/index';
import { CLIP, sourceOn } from '../support/camera';

/** Each camera's rate: what the pixels say of number and time tells them apart. */
const RATES = { slow: 8, middle: 20, fast: 25 };
type Camera = keyof typeof RATES;
const CAMERAS = Object.keys(RATES) as Camera[];

const OUTPUT = { format: 'bgr24', width: 320, height: 180 } as const;

/** The picture's number, or `NaN` if the pixels are not that camera's. */
function numberOf({ cameraId, data, width, height }: Frame): number {
  const stamp = readStamp(data, width, height);
  const fps = RATES[cameraId as Camera];
  const isIts =
    stamp !== null && Math.abs(stamp.captureMs - Math.round((stamp.frameNumber * 1000) / fps)) <= 1;
  return isIts ? stamp.frameNumber : NaN;
}

const clips = new Map<string, Clip>();

/** Pictures of each camera, in the order they came. */
class Log {
  readonly numbers = new Map<string, number[]>();

  add(frame: Frame): void {
    const numbers = this.numbers.get(frame.cameraId) ?? [];
    this.numbers.set(frame.cameraId, [...numbers, numberOf(frame)]);
  }

  /** Pictures that do not follow the one before of their camera. */
  get breaks(): string[] {
    const found: string[] = [];
    for (const [cameraId, numbers] of this.numbers) {
      const frames = clips.get(cameraId)?.frames ?? NaN;
      for (const [at, number] of numbers.entries()) {
        const before = numbers[at - 1];
        if (Number.isNaN(number) || (before !== undefined && number !== (before + 1) % frames)) {
          found.push(`${cameraId}: ${number} after ${before}`);
        }
      }
    }
    return found;
  }

  count(cameraId: string): number {
    return this.numbers.get(cameraId)?.length ?? 0;
  }
}

function expectOnePiece({ frames, data }: FrameBatch): void {
  const bytes = OUTPUT.width * OUTPUT.height * 3;
  expect(data).toHaveLength(frames.length * bytes);
  for (const [at, frame] of frames.entries()) {
    expect(frame.data.buffer).toBe(data.buffer);
    expect(frame.data.byteOffset).toBe(data.byteOffset + at * bytes);
  }
}

describe('a group of cameras', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    const streams = await Promise.all(
      CAMERAS.map(async (name) => {
        const clip = await prepareClip({ ...CLIP, fps: RATES[name] });
        clips.set(name, clip);
        return { name, camera: clipCamera({ clip, backlogFragments: 8 }) };
      }),
    );
    simulator = await startSimulator({ streams });
  });
  afterAll(() => simulator.close());

  const source = (camera: string, options: Partial<KvsHlsFrameSourceOptions> = {}): KvsHlsFrameSource =>
    sourceOn(simulator, camera, { output: OUTPUT, ...options });
  const sources = (options: Partial<KvsHlsFrameSourceOptions> = {}): KvsHlsFrameSource[] =>
    CAMERAS.map((camera) => source(camera, options));

  it('gives every picture of each, in order', async () => {
    await using group = new FrameSourceGroup(sources());
    const log = new Log();
    for await (const frame of group.frames({ maxFrames: 120 })) log.add(frame);
    expect(log.breaks).toEqual([]);
    // They came as fast as they were taken: about 8 to 20 to 25.
    for (const camera of CAMERAS) expect(log.count(camera)).toBeGreaterThan(8);
    expect(group.isHealthy()).toBe(true);
    expect([...group.getMetrics().values()].reduce((sum, { frames }) => sum + frames, 0)).toBe(120);
  });

  it('goes on without a camera that does not exist, and says so', async () => {
    await using group = new FrameSourceGroup([...sources(), source('nobody')]);
    const left: string[] = [];
    group.on('leave', ({ cameraId, reason, error }) =>
      left.push(`${cameraId} ${reason} ${(error as { code?: string } | null)?.code}`),
    );
    const log = new Log();
    for await (const frame of group.frames({ maxFrames: 60 })) log.add(frame);
    expect(log.breaks).toEqual([]);
    expect(log.numbers.size).toBe(3);
    expect(left).toEqual(['nobody failed KVS_STREAM_NOT_FOUND']);
  });

  it('takes a camera in and out while it is read', async () => {
    await using group = new FrameSourceGroup(sources().slice(0, 2));
    const log = new Log();
    for await (const frame of group.frames({ maxFrames: 30 })) log.add(frame);
    await group.remove('middle');
    const middles = log.count('middle');
    group.add(source('fast'));
    for await (const frame of group.frames({ maxFrames: 40 })) log.add(frame);
    expect(log.count('middle')).toBe(middles);
    expect(log.count('fast')).toBeGreaterThan(10);
    expect(log.breaks).toEqual([]);
  });

  it('puts the pictures of all together, in one piece of memory', async () => {
    await using group = new FrameSourceGroup(sources());
    const log = new Log();
    const buffers = new Set<Buffer>();
    let mixed = 0;
    for await (const batch of group.batches(6, { maxBatches: 25 })) {
      expect(batch.shape).toEqual([6, 180, 320, 3]);
      expectOnePiece(batch);
      buffers.add(batch.data);
      batch.frames.forEach((frame) => log.add(frame));
      if (new Set(batch.frames.map(({ cameraId }) => cameraId)).size > 1) mixed += 1;
    }
    expect(log.breaks).toEqual([]);
    for (const camera of CAMERAS) expect(log.count(camera)).toBeGreaterThan(8);
    expect(mixed).toBeGreaterThan(5);
    expect(buffers.size).toBe(3);
  });

  it('goes on with all cameras while a single frame of one is kept', async () => {
    await using group = new FrameSourceGroup(sources());
    const log = new Log();
    const buffers = new Set<Buffer>();
    const kept: { frame: Frame; number: number }[] = [];
    for await (const batch of group.batches(4, { maxBatches: 13 })) {
      const frame = batch.frames[2] as Frame;
      if (kept.length === 0) kept.push({ frame: frame.retain(), number: numberOf(frame) });
      expectOnePiece(batch);
      batch.frames.forEach((frame) => log.add(frame));
      buffers.add(batch.data);
    }
    expect(log.breaks).toEqual([]);
    for (const camera of CAMERAS) expect(log.count(camera)).toBeGreaterThan(2);
    // The block that it lies in was not written to again, and the two others were.
    expect(buffers.size).toBe(3);
    for (const { frame, number } of kept) {
      expect(numberOf(frame)).toBe(number);
      frame.release();
    }
    for await (const batch of group.batches(4, { maxBatches: 6 })) {
      batch.frames.forEach((frame) => log.add(frame));
    }
    expect(log.breaks).toEqual([]);
  });

  it('gives each camera its share while all have media, however fast one is decoded', async () => {
    const endTimestamp = new Date(Date.now() - 1000);
    const recording = {
      playbackMode: 'ON_DEMAND',
      startTimestamp: new Date(endTimestamp.getTime() - 3000),
      endTimestamp,
    } as const;
    await using group = new FrameSourceGroup(sources(recording), { startsPerSecond: 1000 });
    const log = new Log();
    // Of batches with pictures of all three: how many one camera has at most.
    const shares: number[] = [];
    for await (const batch of group.batches(9)) {
      expectOnePiece(batch);
      batch.frames.forEach((frame) => log.add(frame));
      const counts = CAMERAS.map(
        (camera) => batch.frames.filter(({ cameraId }) => cameraId === camera).length,
      );
      if (counts.every((count) => count > 0)) shares.push(Math.max(...counts));
      // The consumer is what is waited for: all cameras have pictures ready.
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    // All of the recording came, up to its end.
    expect(log.breaks).toEqual([]);
    for (const camera of CAMERAS) expect(log.count(camera)).toBeGreaterThanOrEqual(2 * RATES[camera]);
    // A third of nine each; more only where a busy host keeps a camera's decoder waiting.
    const byShare = [...shares].sort((a, b) => a - b);
    expect(byShare.length).toBeGreaterThan(2);
    expect(byShare[Math.floor(byShare.length / 2)]).toBe(3);
  });

  it('closes a batch in time, however slow the cameras are', async () => {
    await using group = new FrameSourceGroup(sources({ keyFramesOnly: true }));
    const lengths: number[] = [];
    for await (const batch of group.batches(64, { maxBatches: 4, maxWaitMs: 300 })) {
      expectOnePiece(batch);
      batch.frames.forEach((frame) => expect(numberOf(frame)).not.toBeNaN());
      lengths.push(batch.length);
    }
    expect(Math.max(...lengths)).toBeLessThan(64);
  });

  it('goes on with batches when a camera leaves in the middle of them, and another one comes', async () => {
    await using group = new FrameSourceGroup(sources().slice(0, 2));
    const log = new Log();
    let batches = 0;
    for await (const batch of group.batches(5, { maxWaitMs: 2000 })) {
      expectOnePiece(batch);
      batch.frames.forEach((frame) => log.add(frame));
      batches += 1;
      if (batches === 4) {
        await group.remove('middle');
        group.add(source('fast'));
      }
      if (log.count('fast') >= 50) break;
    }
    expect(log.breaks).toEqual([]);
    expect(log.count('slow')).toBeGreaterThan(8);
  });

  it('asks for batches of one form', async () => {
    const other = source('fast', { output: { ...OUTPUT, format: 'gray8' } });
    const group = new FrameSourceGroup([source('slow'), other]);
    expect(() => group.batches(4)).toThrow(
      'that of slow is bgr24 320×180, memory shared, that of fast is gray8 320×180, memory shared',
    );
    await group.remove('fast');
    const batches = group.batches(4);
    expect(() => group.add(source('fast', { output: {} }))).toThrow(/fast lacks both/);
    expect(() => group.add(source('fast', { delivery: 'latest' }))).toThrow(/delivery/);
    expect(() => group.batches(5)).toThrow(/batches of 4, which can't be changed to 5/);
    await expect(group.frames().next()).rejects.toThrow(/can't be asked for single frames/);
    await expect(group.remove('slow', { stop: false })).rejects.toThrow(/without being stopped/);
    await group.stop();
    expect(await batches.next()).toEqual({ value: undefined, done: true });
    const started = new FrameSourceGroup([source('slow')]);
    await started.start();
    expect(() => started.batches(4)).toThrow(/before slow is started/);
    await started.stop();
  });
});
