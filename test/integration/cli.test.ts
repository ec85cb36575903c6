import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setStage, type Stage } from '../support/camera';
import { sessionUrl } from '../unit/simulator/kvs-client';
import { ROOT, runNode } from '../support/child';
import { cli, MAIN, told } from '../support/command';

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** Makes a session of a simulator's stream, which fails while that has no fragment. */
function openSession(endpoint: string): Promise<URL> {
  const place = { endpoint, dataEndpoint: endpoint, region: 'eu-west-1' };
  return sessionUrl(place, { StreamName: 'front-door' });
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
    const report = told(result.stdout).at(-1);
    expect(report).toMatchObject({
      type: 'report',
      cameraId: 'front-door',
      frames: 30,
      reconnects: 0,
      errors: 0,
      gaps: 0,
      endedAs: { status: 'flowing' },
    });
    // By capture time, though the first fragment comes as a burst.
    expect(report?.fps).toBeCloseTo(20, 0);
    expect(report?.meanAgeMs).toBeGreaterThan(0);
    const { p50AgeMs, p95AgeMs, p99AgeMs } = report as Record<string, number>;
    expect(p50AgeMs).toBeGreaterThan(0);
    expect(p95AgeMs).toBeGreaterThanOrEqual(p50AgeMs ?? 0);
    expect(p99AgeMs).toBeGreaterThanOrEqual(p95AgeMs ?? 0);
    expect(report?.fetchedBytes).toBeGreaterThan(1000);
    expect(report?.calls).toEqual([
      { api: 'GetDataEndpoint', result: 'ok', count: 1 },
      { api: 'GetHLSStreamingSessionURL', result: 'ok', count: 1 },
    ]);
  });

  it('read takes frames at an even rate if asked to', async () => {
    const args = ['read', '--stream-name', 'front-door', '--target-fps', '5', '--max-frames', '8', '--json'];
    const report = told((await cli(args, { env })).stdout).at(-1);
    expect(report).toMatchObject({ frames: 8, skippedFrames: 21 });
  });

  it('read ends in order at Ctrl-C, and serves page, metrics and health until then', async () => {
    let asked: Promise<string[]> | undefined;
    const result = await cli(
      ['read', '--stream-name', 'front-door', '--camera-id', 'door', '--metrics-port', '0', '--json'].concat([
        '--display',
        '--port',
        '0',
      ]),
      {
        env,
        onOutput: (text, child) => {
          if (asked !== undefined || !text.includes('"format"')) return;
          const [page = '', metrics = ''] = [...text.matchAll(/"url":"([^"]+)"/g)].map(([, url]) => url);
          const cameras = metrics.replace('/metrics', '/cameras');
          asked = Promise.all([metrics, page, cameras].map(fetchText)).finally(() => child.kill('SIGINT'));
        },
      },
    );
    const [metrics, page, cameras] = (await asked) ?? [];
    expect(metrics).toMatch(/^kvs_hls_frames_total\{camera_id="door"\} \d+$/m);
    expect(page).toMatch(/<!doctype html>/i);
    expect(cameras).toContain('"door"');
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(told(result.stdout).at(-1)).toMatchObject({ type: 'report' });
  });

  it('read keeps snapshots that are whole JPEG files', async () => {
    const out = join(mkdtempSync(join(tmpdir(), 'kvs-cli-')), 'made', 'here');
    const args = [
      'read',
      '--stream-name',
      'front-door',
      '--max-frames',
      '45',
      '--out',
      out,
      '--out-every',
      '1',
    ];
    const result = await cli([...args, '--camera-id', '../door', '--json'], { env });
    const all = told(result.stdout);
    const files = readdirSync(out);
    expect(files).toHaveLength(3);
    expect(all.at(-1)).toMatchObject({ type: 'report', frames: 45, snapshots: 3, snapshotErrors: 0 });
    const paths = all.filter(({ type }) => type === 'snapshot').map(({ path }) => path);
    expect(paths).toEqual(files.map((file) => join(out, file)));
    for (const file of files) {
      expect(file).toMatch(/^%2E\.%2Fdoor_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.jpg$/);
      const jpeg = readFileSync(join(out, file));
      expect([jpeg.readUInt16BE(0), jpeg.readUInt16BE(jpeg.length - 2)]).toEqual([0xffd8, 0xffd9]);
    }
    rmSync(dirname(dirname(out)), { recursive: true });
  });

  it('read does not begin where snapshots can not be kept, and knows flags that mean nothing', async () => {
    const read = ['read', '--stream-name', 'front-door', '--json'];
    const unwritable = await cli([...read, '--out', join(MAIN, 'here')], { env });
    expect(unwritable).toMatchObject({ code: 2, stdout: '' });
    expect(unwritable.stderr).toMatch(/--out .*ENOTDIR.*Give another one/);
    expect((await cli([...read, '--out-every', '3'], { env })).stderr).toMatch(/add --out DIR/);
    expect((await cli([...read, '--port', '0'], { env })).stderr).toMatch(/add --display/);
  });

  it('ends at once at a second Ctrl-C', async () => {
    const script = `
      const { onTermination } = require(${JSON.stringify(join(ROOT, 'dist/cli/signals.js'))});
      onTermination(() => console.log('ending'));
      setInterval(() => {}, 1000);
      console.log('ready');`;
    let signals = 0;
    const result = await runNode(['-e', script], {
      onOutput: (text, child) => {
        const wanted = text.includes('ending') ? 2 : 1;
        if (signals < wanted) {
          signals += 1;
          child.kill('SIGINT');
        }
      },
    });
    expect(result).toMatchObject({ code: 130, stdout: 'ready\nending\n' });
  });

  it('read fails with the error and still reports', async () => {
    const result = await cli(['read', '--stream-name', 'back-door', '--json'], { env });
    expect(result.code).toBe(1);
    const all = told(result.stdout);
    expect(all.at(-2)).toMatchObject({ type: 'error', code: 'KVS_STREAM_NOT_FOUND' });
    expect(all.at(-1)).toMatchObject({ type: 'report', frames: 0 });
  });

  it('read speaks to people without --json', async () => {
    const { stdout } = await cli(['read', '--stream-name', 'front-door', '--max-frames', '5'], { env });
    expect(stdout).toMatch(/Pictures are 320×180/);
    expect(stdout).toMatch(
      /^front-door: read for .* s\n {2}frames +5 at .* fps\n {2}age +.* mean, .* p50, .* p95/m,
    );
    expect(stdout).toMatch(
      /^ {2}control calls {2}GetDataEndpoint: 1 ok\n +GetHLSStreamingSessionURL: 1 ok$/m,
    );
    expect(stdout).not.toContain('\r');
  });

  it('doctor finds everything well, or says what is not and how to mend it', async () => {
    const well = await cli(['doctor', '--stream-name', 'front-door', '--json'], { env });
    expect(well).toMatchObject({ code: 0, stderr: '' });
    const checks = told(well.stdout);
    expect(checks.slice(0, -1).map(({ ok }) => ok)).toEqual(Array.from({ length: 9 }, () => true));
    expect(checks.at(-1)).toEqual({ type: 'report', ok: true, failed: [], notTried: [] });
    const ill = await cli(['doctor', '--stream-name', 'back-door'], { env });
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/FAIL {2}endpoint: .*back-door[^\n]*\n {6}why: .*\n {6}mend: .*list-streams/);
    expect(ill.stdout).toMatch(/Not well: endpoint\. What to do is said above\.\n$/);
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
    expect(told(result.stdout)[0]).toMatchObject({
      type: 'simulator',
      endpoint: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      streams: ['a', 'b'],
    });
  });

  it('simulate says that it is there when a reader finds a fragment, however long that takes', async () => {
    let asked: Promise<URL> | undefined;
    const flags = ['--port', '0', '--width', '320', '--height', '180', '--fragment-seconds', '2'];
    const result = await cli(['simulate', ...flags, '--json'], {
      onOutput: (text, child) => {
        asked ??= openSession(String(told(text)[0]?.['endpoint'])).finally(() => child.kill('SIGINT'));
      },
    });
    expect((await asked)?.searchParams.has('SessionToken')).toBe(true);
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('simulate lists the faults it has, and knows a misspelt one', async () => {
    const table = await cli(['simulate', '--list-faults']);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(
      /^body-stalls +A fragment's body stops half-way for good, the connection stays\.$/m,
    );
    const listed = told((await cli(['simulate', '--list-faults', '--json'])).stdout);
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
    expect(told(atOnce.stdout)).toContainEqual({
      type: 'faults',
      names: ['expiry-at-master', 'redirect'],
    });
    let asked: Promise<unknown> | undefined;
    const later = await cli([...flags, '--fault', 'fragment-404-forever', '--fault-after', '0.1'], {
      onOutput: (text, child) => {
        if (text.includes('"faults"')) child.kill('SIGINT');
        else asked ??= openSession(String(told(text)[0]?.['endpoint']));
      },
    });
    await asked;
    expect(told(later.stdout).map(({ type }) => type)).toEqual(['simulator', 'faults']);
  });
});
