import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setStage, type Stage } from '../support/camera';
import { ROOT, runNode } from '../support/child';

/** The package as npm would install it, its dependencies linked from the checkout. */
describe('the packed package', () => {
  let folder: string;
  let stage: Stage;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-frames-package-'));
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
        cwd: ROOT,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ) as { filename: string }[];
    mkdirSync(join(folder, 'node_modules'));
    execFileSync('tar', ['-xzf', packed?.filename ?? ''], { cwd: folder });
    execFileSync('mv', ['package', 'node_modules/kvs-frames'], { cwd: folder });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules', 'kvs-frames', 'node_modules'));
    stage = await setStage();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await stage.simulator.close();
  });

  it('has its licence, the notices and no test', () => {
    const files = readdirSync(join(folder, 'node_modules', 'kvs-frames'));
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'SECURITY.md', 'THIRD-PARTY-NOTICES.md']));
    expect(files.filter((name) => ['test', 'bench', 'scripts', '.ci'].includes(name))).toEqual([]);
  });

  it('runs the program of the README as it stands there', async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const [, code] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
    writeFileSync(join(folder, 'read.mjs'), code ?? '');
    const result = await runNode(['read.mjs'], { cwd: folder, env: stage.simulator.environment });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const lines = result.stdout.trim().split('\n');
    expect(lines).toHaveLength(100);
    expect(lines[99]).toMatch(/^#99 320×180, taken \d{4}-\d\d-\d\dT[\d:.]+Z \d+ \d+ \d+$/);
  });

  it('is imported by name from ESM and CommonJS', async () => {
    const names =
      'KvsHlsFrameSource, HlsFrameSource, ConnectionState, presets, ConfigError, FrameSourceError';
    const check = `console.log([${names}, startSimulator].map((one) => typeof one).join())`;
    writeFileSync(
      join(folder, 'names.mjs'),
      `import { ${names} } from 'kvs-frames'; import { startSimulator } from 'kvs-frames/simulator'; ${check}`,
    );
    writeFileSync(
      join(folder, 'names.cjs'),
      `const { ${names} } = require('kvs-frames'); const { startSimulator } = require('kvs-frames/simulator'); ${check}`,
    );
    const expected = 'function,function,object,object,function,function,function\n';
    expect((await runNode(['names.mjs'], { cwd: folder })).stdout).toBe(expected);
    expect((await runNode(['names.cjs'], { cwd: folder })).stdout).toBe(expected);
  });

  it('loads neither the AWS SDK nor the addon before they are needed', async () => {
    writeFileSync(
      join(folder, 'lazy.cjs'),
      `const { HlsFrameSource, KvsHlsFrameSource } = require('kvs-frames');
       new HlsFrameSource({ url: 'http://127.0.0.1:1/x.m3u8' }); new KvsHlsFrameSource({ streamName: 'x' });
       console.log(Object.keys(require.cache).filter((path) => /@aws-sdk|\\.node$/.test(path)).length)`,
    );
    expect((await runNode(['lazy.cjs'], { cwd: folder })).stdout).toBe('0\n');
  });

  it('has a part for workers, from ESM and CommonJS, that loads no other package and no addon', async () => {
    const check = 'console.log(typeof openFrame';
    writeFileSync(join(folder, 'worker.mjs'), `import { openFrame } from 'kvs-frames/worker'; ${check})`);
    writeFileSync(
      join(folder, 'worker.cjs'),
      `const { openFrame } = require('kvs-frames/worker');
       const foreign = Object.keys(require.cache).filter((path) => !/worker\\.cjs$|kvs-frames\\/dist\\//.test(path));
       ${check}, foreign.length)`,
    );
    expect((await runNode(['worker.mjs'], { cwd: folder })).stdout).toBe('function\n');
    expect((await runNode(['worker.cjs'], { cwd: folder })).stdout).toBe('function 0\n');
  });

  it('ships types that a program compiles against', () => {
    writeFileSync(
      join(folder, 'program.ts'),
      `import { KvsHlsFrameSource, type Frame, type Gap } from 'kvs-frames';
       import { readStamp, startSimulator } from 'kvs-frames/simulator';
       import { openFrame, type FrameHandle } from 'kvs-frames/worker';
       import type { Worker } from 'node:worker_threads';
       export function inWorker(handle: FrameHandle): number {
         using frame = openFrame(handle);
         return frame.data.length + frame.toSource(1, 1).x;
       }
       export function share(frame: Frame, worker: Worker): void {
         worker.postMessage(frame.share({ worker, openWithinMs: 1000 }));
         // @ts-expect-error -- handles are made by share() alone
         openFrame({ kind: 'kvs-frames/frame' });
       }
       export async function run(signal: AbortSignal): Promise<number> {
         await using source = new KvsHlsFrameSource({ streamName: 'a', memory: 'private' });
         source.on('gap', (gap: Gap) => gap.ms.toFixed());
         for await (const frame of source.frames({ signal })) {
           const pixels: Buffer = frame.data;
           readStamp(pixels, frame.width, frame.height);
         }
         // @ts-expect-error -- there is no such option
         new KvsHlsFrameSource({ streamNam: 'a' });
         // @ts-expect-error -- nor such an event
         source.on('gaps', () => {});
         const last: Frame | null = await source.read({ timeoutMs: 10 });
         const simulator = await startSimulator();
         return simulator.streams.length + (last?.index ?? 0);
       }`,
    );
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const flags = [
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--module',
      'node16',
      '--lib',
      'es2023,esnext.disposable',
    ];
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')];
    const run = (): Buffer =>
      execFileSync(process.execPath, [tsc, ...flags, ...types, 'program.ts'], { cwd: folder });
    expect(run).not.toThrow();
  });
});
