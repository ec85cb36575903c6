import { describe, expect, it } from '@jest/globals';
import type { FrameSourceEvents } from '../../lib/index';
import { join } from 'node:path';
import { setStage, type Stage } from '../support/camera';
import { PACKAGE, program, runReading, UNCAUGHT } from '../support/reading-program';

/** A stage whose first answer about a session is a refusal, and whose third fragment has no pictures, however often it is asked for. */
async function troubledStage(): Promise<Stage> {
  const fragments = new Set<string | null>();
  let bad: string | null | undefined;
  let isRefused = false;
  return setStage({
    simulator: {
      intercept: (request, response) => {
        if (request.kind === 'GetHLSStreamingSessionURL' && !isRefused) {
          isRefused = true;
          return { ...response, status: 500 };
        }
        if (request.kind !== 'GetMP4MediaFragment') return response;
        const number = request.query.get('FragmentNumber');
        if (fragments.add(number).size === 3) bad ??= number;
        if (number !== bad) return response;
        const body = Buffer.from(response.body);
        return { ...response, body: body.fill(0, body.indexOf('mdat') + 4) };
      },
    },
  });
}

/** Each event, with options that lead to it on that stage. */
const EVENTS: Record<keyof FrameSourceEvents, string> = {
  state: '{}',
  session: '{}',
  format: '{}',
  reconnect: '{}',
  fault: '{}',
  gap: '{}',
  drop: '{ delivery: { maxAgeMs: 100 } }',
  decoder: "{ hwaccel: 'auto' }",
};

/** Where else code of the program is called, and how it is put there: `deed()` is what it then does. */
const PLACES: Record<string, string> = {
  'in its loop': `for await (const frame of open()) deed();`,
  'as it leaves its loop': `try { for await (const frame of open()) break; } finally { deed(); }`,
  'in its logger': `
    const logger = { debug() {}, info() {}, error() {}, warn: deed };
    for await (const frame of open({ logger }));`,
  'in a subscriber of frames': `
    require('node:diagnostics_channel').subscribe('kvs-frames:frame', deed);
    for await (const frame of open());`,
  'in a subscriber of playlists': `
    require('node:diagnostics_channel').subscribe('kvs-frames:playlist', deed);
    for await (const frame of open());`,
  'in a finalizer of its frames': `
    const finalizers = new FinalizationRegistry(deed);
    for await (const frame of open()) { finalizers.register(frame.retain(), 0); global.gc(); await turn(); }`,
  'when a picture is encoded': `for await (const frame of open()) { await frame.toJpeg(); deed(); }`,
  'when its signal fires': `
    const aborter = new AbortController();
    aborter.signal.addEventListener('abort', deed);
    for await (const frame of open().frames({ signal: aborter.signal })) aborter.abort();`,
};
for (const [event, options] of Object.entries(EVENTS)) {
  PLACES[`in a listener of '${event}'`] =
    `const source = open(${options}); source.on('${event}', deed); for await (const frame of source);`;
}

/** A line that the logger does not take is lost, and nothing else. */
const SWALLOWED = ['in its logger'];

/** What comes of it on the main thread, and of a worker. */
async function runBoth(body: string): Promise<unknown> {
  const onStage = async (whole: string): Promise<unknown> => {
    await using stage = await troubledStage();
    return await runReading(stage, whole);
  };
  const inWorker = `console.log(await inWorker(${JSON.stringify(program(body))}));`;
  return Promise.all([onStage(body), onStage(inWorker)]);
}

describe('a program', () => {
  it.each(Object.keys(PLACES))(
    'ends by process.exit() %s, on its main thread and in a worker',
    async (where) => {
      expect(await runBoth(`const deed = () => process.exit(7); ${PLACES[where]}`)).toMatchObject([
        { code: 7, signal: null, stdout: '', stderr: '' },
        { code: 0, signal: null, stdout: '7\n', stderr: '' },
      ]);
    },
  );

  it.each(Object.keys(PLACES).filter((where) => !SWALLOWED.includes(where)))(
    'dies of what it throws %s, and so does a worker',
    async (where) => {
      const deed = `const deed = () => { throw new Error('on purpose'); };`;
      expect(await runBoth(`${deed} ${PLACES[where]}`)).toMatchObject([
        { code: 1, signal: null, stdout: '', stderr: expect.stringMatching(UNCAUGHT) },
        { code: 0, signal: null, stdout: '1 on purpose\n', stderr: '' },
      ]);
    },
  );

  it('that survives what its listeners throw misses no frame for it, and its account adds up', async () => {
    await using stage = await troubledStage();
    const result = await runReading(
      stage,
      `
      const thrown = [];
      process.on('uncaughtException', ({ message }) => thrown.push(message));
      const source = open();
      for (const event of ['state', 'session', 'format', 'reconnect', 'fault', 'gap'])
        source.on(event, () => { throw new Error(event); });
      const runs = [[]];
      for await (const frame of source.frames({ maxFrames: 60 })) {
        if (frame.discontinuity && frame.index > 0) runs.push([]);
        runs.at(-1).push(see(frame));
      }
      const { frames, gaps } = source.getMetrics();
      await source.stop();
      console.log(JSON.stringify({ thrown, read: runs.flat().length, runs: runs.map((run) => breaks(run, ${stage.clip.frames})), frames, gaps }));
      `,
    );
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    const told = JSON.parse(result.stdout) as Record<string, unknown>;
    expect(told).toMatchObject({ read: 60, runs: [0, 0], frames: 60 });
    expect([...new Set(told.thrown as string[])].sort()).toEqual([
      'fault',
      'format',
      'gap',
      'reconnect',
      'session',
      'state',
    ]);
  });

  it.each([
    ['a loop over frames', `for await (const frame of open()) throw new Error('told');`],
    [
      'a block that a source is disposed behind',
      `const source = open();
       try { await source.read(); throw new Error('told'); } finally { await source[Symbol.asyncDispose](); }`,
    ],
  ])('that catches what it threw out of %s ends by itself', async (_, body) => {
    await using stage = await setStage();
    expect(
      await runReading(stage, `try { ${body} } catch (error) { console.log(error.message); }`),
    ).toMatchObject({ code: 0, signal: null, stdout: 'told\n', stderr: '' });
  });

  it('goes on with a frame that one worker shared with another when the first is terminated', async () => {
    await using stage = await setStage();
    const giver = program(
      `for await (const frame of open()) if (frame.index === 0) parentPort.postMessage([see(frame), frame.share()]);`,
    );
    const taker = program(`
      const { openFrame } = require(${JSON.stringify(join(PACKAGE, 'dist', 'worker.js'))});
      let frame;
      parentPort.on('message', (handle) => {
        frame ??= openFrame(handle);
        parentPort.postMessage(see(frame));
        if (handle !== null) return;
        frame.release();
        parentPort.close();
      });`);
    const result = await runReading(
      stage,
      `
      const { once } = require('node:events');
      const giver = new Worker(${JSON.stringify(giver)}, { eval: true });
      const taker = new Worker(${JSON.stringify(taker)}, { eval: true });
      const [[number, handle]] = await once(giver, 'message');
      taker.postMessage(handle);
      const [before] = await once(taker, 'message');
      await giver.terminate();
      taker.postMessage(null);
      const [after] = await once(taker, 'message');
      console.log(before === number, after === number, ...(await once(taker, 'exit')));
      `,
    );
    expect(result).toMatchObject({ code: 0, signal: null, stdout: 'true true 0\n', stderr: '' });
  });

  it('reads on when it forgot frames that it had retained: their slots come back', async () => {
    await using stage = await setStage();
    const result = await runReading(
      stage,
      `
      const source = open({ bufferedFrames: 2 });
      for await (const frame of source.frames({ maxFrames: 6 })) {
        frame.retain();
        await turn();
        global.gc();
        await turn();
      }
      await source.stop();
      console.log('all read');
      `,
    );
    expect(result).toMatchObject({ code: 0, signal: null, stdout: 'all read\n', stderr: '' });
  });
});
