import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  clipCamera,
  prepareClip,
  startSimulator,
  type Clip,
  type Simulator,
} from '../../lib/simulator/index';
import { CLIP } from '../support/camera';
import { ROOT, runNode } from '../support/child';

const FRAMES = 50;

/** A worker that reads a camera of its own: it says what it read of each picture's stamp, its metrics, and ends by itself. */
const READER = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { KvsHlsFrameSource } = require(${JSON.stringify(ROOT)});
  const { readStamp } = require(${JSON.stringify(`${ROOT}/dist/simulator/stamp.js`)});
  const { register } = require(${JSON.stringify(`${ROOT}/node_modules/prom-client`)});
  (async () => {
    const source = new KvsHlsFrameSource({ streamName: workerData });
    const numbers = [];
    for await (const frame of source.frames({ maxFrames: ${FRAMES} })) {
      numbers.push(readStamp(frame.data, frame.width, frame.height).frameNumber);
      if (numbers.length === 5) parentPort.postMessage('reading');
    }
    const frames = async () => {
      const { values } = await register.getSingleMetric('kvs_hls_frames_total').get();
      return values.map(({ labels, value }) => [labels.camera_id, value]);
    };
    const counted = await frames();
    await source.stop();
    parentPort.postMessage({ numbers, counted, left: await frames() });
  })();
`;

/** Runs in a process of its own, whose threads and sockets are then counted. */
const PROGRAM = `
  const { Worker } = require('node:worker_threads');
  const { readdirSync, readlinkSync } = require('node:fs');
  const count = () => ({
    threads: readdirSync('/proc/self/task').length,
    sockets: readdirSync('/proc/self/fd').filter((fd) => {
      try { return readlinkSync('/proc/self/fd/' + fd).startsWith('socket:'); } catch { return false; }
    }).length,
  });
  const read = (name, stopEarly) => new Promise((resolve, reject) => {
    const worker = new Worker(${JSON.stringify(READER)}, { eval: true, workerData: name });
    worker.on('error', reject);
    worker.on('exit', () => resolve(null));
    worker.on('message', (message) => {
      if (message !== 'reading') resolve(message);
      else if (stopEarly) worker.terminate();
    });
  });
  (async () => {
    // Node's own threads are all there once its pool was used and a worker has run.
    await require('node:fs/promises').stat('/');
    await new Promise((resolve) => new Worker('', { eval: true }).on('exit', resolve));
    const before = count();
    const answers = await Promise.all([read('a'), read('b', true), read('c')]);
    // Threads are gone from the list an instant after they were joined.
    const deadline = Date.now() + 5000;
    while (count().threads > before.threads && Date.now() < deadline) await new Promise((r) => setTimeout(r, 10));
    console.log(JSON.stringify({ answers, before, after: count() }));
  })();
`;

interface Report {
  /** What each worker said at its end; `null`: nothing. */
  answers: ({ numbers: number[]; counted: [camera: string, frames: number][]; left: unknown[] } | null)[];
  before: object;
  after: object;
}

describe('whole readers in workers', () => {
  let clip: Clip;
  let simulator: Simulator;
  beforeAll(async () => {
    clip = await prepareClip(CLIP);
    const streams = ['a', 'b', 'c'].map((name) => ({ name, camera: clipCamera({ clip }) }));
    simulator = await startSimulator({ streams });
  });
  afterAll(() => simulator.close());

  it('read side by side, each with metrics of its own, and leave nothing behind, not even one that is terminated', async () => {
    const result = await runNode(['-e', PROGRAM], { env: simulator.environment });
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    const { answers, before, after } = JSON.parse(result.stdout) as Report;
    const [a, b, c] = answers;
    expect(b).toBeNull();
    expect([a?.counted, c?.counted]).toEqual([[['a', FRAMES]], [['c', FRAMES]]]);
    expect([a?.left, c?.left]).toEqual([[], []]);
    for (const numbers of [a?.numbers ?? [], c?.numbers ?? []]) {
      expect(numbers).toHaveLength(FRAMES);
      const steps = numbers.slice(1).map((now, i) => (now - (numbers[i] ?? 0) + clip.frames) % clip.frames);
      expect(new Set(steps)).toEqual(new Set([1]));
    }
    expect(after).toEqual(before);
  });
});
