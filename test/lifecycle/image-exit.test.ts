import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { ROOT, runNode, type ChildResult } from '../support/child';

/** Enough to meet the races that one run in fifteen showed. */
const RUNS = 20;
/** Child processes side by side. */
const AT_ONCE = 4;

/** What all children begin with: `encode(type)` starts a file of a picture, and answers its promise. */
const PRELUDE = `
  const { Worker, parentPort } = require('node:worker_threads');
  const { encodeImage } = require(process.env.ADDON);
  const shared = new Uint8Array(new SharedArrayBuffer(640 * 360 * 3)).fill(77);
  const form = { quality: 85, width: 640, height: 360, imageWidth: 320, imageHeight: 180, format: 'bgr24', dataType: 'float32',
    factor: [1, 1, 1], offset: [0, 0, 0], matrix: 6, fullRange: false };
  const encode = (type = 'jpeg', pixels = shared) => encodeImage({ ...form, type, pixels });
  const many = () => Promise.all(Array.from({ length: 8 }, (_, i) => encode(i % 2 === 0 ? 'jpeg' : 'png')));
`;

function run(script: string): Promise<ChildResult> {
  const addon = join(ROOT, 'build', 'Release', 'kvs_frames.node');
  return runNode(['--expose-gc', '-e', PRELUDE + script], { env: { ADDON: addon } });
}

/** One process that runs a worker after another; `end` runs after the worker's first message. */
function runWorkers(worker: string, end: string): Promise<ChildResult> {
  return run(`
    (async () => {
      let ended = 0;
      for (let round = 1; round <= ${RUNS}; round++) {
        const worker = new Worker(${JSON.stringify(PRELUDE + worker)}, { eval: true });
        const gone = new Promise((resolve) => worker.once('exit', resolve));
        await new Promise((resolve) => { worker.once('message', resolve); worker.once('exit', resolve); });
        ${end}
        ended++;
      }
      process.stdout.write(ended + ' ended');
    })();
  `);
}

describe('a process with images on their way', () => {
  it.each([
    [
      'waits for them when it ends by itself',
      `many().then((files) => { process.exitCode = files.length; });`,
      8,
    ],
    ['exits by process.exit', `many(); process.exit(3);`, 3],
    ['exits by process.exit when the first is done', `many(); encode().then(() => process.exit(4));`, 4],
    ['dies of an uncaught exception', `many(); setTimeout(() => { throw new Error('on purpose'); }, 5);`, 1],
    [
      'keeps their memory where nobody else does',
      `const files = [1, 2, 3].map((i) => encode('png', new Uint8Array(640 * 360 * 3).fill(i)));
       const timer = setInterval(gc, 1);
       Promise.all(files).then((all) => {
         clearInterval(timer);
         process.exitCode = all[0].equals(all[1]) ? 9 : 5;
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

  it('terminates workers that make images', async () => {
    const result = await runWorkers(
      `many(); encode().then(() => parentPort.postMessage(0));`,
      'await worker.terminate();',
    );
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '', stdout: `${RUNS} ended` });
  });

  it('lets workers end by themselves once their images are done, and by process.exit before', async () => {
    const waiting = await runWorkers(
      `many().then((files) => parentPort.postMessage(files.length));`,
      'await gone;',
    );
    expect(waiting).toMatchObject({ code: 0, signal: null, stderr: '', stdout: `${RUNS} ended` });
    const hasty = await runWorkers(`many(); process.exit(0);`, 'await gone;');
    expect(hasty).toMatchObject({ code: 0, signal: null, stderr: '', stdout: `${RUNS} ended` });
  });

  it('makes the same images in several workers at once', async () => {
    const result = await run(`
      (async () => {
        const script = ${JSON.stringify(PRELUDE + `many().then((files) => parentPort.postMessage(files));`)};
        const answers = await Promise.all(Array.from({ length: 4 }, () => new Promise((resolve, reject) => {
          new Worker(script, { eval: true }).once('message', resolve).once('error', reject);
        })));
        const here = await many();
        const same = answers.every((files) => files.every((file, i) => here[i].equals(file)));
        process.stdout.write(same ? 'same' : 'other');
      })();
    `);
    expect(result).toMatchObject({ code: 0, stderr: '', stdout: 'same' });
  });
});
