import { spawnSync } from 'node:child_process';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../../../lib/clock.js';
import { silentLogger } from '../../../lib/logger.js';
import { KvsSessionProvider } from '../../../lib/session/kvs.js';
import { canned, ControlPlane, failure, json, request, SECRETS, TOKEN, type Call } from './control-plane.js';

let plane: ControlPlane;

beforeEach(async () => {
  plane = new ControlPlane();
  await plane.start();
});

afterEach(() => plane.stop());

/** A clock whose hands the test moves; it never fires. */
function stoppedClock(): Clock & { ms: number } {
  return {
    ms: 1_000_000,
    now() {
      return this.ms;
    },
    monotonic() {
      return this.ms;
    },
    after: () => () => {},
    afterIfAlive: () => () => {},
  };
}

describe('a session', () => {
  test('is acquired by the two calls, signed, with the documented defaults', async () => {
    const clock = stoppedClock();
    const session = await plane.open({ clock }).acquire(request());
    expect(session).toEqual({ id: 1, url: plane.url, expiresAtMs: 1_300_000, endsAtMs: 1_300_000 });
    expect(plane.paths()).toEqual(['/getDataEndpoint', '/getHLSStreamingSessionURL']);
    expect(plane.calls[0]?.body).toEqual({
      StreamName: 'front-door',
      APIName: 'GET_HLS_STREAMING_SESSION_URL',
    });
    expect(plane.calls[1]?.body).toEqual({
      StreamName: 'front-door',
      PlaybackMode: 'LIVE',
      HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' },
      ContainerFormat: 'FRAGMENTED_MP4',
      DiscontinuityMode: 'ON_DISCONTINUITY',
      DisplayFragmentTimestamp: 'ALWAYS',
      Expires: 300,
      MaxMediaPlaylistFragmentResults: 10,
    });
    for (const { headers } of plane.calls) {
      expect(headers.authorization).toMatch(/eu-west-1\/kinesisvideo\/aws4_request/);
      expect(headers['x-amz-security-token']).toBe(SECRETS.sessionToken);
    }
    expect(plane.outcomes).toEqual(['GetDataEndpoint ok', 'GetHLSStreamingSessionURL ok']);
  });

  test("carries every parameter that was chosen, and the ARN's region", async () => {
    const streamArn = 'arn:aws:kinesisvideo:ap-south-1:111122223333:stream/cam-7/1705489836421';
    const {
      region: _region,
      streamName: _name,
      ...rest
    } = {
      region: '',
      streamName: '',
      streamArn,
      fragmentSelectorType: 'SERVER_TIMESTAMP',
      containerFormat: 'MPEG_TS',
      discontinuityMode: 'NEVER',
      displayFragmentTimestamp: 'NEVER',
      maxMediaPlaylistFragmentResults: 3,
      hlsSessionSeconds: 43_200,
    } as const;
    const provider = new KvsSessionProvider({
      ...rest,
      endpoint: plane.origin,
      credentials: SECRETS,
      clock: systemClock,
      logger: silentLogger,
      random: () => 0,
    });
    await provider.acquire(request());
    provider.close();
    expect(plane.calls[1]?.body).toMatchObject({
      StreamARN: streamArn,
      ContainerFormat: 'MPEG_TS',
      DiscontinuityMode: 'NEVER',
      DisplayFragmentTimestamp: 'NEVER',
      MaxMediaPlaylistFragmentResults: 3,
      Expires: 43_200,
      HLSFragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP' },
    });
    expect(plane.calls[0]?.headers.authorization).toContain('/ap-south-1/');
  });

  test('of a past range starts at its start, or where reading was left, within the range', async () => {
    const start = Date.parse('2026-11-22T07:00:00Z');
    const end = start + 60_000;
    const kvs = plane.open({
      playbackMode: 'ON_DEMAND',
      startTimestamp: new Date(start),
      endTimestamp: new Date(end),
    });
    for (const resumeAtMs of [undefined, start + 30_500, start - 5000, end])
      await kvs.acquire(request(resumeAtMs));
    const bodies = plane.calls
      .filter(({ path }) => path === '/getHLSStreamingSessionURL')
      .map(({ body }) => body);
    const starts = bodies.map(
      (body) =>
        (body['HLSFragmentSelector'] as { TimestampRange: { StartTimestamp: number } }).TimestampRange
          .StartTimestamp,
    );
    expect(starts).toEqual([start / 1000, start / 1000 + 30.5, start / 1000, end / 1000 - 0.001]);
    expect(bodies[0]).toMatchObject({
      PlaybackMode: 'ON_DEMAND',
      HLSFragmentSelector: { TimestampRange: { EndTimestamp: end / 1000 } },
      MaxMediaPlaylistFragmentResults: 1000,
    });
  });

  test('is shared by callers that overlap; the next gets its own', async () => {
    const kvs = plane.open();
    const [one, two] = await Promise.all([kvs.acquire(request()), kvs.acquire(request())]);
    expect(two).toBe(one);
    expect((await kvs.acquire(request())).id).toBe(2);
    expect(plane.paths()).toEqual([
      '/getDataEndpoint',
      '/getHLSStreamingSessionURL',
      '/getHLSStreamingSessionURL',
    ]);
  });

  test('is not waited for once the caller has gone, even if AWS never answers', async () => {
    plane.endpointAnswer = () => {};
    const caller = new AbortController();
    const acquiring = plane.open().acquire({ signal: caller.signal });
    setTimeout(() => caller.abort(new Error('stopped')), 50);
    await expect(acquiring).rejects.toThrow('stopped');
  });

  test('can not be had after close()', async () => {
    plane.endpointAnswer = () => {};
    const kvs = plane.open();
    const acquiring = kvs.acquire(request());
    setImmediate(() => kvs.close());
    await expect(acquiring).rejects.toMatchObject({ code: 'SOURCE_STOPPED' });
    await expect(kvs.acquire(request())).rejects.toMatchObject({ code: 'SOURCE_STOPPED' });
  });
});

describe('the data endpoint', () => {
  test('is kept for about an hour, then asked for again; kept on if that fails', async () => {
    const clock = stoppedClock();
    const kvs = plane.open({ clock });
    await kvs.acquire(request());
    clock.ms += 3_599_000;
    await kvs.acquire(request());
    expect(plane.paths().filter((path) => path === '/getDataEndpoint')).toHaveLength(1);
    clock.ms += 2000;
    await kvs.acquire(request());
    expect(plane.paths().filter((path) => path === '/getDataEndpoint')).toHaveLength(2);
    clock.ms += 3_601_000;
    plane.endpointAnswer = failure(500, 'InternalFailure', 'oops');
    expect((await kvs.acquire(request())).id).toBe(4);
  });

  test('that can not be reached any more is replaced at once', async () => {
    const kvs = plane.open();
    const old = await new Promise<Server>((resolve) => {
      const other = createServer((incoming, response) => {
        incoming.resume().on('end', () => json({ HLSStreamingSessionURL: plane.url })({} as Call, response));
      });
      other.listen(0, '127.0.0.1', () => resolve(other));
    });
    plane.endpointAnswer = json({ DataEndpoint: `http://127.0.0.1:${(old.address() as AddressInfo).port}` });
    await kvs.acquire(request());
    old.closeAllConnections();
    await new Promise((resolve) => old.close(resolve));
    plane.endpointAnswer = json({ DataEndpoint: plane.origin });
    expect((await kvs.acquire(request())).id).toBe(2);
    expect(plane.paths()).toEqual(['/getDataEndpoint', '/getDataEndpoint', '/getHLSStreamingSessionURL']);
  });

  test.each([
    [
      'a 404 that is not about fragments',
      failure(404, 'ResourceNotFoundException', 'The requested stream is not found or not active.'),
    ],
    ['InvalidEndpointException', failure(400, 'InvalidEndpointException', 'wrong endpoint')],
    [
      'a 200 without a URL',
      json({ Output: { __type: 'com.amazon.coral.service#UnknownOperationException' }, Version: '1.0' }),
    ],
    [
      'XML of a foreign host',
      (_call: Call, response: ServerResponse) =>
        response.writeHead(403, { 'content-type': 'text/xml' }).end('<AccessDeniedException/>'),
    ],
  ])('is asked for again after %s', async (_name, answer) => {
    const kvs = plane.open();
    await kvs.acquire(request());
    const good = plane.sessionAnswer;
    plane.sessionAnswer = (call, response) => {
      plane.sessionAnswer = good;
      answer(call, response);
    };
    expect((await kvs.acquire(request())).id).toBe(2);
    expect(plane.paths().slice(2)).toEqual([
      '/getHLSStreamingSessionURL',
      '/getDataEndpoint',
      '/getHLSStreamingSessionURL',
    ]);
  });

  test('is kept when the camera is silent', async () => {
    const kvs = plane.open();
    await kvs.acquire(request());
    plane.sessionAnswer = failure(
      404,
      'ResourceNotFoundException',
      'No fragments found in the stream for the streaming request.',
    );
    await expect(kvs.acquire(request())).rejects.toMatchObject({ code: 'KVS_NO_FRAGMENTS' });
    expect(plane.paths().slice(2)).toEqual(['/getHLSStreamingSessionURL']);
  });

  test('is used as it is, whatever the environment says of endpoints, FIPS and dual-stack', async () => {
    const before = { ...process.env };
    process.env['AWS_USE_FIPS_ENDPOINT'] = 'true';
    process.env['AWS_USE_DUALSTACK_ENDPOINT'] = 'true';
    process.env['AWS_ENDPOINT_URL_KINESIS_VIDEO_ARCHIVED_MEDIA'] = 'http://127.0.0.1:1';
    const endpoint = 'https://b-1.kinesisvideo.eu-west-1.amazonaws.com';
    const { requestHandler, hosts } = canned(endpoint, `${endpoint}/hls`);
    try {
      const { streamName, region } = { streamName: 'front-door', region: 'eu-west-1' };
      const common = { clock: systemClock, logger: silentLogger, random: () => 0, credentials: SECRETS };
      const provider = new KvsSessionProvider({ streamName, region, ...common, requestHandler });
      await provider.acquire(request());
      provider.close();
    } finally {
      process.env = before;
    }
    expect(hosts).toEqual([
      'kinesisvideo-fips.eu-west-1.api.aws',
      'b-1.kinesisvideo.eu-west-1.amazonaws.com',
    ]);
  });

  test.each([
    'file:///etc/passwd',
    'data:text/plain,x',
    'javascript:0',
    'ftp://127.0.0.1/',
    'unix:/var/run/docker.sock',
    '//127.0.0.1/',
    '169.254.169.254',
    '',
  ])('has to be http or https, and so has the session URL: %s', async (url) => {
    plane.sessionAnswer = json({ HLSStreamingSessionURL: url });
    expect(await plane.refusal()).toMatchObject({
      code: 'KVS_NO_URL',
      resource: 'GetHLSStreamingSessionURL',
    });
    plane.endpointAnswer = json({ DataEndpoint: url });
    expect(await plane.refusal()).toMatchObject({ code: 'KVS_NO_URL', resource: 'GetDataEndpoint' });
    expect(plane.paths().at(-1)).toBe('/getDataEndpoint');
  });

  test('may not be http where the control plane is https', async () => {
    const { requestHandler, hosts } = canned('http://b-1.example.com', 'http://b-1.example.com/hls');
    const error = await plane.refusal({ requestHandler, endpoint: 'https://kvs.example.com' });
    expect(error).toMatchObject({ code: 'KVS_NO_URL', resource: 'GetDataEndpoint' });
    expect(error.message).toContain('http endpoint');
    expect(hosts.filter((host) => host !== 'kvs.example.com')).toEqual([]);
  });

  test('with https may not hand out an http URL', async () => {
    const { requestHandler } = canned(
      'https://b-1.example.com',
      `http://b-1.example.com/hls?SessionToken=${TOKEN}`,
    );
    const error = await plane.refusal({ requestHandler });
    expect(error).toMatchObject({ code: 'KVS_NO_URL' });
    expect(inspect(error)).not.toContain('SECRET');
  });
});

describe('a diagnosis', () => {
  test('tells region, life of the credentials and data endpoint without opening a session', async () => {
    const expiration = new Date(Date.now() + 3_600_000);
    const kvs = plane.open({ credentials: () => Promise.resolve({ ...SECRETS, expiration }) });
    expect(await kvs.identify()).toEqual({ region: 'eu-west-1', expiresAtMs: expiration.getTime() });
    expect(await kvs.dataEndpoint(request().signal)).toBe(plane.origin);
    expect(plane.paths()).toEqual(['/getDataEndpoint']);
    expect(await plane.open().identify()).toMatchObject({ expiresAtMs: null });
  });

  test('says when there are no credentials', async () => {
    const missing = Object.assign(new Error('Could not load credentials'), {
      name: 'CredentialsProviderError',
    });
    await expect(plane.open({ credentials: () => Promise.reject(missing) }).identify()).rejects.toMatchObject(
      {
        code: 'KVS_DENIED',
        errorName: 'CredentialsProviderError',
      },
    );
  });
});

test('the SDK is not loaded for a source that reads a plain URL', () => {
  const kvs = join(__dirname, '../../../lib/session/kvs.ts');
  const script = `
    const { transformFileSync } = require('@swc/core');
    const Module = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = function (name, ...rest) {
      return resolve.call(this, name.startsWith('.') ? name.replace(/\\.js$/, '.ts') : name, ...rest);
    };
    Module._extensions['.ts'] = (module, file) => {
      const options = { swcrc: false, jsc: { parser: { syntax: 'typescript', explicitResourceManagement: true }, target: 'es2022' }, module: { type: 'commonjs' } };
      module._compile(transformFileSync(file, options).code, file);
    };
    require(${JSON.stringify(kvs)});
    console.log(Object.keys(require.cache).filter((file) => file.includes('@aws-sdk')).length);
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: join(__dirname, '../../..'),
    encoding: 'utf8',
  });
  expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: '0', stderr: '' });
});
