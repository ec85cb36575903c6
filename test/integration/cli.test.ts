import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { get } from 'node:http';
import { join } from 'node:path';
import { setStage, type Stage } from '../support/camera';
import { sessionUrl } from '../unit/simulator/kvs-client';
import { ROOT, runNode, type ChildOptions, type ChildResult } from '../support/child';

const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const cli = (args: string[], options?: ChildOptions): Promise<ChildResult> =>
  runNode([MAIN, ...args], options);
const objects = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** Makes a session of a simulator's stream, as soon as that has a fragment. */
async function untilSession(endpoint: string): Promise<URL> {
  for (;;) {
    const place = { endpoint, dataEndpoint: endpoint, region: 'eu-west-1' };
    const url = await sessionUrl(place, { StreamName: 'front-door' }).catch(() => null);
    if (url !== null) return url;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('kvs-frames', () => {
  let stage: Stage;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    stage = await setStage();
    env = stage.simulator.environment;
  });
  afterAll(() => stage.simulator.close());

  it('shows help, and refuses what it does not know with exit code 2', async () => {
    const help = await cli(['--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/read[\s\S]*demo[\s\S]*simulate[\s\S]*doctor/);
    expect((await cli(['read', '--help'])).stdout).toMatch(/--target-fps/);
    expect(await cli(['raed'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/Did you mean read/),
    });
    expect(await cli(['read', '--max-frames', 'ten'])).toMatchObject({ code: 2 });
    expect(await cli(['read'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--stream-name/),
    });
    expect((await cli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('read counts frames and ends with a report', async () => {
    const result = await cli(
      ['read', '--stream-name', 'front-door', '--max-frames', '30', '--no-display', '--json'],
      { env },
    );
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const report = objects(result.stdout).at(-1);
    expect(report).toMatchObject({
      type: 'report',
      cameraId: 'front-door',
      frames: 30,
      reconnects: 0,
      errors: 0,
      gaps: 0,
    });
    expect(report?.fps).toBeGreaterThan(1);
    expect(report?.meanAgeMs).toBeGreaterThan(0);
    expect(report?.p95AgeMs).toBeGreaterThan(0);
  });

  it('read takes frames at an even rate if asked to', async () => {
    const args = ['read', '--stream-name', 'front-door', '--target-fps', '5', '--max-frames', '8', '--json'];
    const report = objects((await cli(args, { env })).stdout).at(-1);
    expect(report).toMatchObject({ frames: 8, skippedFrames: 21 });
  });

  it('read ends in order at Ctrl-C, and serves metrics until then', async () => {
    let metrics: Promise<string> | undefined;
    const result = await cli(
      ['read', '--stream-name', 'front-door', '--camera-id', 'door', '--metrics-port', '0', '--json'],
      {
        env,
        onOutput: (text, child) => {
          const url = /"url":"([^"]+)"/.exec(text)?.[1];
          if (url === undefined || metrics !== undefined || !text.includes('"format"')) return;
          metrics = fetchText(url).finally(() => child.kill('SIGINT'));
        },
      },
    );
    expect(await metrics).toMatch(/^kvs_hls_frames_total\{camera_id="door"\} \d+$/m);
    expect(result).toMatchObject({ code: 0, signal: null });
    expect(objects(result.stdout).at(-1)).toMatchObject({ type: 'report' });
  });

  it('read fails with the error and still reports', async () => {
    const result = await cli(['read', '--stream-name', 'back-door', '--json'], { env });
    expect(result.code).toBe(1);
    const told = objects(result.stdout);
    expect(told.at(-2)).toMatchObject({ type: 'error', code: 'KVS_STREAM_NOT_FOUND' });
    expect(told.at(-1)).toMatchObject({ type: 'report', frames: 0 });
  });

  it('read speaks to people without --json', async () => {
    const { stdout } = await cli(['read', '--stream-name', 'front-door', '--max-frames', '5'], { env });
    expect(stdout).toMatch(/Pictures are 320×180/);
    expect(stdout).toMatch(/front-door: 5 frames, .* fps, age .* mean .* p95, 0 reconnects/);
  });

  it('doctor finds everything well, or says what is not', async () => {
    const well = await cli(['doctor', '--stream-name', 'front-door', '--json'], { env });
    expect(well.code).toBe(0);
    const checks = objects(well.stdout);
    expect(checks.map(({ what, ok }) => [what, ok])).toEqual([
      ['node', true],
      ['addon', true],
      ['ffmpeg command', true],
      ['credentials', true],
      ['endpoint', true],
      ['session', true],
      ['first frame', true],
    ]);
    expect(checks.at(-1)?.finding).toMatch(/^320×180 after/);
    const ill = await cli(['doctor', '--stream-name', 'back-door'], { env });
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/FAIL {2}endpoint: .*back-door/);
    expect(ill.stdout).not.toContain(env.AWS_SECRET_ACCESS_KEY);
  });

  it('simulate serves the SDK until it is interrupted', async () => {
    const result = await cli(
      ['simulate', '--port', '0', '--stream-name', 'a', '--stream-name', 'b', '--json'],
      {
        onOutput: (_, child) => child.kill('SIGINT'),
      },
    );
    expect(result).toMatchObject({ code: 0, signal: null });
    expect(objects(result.stdout)[0]).toMatchObject({
      type: 'simulator',
      endpoint: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      streams: ['a', 'b'],
    });
  });

  it('simulate lists the faults it has, and knows a misspelt one', async () => {
    const table = await cli(['simulate', '--list-faults']);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(
      /^body-stalls +A fragment's body stops half-way for good, the connection stays\.$/m,
    );
    const listed = objects((await cli(['simulate', '--list-faults', '--json'])).stdout);
    expect(listed).toHaveLength(table.stdout.trim().split('\n').length);
    expect(listed).toContainEqual({
      name: 'expiry-at-init',
      group: 'session',
      summary: 'The first session is over when its init section is asked for.',
      containers: ['FRAGMENTED_MP4'],
      startsAt: 'opening',
    });
    const misspelt = await cli(['simulate', '--port', '0', '--fault', 'body-stals']);
    expect(misspelt).toMatchObject({ code: 2, stdout: '' });
    expect(misspelt.stderr).toContain('Did you mean body-stalls?');
    const alone = await cli(['simulate', '--port', '0', '--fault-after', '3']);
    expect(alone).toMatchObject({ code: 2, stdout: '' });
  });

  it('simulate makes a fault begin: one of the opening at once, others after the first session', async () => {
    const flags = ['simulate', '--port', '0', '--width', '320', '--height', '180', '--json'];
    const atOnce = await cli([...flags, '--fault', 'expiry-at-master', '--fault', 'redirect'], {
      onOutput: (text, child) => void (text.includes('"faults"') && child.kill('SIGINT')),
    });
    expect(objects(atOnce.stdout)).toContainEqual({
      type: 'faults',
      names: ['expiry-at-master', 'redirect'],
    });
    let asked: Promise<unknown> | undefined;
    const later = await cli([...flags, '--fault', 'fragment-404-forever', '--fault-after', '0.1'], {
      onOutput: (text, child) => {
        if (text.includes('"faults"')) child.kill('SIGINT');
        else asked ??= untilSession(String(objects(text)[0]?.['endpoint']));
      },
    });
    await asked;
    expect(objects(later.stdout).map(({ type }) => type)).toEqual(['simulator', 'faults']);
  });

  it('demo reads its own camera and ends by itself', async () => {
    const result = await cli(['demo', '--max-frames', '40', '--no-display', '--json']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(objects(result.stdout).at(-1)).toMatchObject({
      type: 'report',
      frames: 40,
      reconnects: 0,
      gaps: 0,
      errors: 0,
    });
  });

  it('demo ends in order at Ctrl-C', async () => {
    let isKilled = false;
    const result = await cli(['demo', '--json'], {
      onOutput: (text, child) => {
        if (!isKilled && text.includes('"format"')) isKilled = child.kill('SIGINT');
      },
    });
    expect(result).toMatchObject({ code: 0, signal: null });
    expect(objects(result.stdout).at(-1)).toMatchObject({ type: 'report' });
  });
});
