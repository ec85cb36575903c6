import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, systemClock } from '../../lib/clock';
import { CLIP, setStage, STREAM, type Stage } from '../support/camera';
import { installCopy } from '../support/package-copy';
import { PACKAGE, program, runReading } from '../support/reading-program';

/** How often a package is loaded again. */
const RELOADS = 5;
/** Pictures of the clip. */
const FRAMES = (CLIP.fps ?? 0) * (CLIP.seconds ?? 0);

/** Reads so many frames with the sources' class, and answers how many pictures were missing or came twice. */
const READ = `
  const { Registry } = require('prom-client');
  const read = async (Source, count, options) => {
    const source = new Source({ streamName: '${STREAM}', registry: new Registry(), ...options });
    const numbers = [];
    for await (const frame of source.frames({ maxFrames: count })) numbers.push(see(frame));
    await source.stop();
    return breaks(numbers, ${FRAMES});
  };
`;

describe('a process', () => {
  let copy = '';
  let stage: Stage;
  beforeAll(async () => {
    copy = installCopy();
    stage = await setStage();
  });
  afterAll(async () => {
    await stage.simulator.close();
    rmSync(copy, { recursive: true });
  });

  const COPY = (): string => `const { KvsHlsFrameSource: Copied } = require(${JSON.stringify(copy)});`;

  it('that holds two copies of the package reads with both at once, and with one when the other is done', async () => {
    const result = await runReading(
      stage,
      `${READ} ${COPY()}
       const both = await Promise.all([read(KvsHlsFrameSource, 40), read(Copied, 15)]);
       console.log(Copied !== KvsHlsFrameSource, both, await read(Copied, 5), await read(KvsHlsFrameSource, 5));`,
    );
    expect(result).toMatchObject({ code: 0, signal: null, stdout: 'true [ 0, 0 ] 0 0\n', stderr: '' });
  });

  it.each([
    ['process.exit()', `process.exit(7);`, { code: 7, signal: null }],
    ['SIGTERM', `process.kill(process.pid, 'SIGTERM');`, { code: null, signal: 'SIGTERM' }],
  ])('that holds two copies of the package ends by %s while both read', async (_, end, exit) => {
    const reading = `for (const Source of [KvsHlsFrameSource, Copied]) {
        const source = new Source({ streamName: '${STREAM}', registry: new Registry() });
        await source.read();
      }`;
    expect(await runReading(stage, `${READ} ${COPY()} ${reading} ${end}`)).toMatchObject({
      ...exit,
      stdout: '',
      stderr: '',
    });
  });

  it('hears what libav says of damage in the copy that reads, and prints none of it, whichever was loaded first', async () => {
    await using damaged = await setStage({
      simulator: {
        intercept: (request, response) => {
          if (request.kind !== 'GetMP4MediaFragment') return response;
          const body = Buffer.from(response.body);
          // In the middle of the pictures: they are found, and are damaged.
          for (let at = body.length >> 1; at < body.length; at += 97) body[at] = 0x55;
          return { ...response, body };
        },
      },
    });
    const result = await runReading(
      damaged,
      `${READ} ${COPY()}
       const heard = async (Source) => {
         let words = 0;
         const warn = (line) => (words += /: libav: /.test(line));
         const logger = { debug() {}, info() {}, error() {}, warn };
         // With threads of libav's own beside the engine's.
         const source = new Source({ streamName: '${STREAM}', registry: new Registry(), logger, decoderThreads: 2 });
         await source.start();
         // Some fragments' damage is concealed without a word: one round of the clip from wherever it begins, and the fragment behind.
         for (let i = 0; words === 0 && i < 2 * ${FRAMES}; i++) await source.read();
         await source.stop();
         return words > 0;
       };
       console.log(await Promise.all([heard(KvsHlsFrameSource), heard(Copied)]));
       console.log(await Promise.all([heard(KvsHlsFrameSource), heard(Copied)]));`,
    );
    expect(result).toMatchObject({ code: 0, stdout: '[ true, true ]\n[ true, true ]\n', stderr: '' });
  });

  it('loads the package again after its sources were stopped, time after time', async () => {
    const result = await runReading(
      stage,
      `${READ}
       const { sep } = require('node:path');
       for (let round = 0; round < ${RELOADS}; round++) {
         for (const path of Object.keys(require.cache))
           if (path.startsWith(${JSON.stringify(PACKAGE)} + sep) && !path.includes('node_modules')) delete require.cache[path];
         const Again = require(${JSON.stringify(PACKAGE)}).KvsHlsFrameSource;
         // In the registry that the one before was in.
         const missing = await read(Again, 5, { registry: undefined });
         console.log(Again === KvsHlsFrameSource, missing);
       }
       console.log((await require('prom-client').register.metrics()).includes('camera_id'));`,
    );
    const lines = `${'false 0\n'.repeat(RELOADS)}false\n`;
    expect(result).toMatchObject({ code: 0, signal: null, stdout: lines, stderr: '' });
  });

  it('reads on its main thread, in workers and in a VM context at once, whichever of them ends first', async () => {
    const worker = program(`${READ} parentPort.postMessage(await read(KvsHlsFrameSource, 30));`);
    const inContext = `(require, read) => read(require(${JSON.stringify(PACKAGE)}).KvsHlsFrameSource, 50)`;
    const result = await runReading(
      stage,
      `${READ}
       const vm = require('node:vm');
       const told = [];
       const answers = await Promise.all([
         read(KvsHlsFrameSource, 40),
         vm.runInContext(${JSON.stringify(inContext)}, vm.createContext())(require, read),
         ...[1, 2].map(() => inWorker(${JSON.stringify(worker)}, (_, missing) => told.push(missing))),
         inWorker(${JSON.stringify(worker.replace('30', '1e9'))} + 'parentPort.postMessage(0)', (one) => one.terminate()),
       ]);
       console.log(answers, told, await read(KvsHlsFrameSource, 5));`,
    );
    const stdout = "[ 0, 0, '0', '0', '1' ] [ 0, 0 ] 0\n";
    expect(result).toMatchObject({ code: 0, signal: null, stdout, stderr: '' });
  });

  it('reads in forked children beside a source of its own, each for itself', async () => {
    const child = `${READ} process.send(await read(KvsHlsFrameSource, 20)); process.disconnect();`;
    const result = await runReading(
      stage,
      `${READ}
       const { fork } = require('node:child_process');
       const { writeFileSync } = require('node:fs');
       const path = ${JSON.stringify(join(copy, 'forked.cjs'))};
       writeFileSync(path, ${JSON.stringify(program(child))});
       const forked = () => new Promise((resolve) => {
         const told = [];
         fork(path, [], { execArgv: [] }).on('message', (missing) => told.push(missing))
           .on('exit', (code, signal) => resolve([code, signal, ...told].join(' ')));
       });
       console.log(await Promise.all([read(KvsHlsFrameSource, 30), forked(), forked()]));`,
    );
    expect(result).toMatchObject({ code: 0, signal: null, stdout: "[ 0, '0  0', '0  0' ]\n", stderr: '' });
  });

  it.each([
    ['ends', `process.exit(7);`, { code: 7, signal: null }],
    ['is killed', `process.kill(process.pid, 'SIGKILL');`, { code: null, signal: 'SIGKILL' }],
  ])('leaves no worker of a cluster behind when the primary %s', async (_, end, exit) => {
    const result = await runReading(
      stage,
      `const cluster = require('node:cluster');
       const { writeFileSync } = require('node:fs');
       const exec = ${JSON.stringify(join(copy, 'clustered.cjs'))};
       writeFileSync(exec, ${JSON.stringify(program(`for await (const frame of open()) if (frame.index === 5) process.send('reading');`))});
       cluster.setupPrimary({ exec, execArgv: [] });
       const workers = [cluster.fork(), cluster.fork()];
       await Promise.all([open().read(), ...workers.map((one) => new Promise((resolve) => one.once('message', resolve)))]);
       console.log(workers.map((one) => one.process.pid).join(' '));
       ${end}`,
    );
    expect(result).toMatchObject({ ...exit, stderr: '' });
    const pids = result.stdout.trim().split(' ').map(Number);
    expect(pids).toHaveLength(2);
    await Promise.all(pids.map(untilGone));
  });
});

async function untilGone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await sleep(systemClock, 10);
}
