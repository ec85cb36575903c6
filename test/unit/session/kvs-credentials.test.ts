import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '../../support/fake-clock.js';
import { ControlPlane, failure, request, type Call } from './control-plane.js';

let plane: ControlPlane;

beforeEach(async () => {
  plane = new ControlPlane();
  await plane.start();
});

afterEach(() => plane.stop());

const keyOf = ({ headers }: Call): string =>
  /Credential=([^/]+)/.exec(headers.authorization ?? '')?.[1] ?? 'none';

const keys = (): string[] => plane.calls.map(keyOf);

/** Both calls are refused for any key but this one. */
function accept(accessKeyId: string, name = 'ExpiredTokenException', status = 403): void {
  for (const kind of ['endpointAnswer', 'sessionAnswer'] as const) {
    const good = plane[kind];
    const bad = failure(status, name, 'no');
    plane[kind] = (call, response) => (keyOf(call) === accessKeyId ? good : bad)(call, response);
  }
}

/** A user's function that has another key each time. */
function changing() {
  const asked: number[] = [];
  const credentials = () => {
    asked.push(asked.length + 1);
    return Promise.resolve({ accessKeyId: `KEY${asked.length}`, secretAccessKey: 'secret' });
  };
  return { asked, credentials };
}

describe('credentials that are refused', () => {
  test.each([
    [401, 'NotAuthorizedException'],
    [403, 'ExpiredTokenException'],
    [403, 'ExpiredToken'],
    [403, 'UnrecognizedClientException'],
    [403, 'InvalidClientTokenId'],
    [400, 'RequestExpired'],
    [403, 'InvalidSignatureException'],
    [403, 'SignatureDoesNotMatch'],
  ])('by a %d %s are asked for anew, and the call is made once more', async (status, name) => {
    accept('KEY2', name, status);
    const { asked, credentials } = changing();
    expect((await plane.open({ credentials }).acquire(request())).id).toBe(1);
    expect(asked).toHaveLength(2);
    expect(keys()).toEqual(['KEY1', 'KEY2', 'KEY2']);
  });

  test('when only the session call refuses them leave the data endpoint as it is', async () => {
    const { credentials } = changing();
    const good = plane.sessionAnswer;
    plane.sessionAnswer = (call, response) =>
      (keyOf(call) === 'KEY2' ? good : failure(401, 'NotAuthorizedException', 'no'))(call, response);
    await plane.open({ credentials }).acquire(request());
    expect(plane.paths()).toEqual([
      '/getDataEndpoint',
      '/getHLSStreamingSessionURL',
      '/getHLSStreamingSessionURL',
    ]);
  });

  test('again are told, after one refresh, and not asked for again within a minute', async () => {
    accept('nobody', 'NotAuthorizedException', 401);
    const { asked, credentials } = changing();
    const clock = new FakeClock();
    const kvs = plane.open({ credentials, clock });
    const refused = () => expect(kvs.acquire(request())).rejects.toMatchObject({ code: 'KVS_DENIED' });
    await refused();
    expect(keys()).toEqual(['KEY1', 'KEY2']);
    await refused();
    clock.step(59_999);
    await refused();
    expect(asked).toHaveLength(2);
    clock.step(1);
    await refused();
    expect(asked).toHaveLength(3);
    expect(keys()).toEqual(['KEY1', 'KEY2', 'KEY2', 'KEY2', 'KEY2', 'KEY3']);
  });

  test('are asked for anew each time they run out, if that helps', async () => {
    const { asked, credentials } = changing();
    const kvs = plane.open({ credentials, clock: new FakeClock() });
    accept('KEY2');
    await kvs.acquire(request());
    plane.sessionAnswer = (call, response) =>
      (keyOf(call) === 'KEY3' ? answer : failure(403, 'ExpiredTokenException', 'no'))(call, response);
    const answer: typeof plane.sessionAnswer = (_call, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ HLSStreamingSessionURL: plane.url }));
    expect((await kvs.acquire(request())).id).toBe(2);
    expect(asked).toHaveLength(3);
  });

  test('by a verdict on what they may do are not asked for anew', async () => {
    accept('nobody', 'AccessDeniedException');
    const { asked, credentials } = changing();
    await expect(plane.open({ credentials }).acquire(request())).rejects.toMatchObject({
      code: 'KVS_DENIED',
      errorName: 'AccessDeniedException',
    });
    expect(asked).toHaveLength(1);
    expect(plane.calls).toHaveLength(1);
  });

  test('and can not be had anew are told as such', async () => {
    accept('nobody');
    let asked = 0;
    const credentials = () =>
      asked++ === 0
        ? Promise.resolve({ accessKeyId: 'KEY1', secretAccessKey: 'secret' })
        : Promise.reject(Object.assign(new Error('no role'), { name: 'CredentialsProviderError' }));
    await expect(plane.open({ credentials }).acquire(request())).rejects.toMatchObject({
      code: 'KVS_DENIED',
      errorName: 'CredentialsProviderError',
      resource: 'credentials',
    });
  });
});

describe("the SDK's own chain is asked anew, so that what was replaced is seen:", () => {
  let folder: string;
  let before: NodeJS.ProcessEnv;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-credentials-'));
    before = { ...process.env };
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'])
      delete process.env[name];
    process.env['AWS_CONFIG_FILE'] = join(folder, 'config');
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(folder, 'credentials');
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
  });

  afterEach(() => {
    process.env = before;
    rmSync(folder, { recursive: true });
  });

  const setEnvironment = (key: string): void => {
    process.env['AWS_ACCESS_KEY_ID'] = key;
    process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
  };
  const setFile = (key: string): void =>
    writeFileSync(
      join(folder, 'credentials'),
      `[default]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`,
    );

  test.each([
    ['variables', setEnvironment],
    ['a file', setFile],
  ])('%s', async (_name, set) => {
    set('OLDKEY');
    accept('NEWKEY');
    const kvs = plane.open({ credentials: undefined });
    const bad = plane.endpointAnswer;
    plane.endpointAnswer = (call, response) => {
      set('NEWKEY');
      bad(call, response);
    };
    await kvs.acquire(request());
    expect(keys()).toEqual(['OLDKEY', 'NEWKEY', 'NEWKEY']);
  });
});

test("a host's wrong clock is corrected by the service's date, with the one further call", async () => {
  const aheadMs = 3_600_000;
  const good = plane.endpointAnswer;
  plane.endpointAnswer = (call, response) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    const signedMs = Date.parse(
      String(call.headers['x-amz-date']).replace(
        /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/,
        '$1-$2-$3T$4:$5:$6Z',
      ),
    );
    const isLate = Math.abs(signedMs - Date.now() - aheadMs) > 60_000;
    (isLate ? failure(403, 'InvalidSignatureException', 'Signature expired') : good)(call, response);
  };
  expect((await plane.open().acquire(request())).id).toBe(1);
  expect(plane.paths()).toEqual(['/getDataEndpoint', '/getDataEndpoint', '/getHLSStreamingSessionURL']);
});
