import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runNode, type ChildResult } from '../support/child.js';
import { ENGINE_OPTIONS } from '../support/engine-driver.js';
import { makeClip } from '../support/fragments.js';

/** Enough to meet the races that one run in fifteen showed. */
const RUNS = 20;
/** Child processes side by side. */
const AT_ONCE = 4;

/** Enough to meet the race that one answer in fifty lost. */
const IDLE_ROUNDS = 300;

/** What all children begin with: `start(onRecord)` gives an engine at work on the clip, six fragments long. */
const PRELUDE = `
  const { readFileSync } = require('node:fs');
  const { Worker, isMainThread, parentPort } = require('node:worker_threads');
  const { Engine, recordDoubles } = require(process.env.ADDON);
  const init = readFileSync(process.env.CLIP + '/init.mp4');
  const media = readFileSync(process.env.CLIP + '/fragment.m4s');
  const options = { ...JSON.parse(process.env.OPTIONS), maxQueuedBytes: 1e9, maxPixels: 1e8 };
  /** An engine that waits for the answer to a trouble; \`onTrouble\` is called when it does. */
  function hold(onTrouble) {
    const records = new Float64Array(recordDoubles);
    let states;
    const engine = new Engine({ ...options, holdOnTrouble: true }, () => {
      while (engine.take(records) === 1) {
        if (records[0] === 2) {
          states = new Int32Array(new SharedArrayBuffer(256));
          const pixels = new Uint8Array(new SharedArrayBuffer(64 * records[4]));
          engine.setRing({ id: 1, pixels, states, slotBytes: records[4], blockSlots: 0, cursor: null });
        }
        if (records[0] === 6) onTrouble(engine);
      }
    });
    engine.push({ id: 0, init, media: media.subarray(0, media.length >> 1), startMs: 0, isDated: false });
    engine.push({ id: 1, init, media, startMs: 0, isDated: false });
    return engine;
  }
  function start(onRecord, fragments = 6) {
    const records = new Float64Array(recordDoubles);
    let states;
    const engine = new Engine(options, () => {
      while (engine.take(records) === 1) {
        if (records[0] === 1) Atomics.store(states, records[3], 0);
        if (records[0] === 2) {
          states = new Int32Array(new SharedArrayBuffer(16));
          const pixels = new Uint8Array(new SharedArrayBuffer(4 * records[4]));
          engine.setRing({ id: 1, pixels, states, slotBytes: records[4], blockSlots: 0, cursor: null });
        }
        onRecord(records[0], engine);
      }
    });
    for (let id = 0; id < fragments; id++) engine.push({ id, init, media, startMs: 0, isDated: false });
    return engine;
  }
`;

describe('a process or worker with an engine', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-frames-exit-'));
    const clip = makeClip({ width: 640, height: 360, seconds: 1, bFrames: 2 });
    writeFileSync(join(folder, 'init.mp4'), clip.init);
    writeFileSync(join(folder, 'fragment.m4s'), clip.fragments[0]!);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function run(script: string): Promise<ChildResult> {
    const addon = join(ROOT, 'build', 'Release', 'kvs_frames.node');
    return runNode(['-e', PRELUDE + script], {
      env: { ADDON: addon, CLIP: folder, OPTIONS: JSON.stringify(ENGINE_OPTIONS) },
    });
  }

  test.each([
    ['ends by itself while an engine is idle after work', `start(() => {}, 2);`, 0],
    ['ends by itself with an engine that never had work', `start(() => {}, 0);`, 0],
    [
      'delivers all frames before it ends by itself, though nobody waits',
      `let frames = 0;
       start((kind) => { frames += kind === 1; }, 2);
       process.on('exit', () => { process.exitCode = frames >= 45 ? 0 : 9; });`,
      0,
    ],
    [
      'waits for records that are taken long after the wake',
      `const records = new Float64Array(recordDoubles);
       const engine = new Engine(options, () => {
         setTimeout(() => { process.exitCode = engine.take(records) === 1 && records[0] === 5 ? 6 : 9; }, 50).unref();
       });
       engine.finish();`,
      6,
    ],
    [
      'waits for a ring that is given long after it was asked for',
      `const records = new Float64Array(recordDoubles);
       let frames = 0;
       const engine = new Engine(options, () => {
         while (engine.take(records) === 1) {
           frames += records[0] === 1;
           if (records[0] !== 2) continue;
           const slotBytes = records[4];
           const give = () =>
             engine.setRing({
               id: 1, pixels: new Uint8Array(64 * slotBytes), states: new Int32Array(64), slotBytes, blockSlots: 0, cursor: null,
             });
           setTimeout(give, 50).unref();
         }
       });
       engine.push({ id: 0, init, media, startMs: 0, isDated: false });
       engine.finish();
       process.on('exit', () => { process.exitCode = frames === 25 ? 7 : 9; });`,
      7,
    ],
    [
      'waits for the answer to a trouble that is given long after it was asked for',
      `let engine = hold(() => {
         setTimeout(() => { engine.retry({ init, media }); engine.finish(); }, 50).unref();
       });
       process.on('exit', () => { process.exitCode = engine.stats().frames === 50 ? 8 : 9; });`,
      8,
    ],
    ['exits by process.exit while a trouble waits for its answer', `hold(() => process.exit(3));`, 3],
    [
      'ends after close while a trouble waits for its answer',
      `hold((engine) => { engine.close().then(() => { engine.giveUp(); process.exitCode = 5; }); });`,
      5,
    ],
    ['exits by process.exit with a busy engine', `start((kind) => { if (kind === 1) process.exit(3); });`, 3],
    ['exits by process.exit before the engine did anything', `start(() => {}); process.exit(4);`, 4],
    [
      'dies of an uncaught exception beside a busy engine',
      `start(() => {}); setTimeout(() => { throw new Error('on purpose'); }, 20);`,
      1,
    ],
    [
      'dies of an exception thrown by the callback',
      `start((kind) => { if (kind === 1) throw new Error('on purpose'); });`,
      1,
    ],
    [
      'ends after close, with the promise resolved',
      `start((kind, engine) => {
         if (kind === 1) engine.close().then(() => { process.exitCode = 5; });
       });`,
      5,
    ],
  ])('%s', async (_name, script, code) => {
    for (let i = 0; i < RUNS; i += AT_ONCE) {
      const results = await Promise.all(Array.from({ length: AT_ONCE }, () => run(script)));
      for (const result of results) {
        expect(result).toMatchObject({ code, signal: null });
        expect(result.stderr).toMatch(code === 1 ? /on purpose/ : /^$/);
      }
    }
  });

  test.each([
    ['finish', `engine.finish();`, 5],
    ['push', `engine.push({ id: 0, init: null, media: new Uint8Array(10), startMs: 0, isDated: false });`, 3],
  ])('does not end before the answer to %s of an idle engine came', async (_name, call, kind) => {
    // The event loop runs dry after each round, unless an answer still waits; then the process ends early.
    const result = await run(`
      let rounds = 0;
      let answers = 0;
      const next = () => {
        rounds++;
        const engine = start((kind) => {
          if (kind === 4) engine.takeFault();
          if (kind !== ${kind}) return;
          answers++;
          engine.close();
        }, 0);
        setTimeout(() => { ${call} }, 1);
      };
      process.on('beforeExit', () => { if (answers === rounds && rounds < ${IDLE_ROUNDS}) next(); });
      process.on('exit', () => process.stdout.write(answers + ' of ' + rounds));
    `);
    expect(result).toMatchObject({ code: 0, stderr: '', stdout: `${IDLE_ROUNDS} of ${IDLE_ROUNDS}` });
  });

  test('terminates workers with engines at any point of their work', async () => {
    const result = await runWorkers(
      'start((kind) => parentPort.postMessage(kind));',
      'await worker.terminate();',
    );
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '', stdout: '20 ended' });
  });

  test('terminates workers whose engines wait for the answer to a trouble', async () => {
    const result = await runWorkers(
      'hold(() => { for (let i = 0; i < 20; i++) parentPort.postMessage(i); });',
      'await worker.terminate();',
    );
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '', stdout: '20 ended' });
  });

  test('lets workers exit by themselves and by process.exit beside their engines', async () => {
    const idle = await runWorkers('start(() => {}, 1); parentPort.postMessage(0);', 'await gone;');
    expect(idle).toMatchObject({ code: 0, signal: null, stderr: '', stdout: '20 ended' });
    const busy = await runWorkers(
      `start((kind) => { parentPort.postMessage(kind); if (kind === 1) process.exit(0); });`,
      'await gone;',
    );
    expect(busy).toMatchObject({ code: 0, signal: null, stderr: '', stdout: '20 ended' });
  });

  /** One process that runs a worker after another; `end` runs after the worker's n-th message in the n-th round. */
  function runWorkers(worker: string, end: string): Promise<ChildResult> {
    return run(`
      (async () => {
        let ended = 0;
        for (let round = 1; round <= ${RUNS}; round++) {
          const worker = new Worker(${JSON.stringify(PRELUDE + worker)}, { eval: true });
          const gone = new Promise((resolve) => worker.once('exit', resolve));
          await new Promise((resolve) => {
            let messages = 0;
            worker.on('message', () => { if (++messages === round) resolve(); });
            worker.once('exit', resolve);
          });
          ${end}
          ended++;
        }
        process.stdout.write(ended + ' ended');
      })();
    `);
  }
});
