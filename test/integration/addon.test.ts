import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Worker } from 'node:worker_threads';
import type * as Addon from '../../binding.js';
import { loadAddon } from '../../lib/frames/addon.js';
import { ENGINE_OPTIONS, EngineDriver } from '../support/engine-driver.js';
import { makeClip, type FragmentedClip } from '../support/fragments.js';
import { SLOWNESS } from '../support/sanitizer';

const WIDTH = 176;
const HEIGHT = 144;

describe('the native engine', () => {
  const addon = loadAddon();
  let clip: FragmentedClip;
  let small: FragmentedClip;
  const drivers: EngineDriver[] = [];

  function drive(
    options?: Partial<Addon.EngineOptions>,
    memory?: 'shared' | 'private',
    slots?: number,
  ): EngineDriver {
    const driver = new EngineDriver(addon, options, memory, slots);
    drivers.push(driver);
    return driver;
  }

  beforeAll(() => {
    clip = makeClip({ width: WIDTH, height: HEIGHT, seconds: 4, bFrames: 2 });
    small = makeClip({ width: 64, height: 48, seconds: 1, bFrames: 0 });
  });

  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.engine.close()));
  });

  test('tells the versions of what it runs with', () => {
    expect(addon.versions.ffmpeg).toMatch(/\d/);
    for (const key of ['avformat', 'avcodec', 'avutil', 'swscale'] as const) {
      expect(addon.versions[key]).toMatch(/^\d+\.\d+\.\d+$/);
    }
    expect(['avx2', 'scalar']).toContain(addon.versions.simd);
    expect(addon.recordDoubles).toBe(16);
  });

  test('counts what pictures took by bounds that it tells', async () => {
    const { timeBounds } = addon;
    expect(timeBounds).toEqual([...timeBounds].sort((a, b) => a - b));
    const driver = drive();
    const none = { counts: Array<number>(timeBounds.length + 1).fill(0), sum: 0 };
    expect(driver.engine.stats()).toMatchObject({ decodeTimes: none, convertTimes: none, pictureBytes: 0 });
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    driver.engine.finish();
    await driver.until(() => driver.ended);
    const { decodeTimes, convertTimes, pictureBytes, ...stats } = driver.engine.stats();
    for (const { counts, sum } of [decodeTimes, convertTimes]) {
      expect(counts).toHaveLength(timeBounds.length + 1);
      expect(counts.reduce((all, count) => all + count, 0)).toBe(25);
      // The values lie between the bounds around them.
      const atLeast = counts.reduce((all, count, i) => all + count * (timeBounds[i - 1] ?? 0), 0);
      expect(sum).toBeGreaterThan(atLeast);
      expect(sum).toBeLessThan(25);
    }
    expect(decodeTimes.sum).toBeLessThanOrEqual(stats.decodeCpuSeconds * 1.000001);
    expect(convertTimes.sum).toBeCloseTo(stats.convertCpuSeconds, 9);
    // Two at least: B-frames lie between two others.
    expect(pictureBytes).toBeGreaterThan(2 * WIDTH * HEIGHT * 1.5);
    await driver.engine.close();
    expect(driver.engine.stats().pictureBytes).toBe(0);
  });

  test('tells what libav logged that belongs to no fault, with its level', async () => {
    const driver = drive();
    clip.fragments.forEach((fragment, id) => {
      // Within the first slice; the boxes before are about 500 bytes.
      const media = Buffer.from(fragment);
      if (id === 1) media.fill(0x5a, 2000, 2040);
      driver.push({ id, init: clip.init, media });
    });
    driver.engine.finish();
    await driver.until(() => driver.ended);
    expect(driver.faults).toEqual([]);
    expect(driver.fragments.map(({ troubled }) => troubled)).toEqual([false, true, false, false]);
    expect(driver.logs).toHaveLength(1);
    for (const { level, message } of driver.logs[0]!) {
      expect(level).toBe('error');
      expect(message).toMatch(/^h264: /);
    }
  });

  test.each(['shared', 'private'] as const)(
    'writes the frames of a stream into %s memory',
    async (memory) => {
      const driver = drive({}, memory);
      const media = clip.fragments.map((fragment) => Uint8Array.from(fragment));
      media.forEach((bytes, id) => expect(driver.push({ id, init: clip.init, media: bytes })).toBe(true));
      driver.engine.finish();
      await driver.until(() => driver.ended);
      expect(driver.faults).toEqual([]);
      expect(driver.ringRequests).toBe(1);
      expect(driver.fragments).toEqual(
        [0, 1, 2, 3].map((id) => ({ id, packets: 25, durationMs: expect.closeTo(1000, 1), troubled: false })),
      );
      expect(driver.frames).toHaveLength(100);
      driver.frames.forEach((frame, i) => {
        expect(frame.dtsMs).toBeLessThanOrEqual(frame.ptsMs);
        expect(frame).toMatchObject({
          fragmentId: Math.floor(i / 25),
          width: WIDTH,
          height: HEIGHT,
          stride: WIDTH * 3,
          bytes: WIDTH * HEIGHT * 3,
          placeMs: frame.offsetMs,
          placeDurationMs: frame.durationMs,
          offsetMs: expect.closeTo((i % 25) * 40, 1),
          durationMs: expect.closeTo(40, 1),
          flags: i === 0 ? 5 : i % 25 === 0 ? 1 : 0,
        });
      });
      // The test picture has bright and coloured parts: the last frame is there, and is not gray.
      const ring = driver.rings.get(10)!;
      const last = driver.frames.at(-1)!;
      const pixels = ring.pixels.subarray(last.slot * ring.slotBytes, (last.slot + 1) * ring.slotBytes);
      expect(pixels.some((value) => value > 200)).toBe(true);
      expect(pixels.some((value, i) => i % 3 === 0 && value !== pixels[i + 1])).toBe(true);
    },
  );

  test('leaves every byte outside the picture alone', async () => {
    const driver = drive();
    driver.answerRings = false;
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    await driver.until(() => driver.ringRequests === 1);
    const frameBytes = WIDTH * HEIGHT * 3;
    const slotBytes = frameBytes + 100;
    const memory = new Uint8Array(new SharedArrayBuffer(64 + 2 * slotBytes + 64)).fill(0xee);
    const states = new Int32Array(new SharedArrayBuffer(16), 4, 2);
    driver.rings.set(1, {
      id: 1,
      pixels: memory.subarray(64, 64 + 2 * slotBytes),
      states,
      slotBytes,
      blockSlots: 0,
      cursor: null,
    });
    driver.engine.setRing(driver.rings.get(1)!);
    await driver.until(() => driver.fragments.length === 1);
    const outside = [
      memory.subarray(0, 64),
      memory.subarray(64 + frameBytes, 64 + slotBytes),
      memory.subarray(64 + slotBytes + frameBytes),
    ];
    for (const part of outside) expect(part.every((value) => value === 0xee)).toBe(true);
  });

  test('wakes JavaScript once a burst, and again only after the outbox was emptied', async () => {
    const driver = drive({}, 'shared', 64);
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    await driver.until(() => driver.fragments.length === 1);
    driver.takeOnWake = false;
    const before = driver.wakes;
    driver.push({ id: 1, init: clip.init, media: clip.fragments[1]! });
    await driver.until(() => driver.wakes === before + 1);
    // The rest of the burst comes without another wake; the statistics tell when it is all there.
    while (driver.engine.stats().fragments < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(driver.wakes).toBe(before + 1);
    expect(driver.engine.stats().wakes).toBe(before + 1);
    driver.takeOnWake = true;
    driver.takeAll();
    await driver.until(() => driver.frames.length === 50);
  });

  test('hands out records in pieces when the array is small', async () => {
    const driver = drive({}, 'shared', 64);
    driver.takeOnWake = false;
    driver.push({ id: 3, init: clip.init, media: clip.fragments[0]! });
    await driver.until(() => driver.wakes === 1);
    expect(driver.engine.take(new Float64Array(addon.recordDoubles))).toBe(1);
  });

  test('waits for a slot and drops nothing, and finds one that a worker thread freed by a bare store', async () => {
    const driver = drive({}, 'shared', 2);
    driver.holdFrames = true;
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    driver.push({ id: 1, init: clip.init, media: clip.fragments[1]! });
    driver.engine.finish();
    await driver.until(() => driver.frames.length === 2);
    const worker = new Worker(
      `const { workerData: states } = require('node:worker_threads');
       for (let freed = 0; freed < 50; ) {
         for (let slot = 0; slot < states.length; slot++) {
           if (Atomics.compareExchange(states, slot, 2, 0) === 2) freed++;
         }
       }`,
      { eval: true, workerData: driver.rings.get(10)!.states },
    );
    await driver.until(() => driver.ended);
    expect(driver.frames).toHaveLength(50);
    await worker.terminate();
  });

  test('asks for another ring when the size changes and leaves the old one to its readers', async () => {
    const driver = drive({}, 'shared', 64);
    driver.holdFrames = true;
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    driver.push({ id: 1, init: small.init, media: small.fragments[0]! });
    driver.engine.finish();
    await driver.until(() => driver.ended);
    expect(driver.ringRequests).toBe(2);
    expect(driver.frames.filter((frame) => frame.ringId === 10)).toHaveLength(25);
    expect(driver.frames.filter((frame) => frame.ringId === 11)).toHaveLength(25);
    expect(driver.frames[25]).toMatchObject({ fragmentId: 1, width: 64, height: 48, flags: 5 });
    expect([...driver.rings.get(10)!.states].filter((state) => state === 2)).toHaveLength(25);
    expect(driver.engine.stats()).toMatchObject({ decoderOpens: 2, frames: 50, faults: 0 });
  });

  test('answers a damaged fragment with a fault and decodes the next one', async () => {
    const driver = drive();
    const cut = clip.fragments[1]!.subarray(0, clip.fragments[1]!.length >> 1);
    driver.push({ id: 7, init: clip.init, media: cut });
    driver.push({ id: 8, init: Buffer.from('no init at all'), media: clip.fragments[2]! });
    driver.push({ id: 9, init: clip.init, media: clip.fragments[3]! });
    driver.push({ id: 10, init: null, media: clip.fragments[3]! });
    driver.engine.finish();
    await driver.until(() => driver.ended);
    expect(driver.faults.map(({ stage, fragmentId }) => ({ stage, fragmentId }))).toEqual([
      { stage: 'demux', fragmentId: 7 },
      { stage: 'open', fragmentId: 8 },
      { stage: 'open', fragmentId: 10 },
    ]);
    expect(driver.faults[0]).toMatchObject({ codeName: 'AVERROR_INVALIDDATA', code: expect.any(Number) });
    expect(driver.faults[1]!.message).toMatch(/init section/);
    expect(Array.isArray(driver.faults[1]!.log)).toBe(true);
    expect(driver.frames.filter((frame) => frame.fragmentId === 9)).toHaveLength(25);
    expect(driver.fragments.map((fragment) => fragment.id)).toEqual([7, 8, 9, 10]);
  });

  test('makes a picture above maxPixels a limit fault', async () => {
    const driver = drive({ maxPixels: 1000 });
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    await driver.until(() => driver.faults.length === 1);
    expect(driver.faults[0]).toMatchObject({ stage: 'limit', fragmentId: 0, code: 0, codeName: '' });
    expect(driver.faults[0]!.message).toContain('176x144');
  });

  test('refuses a fragment when the queue is full, and takes it after a fragment record', async () => {
    const driver = drive({ maxQueuedFragments: 1 });
    driver.answerRings = false;
    expect(driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! })).toBe(true);
    await driver.until(() => driver.ringRequests === 1);
    expect(driver.push({ id: 1, init: clip.init, media: clip.fragments[1]! })).toBe(true);
    expect(driver.push({ id: 2, init: clip.init, media: clip.fragments[2]! })).toBe(false);
    expect(driver.engine.stats()).toMatchObject({ queuedFragments: 1 });
    driver.answerRing(WIDTH * HEIGHT * 3);
    await driver.until(() => driver.fragments.length === 2);
    expect(driver.push({ id: 2, init: clip.init, media: clip.fragments[2]! })).toBe(true);
    await driver.until(() => driver.fragments.length === 3);
  });

  test('gives a first frame out before the next fragment comes, once two began with an IDR', async () => {
    const driver = drive();
    for (let id = 0; id < 4; id++) {
      driver.push({ id, init: clip.init, media: clip.fragments[id]! });
      await driver.until(() => driver.frames.length >= (id === 0 ? 20 : (id + 1) * 25));
    }
    expect(driver.frames).toHaveLength(100);
    expect(driver.engine.stats().idleDrains).toBeGreaterThanOrEqual(2);
  });

  test('keeps the bytes of a fragment alive until it is done with them', async () => {
    const driver = drive();
    for (let id = 0; id < 4; id++) {
      driver.push({
        id,
        init: Uint8Array.from(clip.init),
        media: Uint8Array.from(clip.fragments[id]!),
      });
    }
    // Garbage pressure: copies that nobody but the engine references would be collected now.
    for (let i = 0; i < 200; i++) new Uint8Array(1 << 20).fill(i);
    driver.engine.finish();
    await driver.until(() => driver.ended);
    expect(driver.faults).toEqual([]);
    expect(driver.frames).toHaveLength(100);
  });

  test('closes in every state, once or twice, and refuses fragments afterwards', async () => {
    const idle = drive();
    const waiting = drive();
    waiting.answerRings = false;
    waiting.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    const full = drive({}, 'shared', 2);
    full.holdFrames = true;
    full.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    await full.until(() => full.frames.length === 2);
    const busy = drive({}, 'shared', 64);
    clip.fragments.forEach((media, id) => busy.push({ id, init: clip.init, media }));
    for (const driver of [idle, waiting, full, busy]) {
      const { engine } = driver;
      const start = performance.now();
      const closed = engine.close();
      expect(() => driver.push({ id: 9, init: null, media: clip.init })).toThrow(/after close/);
      await Promise.all([closed, engine.close()]);
      // The requirement; it takes about 1 ms.
      expect(performance.now() - start).toBeLessThan(250 * SLOWNESS);
      expect(engine.take(new Float64Array(110))).toBe(0);
      expect(engine.stats().queuedFragments).toBeGreaterThanOrEqual(0);
      engine.finish();
      engine.wake();
      await engine.close();
    }
  });

  test('refuses fragments after finish', async () => {
    const driver = drive();
    driver.engine.finish();
    expect(() => driver.push({ id: 0, init: null, media: clip.init })).toThrow(/after finish/);
    await driver.until(() => driver.ended);
  });

  test('runs in a worker beside the main thread', async () => {
    const path = require.resolve('../../build/Release/kvs_frames.node');
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const { Engine, recordDoubles } = require(workerData.path);
       const records = new Float64Array(recordDoubles);
       const engine = new Engine(workerData.options, () => {
         while (engine.take(records) === 1) {
           if (records[0] === 2) {
             const slotBytes = records[4];
             const pixels = new Uint8Array(64 * slotBytes);
             engine.setRing({ id: 1, pixels, states: new Int32Array(64), slotBytes, blockSlots: 0, cursor: null });
           } else if (records[0] === 5) {
             const { frames } = engine.stats();
             engine.close().then(() => parentPort.postMessage(frames));
           }
         }
       });
       engine.push({ ...workerData.fragment, id: 0, startMs: 0, isDated: false });
       engine.finish();`,
      {
        eval: true,
        workerData: {
          path,
          options: ENGINE_OPTIONS,
          fragment: { init: clip.init, media: clip.fragments[0] },
        },
      },
    );
    const driver = drive();
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    driver.engine.finish();
    const frames = await new Promise((resolve, reject) =>
      worker.once('message', resolve).once('error', reject),
    );
    expect(frames).toBe(25);
    await driver.until(() => driver.ended);
    expect(driver.frames).toHaveLength(25);
  });
});
