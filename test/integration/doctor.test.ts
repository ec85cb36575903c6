import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doctor, type DoctorFlags } from '../../lib/cli/doctor';
import { faultByName } from '../../lib/simulator/index';
import { setStage, STREAM, type Stage } from '../support/camera';
import { ROOT, runNode } from '../support/child';
import { entriesOf, serveList } from '../support/hls-list';
import { written } from '../support/written-output';

interface Check {
  type: string;
  what: string;
  ok: boolean | null;
  code?: string | null;
  finding: string;
  why: string | null;
  mend: string[];
}

interface Diagnosis {
  exitCode: number;
  checks: Check[];
  /** The one that failed, and is vital. */
  failed: Check | undefined;
}

function setVariables(variables: readonly (readonly [name: string, value: string | undefined])[]): void {
  for (const [name, value] of variables) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** Answers everything with one text. */
async function serve(text: string): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((_request, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_EC2_METADATA_DISABLED',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_KINESIS_VIDEO',
];
/** An environment that gives no credentials and no region. */
const BARE: NodeJS.ProcessEnv = {
  AWS_CONFIG_FILE: '/nowhere/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
  AWS_EC2_METADATA_DISABLED: 'true',
};

describe('kvs-frames doctor', () => {
  let stage: Stage;
  const kept = VARIABLES.map((name) => [name, process.env[name]] as const);
  beforeAll(async () => {
    stage = await setStage();
  });
  afterEach(() => {
    stage.simulator.setFaults(null);
    setVariables(kept);
  });
  afterAll(() => stage.simulator.close());

  async function diagnose(
    flags: DoctorFlags = {},
    environment: NodeJS.ProcessEnv = stage.simulator.environment,
  ): Promise<Diagnosis> {
    setVariables(VARIABLES.map((name) => [name, environment[name]]));
    const { endpoint, region } = stage.simulator;
    const { output, text, objects } = written('json');
    const place = flags.url === undefined ? { streamName: STREAM, endpoint, region } : {};
    const exitCode = await doctor({ ...place, ...flags }, output);
    expect(text()).not.toContain(stage.simulator.environment['AWS_SECRET_ACCESS_KEY']);
    const told = objects() as unknown as Check[];
    const checks = told.slice(0, -1);
    const failed = checks.find(
      (check) => check.ok === false && (check as { vital?: boolean }).vital === true,
    );
    expect(told.at(-1)).toEqual({
      type: 'report',
      ok: exitCode === 0,
      failed: failed === undefined ? [] : [failed.what],
      notTried: checks.filter(({ ok }) => ok === null).map(({ what }) => what),
    });
    return { exitCode, checks, failed };
  }

  it('finds everything well, down to the rhythm and the clocks', async () => {
    const { exitCode, checks } = await diagnose();
    expect(checks.map(({ what, ok }) => [what, ok])).toEqual([
      ['node', true],
      ['addon', true],
      ['ffmpeg command', true],
      ['credentials', true],
      ['endpoint', true],
      ['session', true],
      ['first frame', true],
      ['fragments', true],
      ['clocks', true],
    ]);
    const [firstFrame, fragments, clocks] = checks.slice(-3).map(({ finding }) => finding);
    expect(firstFrame).toMatch(/^320×180 H\.264, \d+\.\d s after its session was opened$/);
    expect(fragments).toMatch(/^0\.5 s long, 10 frames \(20\.0 fps\), \d+ kB/);
    expect(clocks).toMatch(/^frames are \d+\.\d s old by the producer's clock$/);
    expect(exitCode).toBe(0);
  });

  it.each<[fault: string, what: string, code: string, why: RegExp, mend: RegExp]>([
    [
      'endpoint-403-forever',
      'endpoint',
      'KVS_DENIED',
      /may not read/,
      /"kinesisvideo:GetHLSStreamingSessionURL"[\s\S]*stream\/front-door\/\*/,
    ],
    ['session-url-403-forever', 'session', 'KVS_DENIED', /may not read/, /"Effect": "Allow"/],
    ['credentials-expired-forever', 'session', 'KVS_DENIED', /expired/, /aws sso login/],
    ['no-data-retention', 'session', 'KVS_NO_RETENTION', /retention is 0/, /update-data-retention/],
    ['codec-data-missing-thrice', 'session', 'KVS_REJECTED', /codec private data/, /avcC/],
    ['media-unsupported', 'session', 'KVS_REJECTED', /H\.264 or H\.265/, /G\.711/],
    ['session-url-404-forever', 'session', 'KVS_NO_FRAGMENTS', /last 30 s/, /Switch the camera on/],
    ['unknown-operation-forever', 'session', 'KVS_NO_URL', /not Kinesis Video/, /--endpoint/],
    [
      'session-url-500-forever',
      'session',
      'KVS_CALL_FAILED',
      /^127\.0\.0\.1:\d+ was reached and answered 500/,
      /^Wait/,
    ],
    [
      'tls-failure',
      'session',
      'KVS_CALL_FAILED',
      /^What answers at 127\.0\.0\.1:\d+ does not speak TLS/,
      /s_client -connect 127\.0\.0\.1:\d+ /,
    ],
    ['dns-failure-forever', 'session', 'KVS_CALL_FAILED', /not be resolved/, /getent hosts kvs\.invalid/],
    ['init-without-codec-data-always', 'first frame', 'HLS_UNDECODABLE', /no codec data/, /avcC/],
    ['redirect-forever', 'first frame', 'HLS_STATUS', /redirects/, /Give the URL/],
  ])('explains %s', async (fault, what, code, why, mend) => {
    stage.simulator.setFaults(faultByName(fault).script);
    const { exitCode, failed } = await diagnose();
    expect(exitCode).toBe(1);
    expect(failed).toMatchObject({ what, code });
    expect(failed?.why).toMatch(why);
    expect(failed?.mend.join('\n')).toMatch(mend);
  });

  it('explains a stream that is not there, and tries nothing more', async () => {
    const { exitCode, checks, failed } = await diagnose({ streamName: 'back-door' });
    expect(exitCode).toBe(1);
    expect(failed).toMatchObject({ what: 'endpoint', code: 'KVS_STREAM_NOT_FOUND' });
    expect(failed?.why).toMatch(/no stream back-door in eu-west-1/);
    expect(checks.slice(-2)).toMatchObject([
      { what: 'session', ok: null },
      { what: 'first frame', ok: null },
    ]);
  });

  it('explains that nothing gives credentials, or a region', async () => {
    const without = await diagnose({}, BARE);
    expect(without.failed).toMatchObject({ what: 'credentials', code: 'KVS_DENIED' });
    expect(without.failed?.why).toMatch(/Nothing gives credentials/);
    expect(without.checks.slice(-3).map(({ what, ok }) => [what, ok])).toEqual([
      ['endpoint', null],
      ['session', null],
      ['first frame', null],
    ]);
    const environment = { ...stage.simulator.environment, ...BARE, AWS_REGION: undefined };
    const nowhere = await diagnose({ region: undefined }, environment);
    expect(nowhere.failed).toMatchObject({ what: 'credentials', code: 'KVS_REJECTED' });
    expect(nowhere.failed?.mend[0]).toMatch(/--region eu-west-1/);
  });

  it('explains a region that is not that of the endpoint', async () => {
    const { failed } = await diagnose({ region: 'us-east-1' });
    expect(failed).toMatchObject({ what: 'endpoint', code: 'KVS_DENIED' });
    expect(failed?.mend[0]).toContain(
      `Check --region (now us-east-1), and that it fits --endpoint (${stage.simulator.endpoint})`,
    );
  });

  it('tries what it can without a stream, and does not call the rest well', async () => {
    const { exitCode, checks } = await diagnose(
      { streamName: undefined, endpoint: undefined, region: undefined },
      BARE,
    );
    expect(exitCode).toBe(0);
    expect(checks.slice(3).map(({ what, ok }) => [what, ok])).toEqual([
      ['credentials', false],
      ['endpoint', null],
      ['session', null],
      ['first frame', null],
    ]);
    expect(checks[3]?.finding).toMatch(/^GetDataEndpoint in no region: give/);
  });

  it('is about the endpoint that the environment names', async () => {
    const elsewhere = {
      ...stage.simulator.environment,
      AWS_ENDPOINT_URL_KINESIS_VIDEO: 'http://127.0.0.1:9',
    };
    const { failed } = await diagnose({ endpoint: undefined }, elsewhere);
    expect(failed).toMatchObject({ what: 'endpoint', code: 'KVS_CALL_FAILED' });
    expect(failed?.mend.join('\n')).toMatch(/reach 127\.0\.0\.1:9:[\s\S]*curl .* http:\/\/127\.0\.0\.1:9/);
  });

  it.each(['http', 'https'])('is about the host of a URL, asked by %s as it was', async (scheme) => {
    const { failed } = await diagnose({ url: `${scheme}://127.0.0.1:9/x` });
    expect(failed).toMatchObject({ what: 'first frame', code: 'HLS_NETWORK' });
    expect(failed?.mend.join('\n')).toMatch(new RegExp(`curl .* ${scheme}://127\\.0\\.0\\.1:9$`));
  });

  it('explains throttling', async () => {
    stage.simulator.setFaults(faultByName('throttling-storm').script);
    const { failed } = await diagnose();
    expect(failed).toMatchObject({ what: 'endpoint', code: 'KVS_THROTTLED' });
    expect(failed?.mend.join('\n')).toMatch(/Wait a minute/);
  });

  it('explains a host that is not there', async () => {
    const { failed } = await diagnose({ endpoint: 'http://127.0.0.1:9' });
    expect(failed).toMatchObject({ what: 'endpoint', code: 'KVS_CALL_FAILED' });
    expect(failed?.mend.join('\n')).toMatch(
      /Let this host reach 127\.0\.0\.1:9[\s\S]*curl .*http:\/\/127\.0\.0\.1:9/,
    );
  });

  it('explains a plain HLS URL that can not be read', async () => {
    const lines = [
      '#EXTM3U',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-KEY:METHOD=AES-128,URI="key"',
      '#EXTINF:2,',
      '0.ts',
    ];
    await using server = await serve(lines.join('\n'));
    const { exitCode, failed } = await diagnose({ url: `${server.url}/list.m3u8?token=CiC~secret` });
    expect(exitCode).toBe(1);
    expect(failed).toMatchObject({ what: 'first frame', code: 'HLS_UNSUPPORTED' });
    expect(failed?.why).toMatch(/encrypted/);
    expect(JSON.stringify(failed)).not.toContain('secret');
  });

  it('finds a plain HLS recording well, and notes that it has no dates', async () => {
    await using list = await serveList(entriesOf(stage.clip, 'fmp4'));
    const { exitCode, checks } = await diagnose({ url: list.url });
    expect(checks.slice(3).map(({ what, ok }) => [what, ok])).toEqual([
      ['first frame', true],
      ['fragments', true],
      ['clocks', false],
    ]);
    expect(checks.at(-1)?.why).toMatch(/no dates/);
    expect(exitCode).toBe(0);
  });

  it('refuses flags that do not go together or make no sense', async () => {
    await expect(doctor({ url: 'http://x/a.m3u8', streamName: 'a' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(doctor({ streamName: 'a b' })).rejects.toThrow(/streamName/);
    await expect(doctor({ endpoint: 'nowhere' })).rejects.toThrow(/endpoint/);
  });
});

describe('kvs-frames doctor of an installation', () => {
  const ADDON = join('build', 'Release', 'kvs_frames.node');
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-doctor-'));
    cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    mkdirSync(join(folder, 'build', 'Release'), { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function diagnoseAddon(): Promise<Check | undefined> {
    const { code, stdout } = await runNode([join(folder, 'dist', 'cli', 'main.js'), 'doctor', '--json'], {
      // Nobody is asked for credentials over the network.
      env: { AWS_EC2_METADATA_DISABLED: 'true' },
    });
    expect(code).toBe(1);
    const told = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Check);
    expect(told.at(-1)).toMatchObject({ type: 'report', failed: ['addon'] });
    return told.find(({ what }) => what === 'addon');
  }

  it('explains an addon that was not packed, where there is nothing to build it with', async () => {
    const addon = await diagnoseAddon();
    expect(addon).toMatchObject({ ok: false, code: 'ADDON_UNAVAILABLE' });
    expect(addon?.why).toMatch(/packed without it/);
    const remedy = /clone of the project .*npm run build && npm pack, then here npm install .*\.tgz/;
    expect(addon?.mend[0]).toMatch(remedy);
    expect(addon?.finding).toMatch(remedy);
    expect(JSON.stringify(addon)).not.toContain(`cd ${folder}`);
  });

  it('explains an addon that was not built in a clone of the project', async () => {
    mkdirSync(join(folder, 'scripts'));
    writeFileSync(join(folder, 'scripts', 'build.mjs'), '');
    const addon = await diagnoseAddon();
    rmSync(join(folder, 'scripts'), { recursive: true });
    const remedy = `Build the addon: cd ${folder} && npm run build`;
    expect(addon?.mend[0]).toBe(remedy);
    expect(addon?.finding).toContain(remedy);
  });

  it('explains a libav that is not there', async () => {
    const bytes = readFileSync(join(ROOT, ADDON));
    const name = /libavcodec\.so\.\d\d/.exec(bytes.toString('latin1'));
    // Another version, which no system has, under a name of the same length.
    bytes.write('libavcodec.so.00', name?.index ?? 0, 'latin1');
    writeFileSync(join(folder, ADDON), bytes);
    const addon = await diagnoseAddon();
    expect(addon?.finding).toContain('libavcodec.so.00: cannot open shared object file');
    expect(addon?.why).toMatch(/library that the addon needs is missing/);
    expect(addon?.mend[0]).toBe('Install the library: apt-get install -y libavcodec00');
  });

  it('explains an addon that is not whole', async () => {
    writeFileSync(join(folder, ADDON), 'nothing');
    const addon = await diagnoseAddon();
    expect(addon?.why).toMatch(/not whole/);
  });
});
