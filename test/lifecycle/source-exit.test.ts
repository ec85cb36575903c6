import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sleep, systemClock } from '../../lib/clock';
import type { KvsHlsFrameSource } from '../../lib/index';
import { setStage, STREAM, type Stage } from '../support/camera';
import { ROOT, runNode, type ChildResult } from '../support/child';

const TIMES = 5;

/** A program that reads a frame and then does what is tested; the SDK finds the simulator by its environment. */
const program = (afterFrame: string): string => `
  const { KvsHlsFrameSource } = require(${JSON.stringify(ROOT)});
  const { Worker } = require('node:worker_threads');
  const open = () => new KvsHlsFrameSource({ streamName: '${STREAM}', bufferedFrames: 2 });
  (async () => { ${afterFrame} })();
`;

describe('a process with a source', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
  });
  afterAll(() => stage.simulator.close());

  const run = (afterFrame: string, onOutput?: Parameters<typeof runNode>[1]): Promise<ChildResult> =>
    runNode(['-e', program(afterFrame)], { env: stage.simulator.environment, ...onOutput });

  it.each([
    ['exits by itself after stop()', `const s = open(); await s.read(); await s.stop();`, 0],
    ['exits by itself after a loop that was left', `for await (const f of open()) break;`, 0],
    ['exits by itself when a source was never started', `open();`, 0],
    ['exits while frames stream', `const s = open(); await s.read(); process.exit(7);`, 7],
    ['exits while the first session is being opened', `const s = open(); s.start(); process.exit(7);`, 7],
    [
      'exits while the ring is full',
      `const s = open(); (await s.read()).retain(); (await s.read()).retain(); setTimeout(() => process.exit(7), 100);`,
      7,
    ],
    [
      'dies of an uncaught exception with its code',
      `const s = open(); await s.read(); setImmediate(() => { throw new Error('x') });`,
      1,
    ],
    ['exits while stopping', `const s = open(); await s.read(); s.stop(); process.exit(7);`, 7],
  ])('%s', async (_, afterFrame, code) => {
    for (let i = 0; i < TIMES; i++) {
      const result = await run(afterFrame);
      expect({ code: result.code, signal: result.signal }).toEqual({ code, signal: null });
    }
  });

  it('survives the termination of a worker that streams', async () => {
    const inWorker = program(
      `const s = open(); await s.read(); require('node:worker_threads').parentPort.postMessage(1); for await (const f of s);`,
    );
    for (let i = 0; i < TIMES; i++) {
      const result = await run(`
        const worker = new Worker(${JSON.stringify(inWorker)}, { eval: true });
        await new Promise((resolve) => worker.once('message', resolve));
        await worker.terminate();
        const s = open(); await s.read(); await s.stop();
        console.log('still well');
      `);
      expect(result).toMatchObject({ code: 0, signal: null, stdout: 'still well\n' });
    }
  });

  it('ends at SIGTERM like any other process', async () => {
    const result = await run(`const s = open(); for await (const f of s) console.log(f.index);`, {
      onOutput: (_, child) => child.kill('SIGTERM'),
    });
    expect(result.signal).toBe('SIGTERM');
  });

  it('gives back the slot of a retained frame that was forgotten', async () => {
    const script = program(`
      const s = open();
      for await (const f of s.frames({ maxFrames: 6 })) {
        f.retain();
        await new Promise((resolve) => setTimeout(resolve, 10));
        global.gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await s.stop();
      console.log('all read');
    `);
    const result = await runNode(['--expose-gc', '-e', script], { env: stage.simulator.environment });
    expect(result).toMatchObject({ code: 0, stdout: 'all read\n' });
  });
});

describe('stop()', () => {
  const reading = async (source: KvsHlsFrameSource): Promise<void> => {
    for await (const _ of source.frames()) {
      // Until it is stopped.
    }
  };
  const moments: Record<string, (source: KvsHlsFrameSource, stage: Stage) => Promise<unknown>> = {
    'before the start': () => Promise.resolve(),
    'while the first session is being opened': (source) => {
      void source.start().catch(() => {});
      return Promise.resolve();
    },
    'between two frames': (source) => source.read(),
    'while a loop waits for a frame': async (source) => {
      await source.read();
      void reading(source);
    },
    'while the ring is full': async (source) => {
      (await source.read())?.retain();
      (await source.read())?.retain();
      while ((source.getMetrics().engine?.queuedFragments ?? 0) === 0) await sleep(systemClock, 20);
    },
    'while backing off': async (source, stage) => {
      const waiting = new Promise((resolve) =>
        source.on('reconnect', ({ afterMs }) => afterMs > 0 && resolve(0)),
      );
      await source.read();
      void reading(source);
      await stage.simulator.close();
      await waiting;
    },
  };

  it.each(Object.keys(moments))('ends within 250 ms %s', async (moment) => {
    const stage = await setStage();
    const source = stage.source({
      bufferedFrames: 2,
      reconnectDelaySeconds: 60,
      maxReconnectDelaySeconds: 60,
    });
    await moments[moment]?.(source, stage);
    const startedAt = performance.now();
    await source.stop();
    expect(performance.now() - startedAt).toBeLessThan(250);
    await stage.simulator.close();
  });
});
