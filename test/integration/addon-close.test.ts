import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runNode, type ChildResult } from '../support/child.js';
import { ENGINE_OPTIONS } from '../support/engine-driver.js';
import { splitFragments } from '../support/fragments.js';

/**
 * What the children begin with: `inPicture()` gives an engine that is inside libav, decoding a picture that takes it
 * seconds; `threads()` lists the threads of engines, and of libav for them, as the system does.
 */
const PRELUDE = `
  const { readFileSync, readdirSync } = require('node:fs');
  const { setTimeout: sleep } = require('node:timers/promises');
  const { Engine, recordDoubles } = require(process.env.ADDON);
  const init = readFileSync(process.env.CLIP + '/init.mp4');
  const media = readFileSync(process.env.CLIP + '/fragment.m4s');
  const options = { ...JSON.parse(process.env.OPTIONS), maxQueuedBytes: 1e9, maxPixels: 1e8 };
  const records = new Float64Array(recordDoubles);
  let wakes = 0;
  const tasks = '/proc/self/task/';
  // A thread may end between its being listed and its being read.
  const read = (path) => { try { return readFileSync(path, 'utf8'); } catch { return '0'; } };
  const threads = () =>
    readdirSync(tasks).map((id) => tasks + id).filter((task) => /^(kvs-frames|av:)/.test(read(task + '/comm')));
  const cpuMs = () => threads().reduce((sum, task) => sum + Number(read(task + '/schedstat').split(' ')[0]) / 1e6, 0);
  async function inPicture(decoderThreads = 1, fragments = 2) {
    const engine = new Engine({ ...options, decoderThreads }, () => { wakes++; });
    for (let id = 0; id < fragments; id++) engine.push({ id, init, media, startMs: 0, isDated: false });
    while (engine.stats().decoderOpens === 0) await sleep(1);
    // The decoder is open: what the thread spends now, it spends in the picture.
    const openedAt = cpuMs();
    while (cpuMs() < openedAt + 50) await sleep(1);
    return engine;
  }
  const report = (value) => process.stdout.write(JSON.stringify(value));
`;

/** Node lists the threads of a process only where the system has /proc. */
const describeOnLinux = process.platform === 'linux' ? describe : describe.skip;

describeOnLinux('closing an engine inside a picture that takes seconds', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-frames-close-'));
    const file = join(folder, 'clip.mp4');
    // Noise at a fine quantizer is the slowest thing to decode for its size: about 2 s for this picture.
    execFileSync('ffmpeg', [
      ...['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'color=gray:size=2560x2560:rate=1,noise=alls=100'],
      ...['-frames:v', '1', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
      ...['-x264-params', 'cabac=1:qp=4', '-movflags', '+frag_keyframe+empty_moov+default_base_moof', file],
    ]);
    const clip = splitFragments(readFileSync(file));
    writeFileSync(join(folder, 'init.mp4'), clip.init);
    writeFileSync(join(folder, 'fragment.m4s'), clip.fragments[0]!);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function run(script: string): Promise<ChildResult> {
    const addon = join(ROOT, 'build', 'Release', 'kvs_frames.node');
    return runNode(['--expose-gc', '-e', PRELUDE + script], {
      env: { ADDON: addon, CLIP: folder, OPTIONS: JSON.stringify(ENGINE_OPTIONS) },
    });
  }

  test('resolves before the thread has ended, which then ends by itself and delivers nothing', async () => {
    const result = await run(`
      (async () => {
        let engine = await inPicture();
        await Promise.all([engine.close(), engine.close()]);
        const threadWasThere = threads().length > 0;
        const stats = engine.stats();
        const taken = engine.take(records);
        await engine.close();
        engine.finish();
        engine.wake();
        const later = engine.stats();
        engine = undefined;
        while (threads().length > 0) { gc(); await sleep(10); }
        gc();
        await sleep(10);
        report({ threadWasThere, taken, wakes, same: JSON.stringify(stats) === JSON.stringify(later), stats });
      })();
    `);
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      threadWasThere: true,
      taken: 0,
      wakes: 0,
      same: true,
      stats: { decoderOpens: 1, frames: 0 },
    });
  });

  test.each([1, 3])(
    'resolves before threads of libav have ended, with %d fragments in them',
    async (fragments) => {
      const result = await run(`
      (async () => {
        const engine = await inPicture(2, ${fragments});
        await engine.close();
        const threadsWereThere = threads().length > 0;
        while (threads().length > 0) await sleep(10);
        report(threadsWereThere);
      })();
    `);
      expect(result).toMatchObject({ code: 0, signal: null, stderr: '', stdout: 'true' });
    },
  );

  test('keeps its promise to many engines, and a new one can start at once', async () => {
    const result = await run(`
      (async () => {
        const engines = [await inPicture(), await inPicture()];
        await Promise.all(engines.map((engine) => engine.close()));
        const threadWasThere = threads().length > 0;
        const next = new Engine(options, () => {
          if (next.take(records) === 1) next.close().then(() => report({ threadWasThere, kind: records[0] }));
        });
        next.finish();
      })();
    `);
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(JSON.parse(result.stdout)).toEqual({ threadWasThere: true, kind: 5 });
  });

  test.each([
    ['by itself', '', 0],
    ['by process.exit', 'process.exit(3);', 3],
  ])('lets the process end %s while the thread still decodes', async (_name, end, code) => {
    const result = await run(`
      (async () => {
        const engine = await inPicture();
        await engine.close();
        process.on('exit', () => report(threads().length > 0));
        ${end}
      })();
    `);
    expect(result).toMatchObject({ code, signal: null, stderr: '', stdout: 'true' });
  });

  test('lets a worker end while the thread still decodes', async () => {
    const result = await run(`
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(${JSON.stringify(PRELUDE)} + \`
        (async () => {
          const engine = await inPicture();
          await engine.close();
          require('node:worker_threads').parentPort.postMessage(threads().length > 0);
        })();\`, { eval: true });
      worker.once('message', (threadWasThere) => {
        worker.once('exit', (code) => report({ threadWasThere, code, gone: threads().length === 0 }));
      });
    `);
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(JSON.parse(result.stdout)).toEqual({ threadWasThere: true, code: 0, gone: true });
  });
});
