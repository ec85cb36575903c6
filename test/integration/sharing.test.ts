import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { readStamp } from '../../lib/simulator/index';
import { openFrame } from '../../lib/worker';
import { see, setStage, type Stage } from '../support/camera';
import { ROOT } from '../support/child';

const required = (...path: string[]): string => `require(${JSON.stringify(join(ROOT, 'dist', ...path))})`;

/** Reads the stamps of the frames that it is sent. */
const STAMP_READER = `
  const { parentPort } = require('node:worker_threads');
  const { openFrame } = ${required('worker.js')};
  const { readStamp } = ${required('simulator', 'stamp.js')};
  parentPort.on('message', (handle) => {
    const frame = openFrame(handle);
    const { frameNumber } = readStamp(frame.data, frame.width, frame.height);
    parentPort.postMessage({ index: frame.index, frameNumber });
    frame.release();
  });
`;

describe('frames of a camera, shared with workers', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(() => stage.simulator.close());

  it('show there what they show here, many times through the same few slots', async () => {
    const worker = new Worker(STAMP_READER, { eval: true });
    const read = new Map<number, number>();
    worker.on('message', (seen: { index: number; frameNumber: number }) =>
      read.set(seen.index, seen.frameNumber),
    );
    const expected = new Map<number, number>();
    const source = stage.source({ bufferedFrames: 3 });
    for await (const frame of source.frames({ maxFrames: 40 })) {
      expected.set(frame.index, see(frame).number);
      worker.postMessage(frame.share({ worker }));
    }
    await source.stop();
    while (read.size < expected.size) await once(worker, 'message');
    expect(read).toEqual(expected);
    await worker.terminate();
  });

  it('let the source go on when the worker that holds all its slots dies', async () => {
    const hoarder = new Worker(
      `const held = [];
       const { parentPort } = require('node:worker_threads');
       parentPort.on('message', (handle) => held.push(${required('worker.js')}.openFrame(handle)) === 3 && parentPort.postMessage(0));`,
      { eval: true },
    );
    const source = stage.source({ bufferedFrames: 3 });
    for await (const frame of source.frames({ maxFrames: 3 }))
      hoarder.postMessage(frame.share({ worker: hoarder }));
    await once(hoarder, 'message');
    await expect(source.read({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'READ_TIMEOUT' });
    await hoarder.terminate();
    expect((await source.read({ timeoutMs: 10_000 }))?.index).toBe(3);
    await source.stop();
  });

  it('stay readable after the source was stopped, opened or not', async () => {
    const source = stage.source();
    const frame = await source.read();
    if (frame === null) throw new Error('No frame');
    const { number } = see(frame);
    const [early, late] = [openFrame(frame.share()), frame.share()];
    await source.stop();
    frame.release();
    for (using shared of [early, openFrame(late)]) {
      expect(readStamp(shared.data, shared.width, shared.height)?.frameNumber).toBe(number);
    }
  });

  it('can be frames of a batch, whose memory they hold together with it', async () => {
    const source = stage.source({ bufferedFrames: 4 });
    const numbers: number[] = [];
    let batches = 0;
    for await (const batch of source.batches(2)) {
      const shared = batch.frames.map((frame) => openFrame(frame.share()));
      numbers.push(...batch.frames.map((frame) => see(frame).number));
      expect(shared.map(({ data, width, height }) => readStamp(data, width, height)?.frameNumber)).toEqual(
        numbers.slice(-2),
      );
      // Its slots are needed again after four frames.
      setTimeout(() => shared.forEach((one) => one.release()), 20);
      batches += 1;
      if (batches === 6) break;
    }
    expect(
      numbers.slice(1).map((now, i) => (now - (numbers[i] ?? 0) + stage.clip.frames) % stage.clip.frames),
    ).toEqual(Array(11).fill(1));
  });

  it('are refused where the memory is private', async () => {
    await using source = stage.source({ memory: 'private' });
    const frame = await source.read();
    expect(() => frame?.share()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
