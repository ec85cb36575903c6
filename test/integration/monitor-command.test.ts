import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { PassThrough } from 'node:stream';
import { CameraWatch } from '../../lib/cli/camera-watch';
import { keepReading } from '../../lib/cli/monitor';
import { Output } from '../../lib/cli/output';
import { FrameSourceGroup } from '../../lib/frame-source-group';
import { setStage, sourceOn, type Stage } from '../support/camera';
import type { ChildOptions, ChildResult } from '../support/child';
import { cli, told } from '../support/command';
import { FakeClock } from '../support/fake-clock';
import { lines, say, statusOf } from '../unit/http/raw';

const TOKEN = 'kept-out-of-argv-1234';

interface Answer {
  status: number;
  text: string;
}

async function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, { headers });
  return { status: response.status, text: await response.text() };
}

describe('kvs-frames monitor', () => {
  let stage: Stage;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    stage = await setStage();
    env = stage.simulator.environment;
  });
  afterAll(() => stage.simulator.close());

  const monitor = (args: string[], options: ChildOptions = {}): Promise<ChildResult> =>
    cli(['monitor', '--port', '0', ...args], { ...options, env: { ...env, ...options.env } });

  it('shows the cameras that are well beside one that failed, and ends in order at SIGTERM', async () => {
    let asked: Promise<Record<string, Answer>> | undefined;
    const untilFrames = async (page: string): Promise<Answer> => {
      for (;;) {
        const cameras = await get(`${page}cameras`);
        const [first] = JSON.parse(cameras.text) as { metrics: { frames: number } }[];
        // The first has been handed on when there is a second.
        if (first!.metrics.frames > 1) return cameras;
      }
    };
    const ask = async (page: string): Promise<Record<string, Answer>> => ({
      page: await get(page),
      cameras: await untilFrames(page),
      metrics: await get(`${page}metrics`),
      ready: await get(`${page}readyz`),
    });
    const streams = ['--stream-name', 'front-door', '--stream-name', 'back-door'];
    const result = await monitor([...streams, '--json'], {
      onOutput: (text, child) => {
        const all = told(text);
        const page = all.find(({ type }) => type === 'page')?.url;
        const isReady = ['leave', 'format'].every((wanted) => all.some(({ type }) => type === wanted));
        if (typeof page === 'string' && isReady) asked ??= ask(page).finally(() => child.kill('SIGTERM'));
      },
    });
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    const { page, cameras, metrics, ready } = (await asked)!;
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('<!doctype html>') });
    expect(ready?.status).toBe(200);
    const states = JSON.parse(cameras?.text ?? '') as unknown;
    const listed = JSON.stringify(states);
    expect(listed).toMatch(/"front-door".*"flowing"/);
    expect(listed).toMatch(/"back-door".*"failed"/);
    expect(listed).not.toMatch(/"faults"|SessionToken/);
    expect(metrics?.text).toMatch(/^kvs_hls_connection_state\{camera_id="front-door"\} 2$/m);
    expect(metrics?.text).toMatch(/^kvs_hls_connection_state\{camera_id="back-door"\} 4$/m);
    const all = told(result.stdout);
    expect(all.find(({ type }) => type === 'leave')).toMatchObject({
      cameraId: 'back-door',
      reason: 'failed',
      code: 'KVS_STREAM_NOT_FOUND',
    });
    const report = all.at(-1)!;
    expect(report).toMatchObject({ type: 'report', gaps: 0 });
    const counts = (report.cameras as { cameraId: string; frames: number }[]).map(({ cameraId, frames }) => [
      cameraId,
      frames > 0,
    ]);
    expect(counts).toEqual([
      ['front-door', true],
      ['back-door', false],
    ]);
  });

  it('begins a camera that gave up anew after a minute, and goes on counting', async () => {
    const clock = new FakeClock();
    const group = new FrameSourceGroup([], { endWhenEmpty: false });
    const output = new Output(true, new PassThrough() as unknown as NodeJS.WriteStream);
    const watch = new CameraWatch(group, { display: false }, output);
    const streams = ['back-door', 'front-door'];
    const camera = {
      cameraId: 'door',
      open: () => sourceOn(stage.simulator, streams.shift() ?? '', { cameraId: 'door' }),
    };
    const left = once(group, 'leave');
    const endRestarts = keepReading([camera], { group, watch, output, clock });
    const running = watch.run();
    expect(await left).toMatchObject([{ cameraId: 'door', reason: 'failed' }]);
    expect(watch.sources.map((source) => source.health().status)).toEqual(['failed']);
    clock.step(59_999);
    expect(streams).toEqual(['front-door']);
    clock.step(1);
    expect(streams).toEqual([]);
    const [again] = group.sources;
    await once(again!, 'format');
    expect(watch.sources).toEqual([again]);
    await group.stop();
    await running;
    endRestarts();
    expect(clock.pending).toBe(0);
    const [report] = watch.report().cameras;
    expect(report?.calls).toContainEqual({
      api: 'GetDataEndpoint',
      result: 'KVS_STREAM_NOT_FOUND',
      count: 1,
    });
    expect(report?.calls).toContainEqual({ api: 'GetHLSStreamingSessionURL', result: 'ok', count: 1 });
  });

  it('is seen from other machines only with a token, which it takes from the environment', async () => {
    const args = ['--stream-name', 'front-door', '--host', '0.0.0.0'];
    const open = await monitor(args, { env: { KVS_FRAMES_TOKEN: '' } });
    expect(open).toMatchObject({ code: 2, stdout: '' });
    expect(open.stderr).toMatch(/token/);
    let asked: Promise<Answer[]> | undefined;
    const closed = await monitor([...args, '--json'], {
      env: { KVS_FRAMES_TOKEN: TOKEN },
      onOutput: (text, child) => {
        const page = told(text).find(({ type }) => type === 'page')?.url;
        if (typeof page !== 'string') return;
        const local = page.replace(/\/\/[^/]*:/, '//127.0.0.1:');
        asked ??= Promise.all([get(local), get(local, { authorization: `Bearer ${TOKEN}` })]).finally(() =>
          child.kill('SIGTERM'),
        );
      },
    });
    expect((await asked)?.map(({ status }) => status)).toEqual([401, 200]);
    expect(closed).toMatchObject({ code: 0, signal: null });
    expect(closed.stdout + closed.stderr).not.toContain(TOKEN);
  });

  it('is reached from other machines by its own name and by those it is told, and says how one gets in', async () => {
    const args = ['--stream-name', 'front-door', '--host', '0.0.0.0', '--allowed-host', 'frames.example.com'];
    const status = async (port: string, name: string): Promise<number> => {
      const headers = [`Host: ${name}:${port}`, `Authorization: Bearer ${TOKEN}`];
      return statusOf(await say(`http://127.0.0.1:${port}`, lines('GET /cameras HTTP/1.1', ...headers)));
    };
    let asked: Promise<number[]> | undefined;
    const { code, stdout, stderr } = await monitor(args, {
      env: { KVS_FRAMES_TOKEN: TOKEN },
      onOutput: (text, child) => {
        const port = /The live page: http:\/\/127\.0\.0\.1:(\d+)\/\n[\s\S]*Ctrl-C/.exec(text)?.[1];
        if (port === undefined) return;
        asked ??= Promise.all(
          [hostname(), 'frames.example.com', 'evil.example'].map((name) => status(port, name)),
        ).finally(() => child.kill('SIGTERM'));
      },
    });
    expect(await asked).toEqual([200, 200, 421]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /From other machines: http:\/\/frames\.example\.com:\d+\/ .*\n.*http:\/\/frames\.example\.com:\d+\/\?token=YOUR_TOKEN\n/,
    );
    expect(stdout).toContain(` http://${hostname()}:`);
    expect(stdout).toContain('\n1 camera: ');
    expect(stdout + stderr).not.toContain(TOKEN);
  });

  it('wants to know what is to be shown', async () => {
    expect(await monitor([])).toMatchObject({ code: 2, stderr: expect.stringMatching(/--stream-name/) });
  });
});
