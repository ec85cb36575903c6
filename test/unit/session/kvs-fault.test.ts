import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { blamesCredentials, blamesEndpoint } from '../../../lib/session/kvs-fault.js';
import { ControlPlane, failure, json, SECRETS } from './control-plane.js';

let plane: ControlPlane;

beforeEach(async () => {
  plane = new ControlPlane();
  await plane.start();
});

afterEach(() => plane.stop());

describe('a refusal', () => {
  test.each([
    [
      404,
      'ResourceNotFoundException',
      'No fragments found in the stream for the streaming request.',
      'KVS_NO_FRAGMENTS',
    ],
    [
      404,
      'ResourceNotFoundException',
      'The requested stream is not found or not active.',
      'KVS_STREAM_NOT_FOUND',
    ],
    [400, 'NoDataRetentionException', 'no retention', 'KVS_NO_RETENTION'],
    [400, 'ClientLimitExceededException', 'slow down', 'KVS_THROTTLED'],
    [401, 'NotAuthorizedException', 'no', 'KVS_DENIED'],
    [403, 'AccessDeniedException', 'User: arn:aws:iam::1:user/x is not authorized', 'KVS_DENIED'],
    [403, 'ExpiredTokenException', 'The security token included in the request is expired', 'KVS_DENIED'],
    [403, 'UnrecognizedClientException', 'invalid', 'KVS_DENIED'],
    [400, 'InvalidArgumentException', 'Expires must be at least 300', 'KVS_REJECTED'],
    [
      400,
      'MissingCodecPrivateDataException',
      'Missing codec private data in fragment for track 1.',
      'KVS_REJECTED',
    ],
    [400, 'UnsupportedStreamMediaTypeException', 'type', 'KVS_REJECTED'],
    [400, 'SomethingNewException', 'new', 'KVS_CALL_FAILED'],
    [403, 'SomethingNewException', 'new', 'KVS_DENIED'],
  ])('%d %s "%s" is %s', async (status, name, message, code) => {
    plane.sessionAnswer = failure(status, name, message);
    const error = await plane.refusal();
    expect(error).toMatchObject({
      code,
      status,
      errorName: name,
      resource: 'GetHLSStreamingSessionURL',
      requestId: 'request-7',
    });
    expect(error.message).toContain('front-door');
    expect(error.message).toContain('eu-west-1');
    expect(plane.outcomes.at(-1)).toBe(`GetHLSStreamingSessionURL ${code}`);
  });

  test('of a service that fails blames neither network nor region', async () => {
    plane.sessionAnswer = failure(500, 'InternalFailure', 'unknown');
    const { code, message } = await plane.refusal();
    expect(code).toBe('KVS_CALL_FAILED');
    expect(message).toMatch(/the service was reached, but is failing; wait/);
    expect(message).not.toContain('check network');
  });

  test('of an unknown stream by GetDataEndpoint is told', async () => {
    plane.endpointAnswer = failure(
      404,
      'ResourceNotFoundException',
      'The requested stream is not found or not active.',
    );
    expect(await plane.refusal()).toMatchObject({
      code: 'KVS_STREAM_NOT_FOUND',
      resource: 'GetDataEndpoint',
    });
  });

  test.each([
    [500, 'InternalFailure', 'KVS_CALL_FAILED'],
    [503, 'ServiceUnavailable', 'KVS_CALL_FAILED'],
    [429, 'TooManyRequestsException', 'KVS_THROTTLED'],
    [400, 'ThrottlingException', 'KVS_THROTTLED'],
  ])('by a %d %s is told at once: the SDK does not try again', async (status, name, code) => {
    plane.sessionAnswer = failure(status, name, 'oops');
    expect(await plane.refusal()).toMatchObject({ code, status });
    expect(plane.paths()).toEqual(['/getDataEndpoint', '/getHLSStreamingSessionURL']);
  });

  test.each([
    ['seconds', '7', 7000],
    ['a date', new Date(Date.UTC(2026, 10, 22, 10, 15, 9)).toUTCString(), 9000],
    ['nonsense', 'soon', undefined],
  ])('says how long to wait where the service does, in %s', async (_name, header, ms) => {
    plane.sessionAnswer = json({ Message: 'slow down' }, 400, {
      'x-amzn-ErrorType': 'ClientLimitExceededException:http://internal',
      'retry-after': header,
      date: 'Sun, 22 Nov 2026 10:15:00 GMT',
    });
    expect((await plane.refusal()).retryAfterMs).toBe(ms);
  });

  test.each([
    [400, 'NoDataRetentionException', 'UpdateDataRetention'],
    [403, 'AccessDeniedException', 'kinesisvideo:GetHLSStreamingSessionURL'],
    [403, 'ExpiredTokenException', 'renew'],
    [403, 'UnrecognizedClientException', 'access key'],
    [403, 'InvalidSignatureException', 'secret access key'],
    [400, 'RequestExpired', 'clock'],
    [400, 'InvalidArgumentException', 'option'],
    [400, 'MissingCodecPrivateDataException', 'codec private data'],
    [400, 'UnsupportedStreamMediaTypeException', 'H.264'],
    [404, 'ResourceNotFoundException', 'check name, region and account'],
  ])('by a %d %s says what to change', async (status, name, advice) => {
    plane.sessionAnswer = failure(status, name, 'no');
    expect((await plane.refusal()).message).toContain(advice);
  });

  test.each([
    ['no URL', {}],
    ['an empty URL', { HLSStreamingSessionURL: '' }],
    ['a URL of another scheme', { HLSStreamingSessionURL: 'file:///etc/passwd' }],
    ['no object', null],
    [
      'an unknown operation (a path in the wrong case)',
      { Output: { __type: 'com.amazon.coral.service#UnknownOperationException' }, Version: '1.0' },
    ],
  ])('that looks like success but has %s is KVS_NO_URL', async (_name, answer) => {
    plane.sessionAnswer = json(answer);
    expect(await plane.refusal()).toMatchObject({ code: 'KVS_NO_URL', status: 200 });
  });

  test.each([
    [200, 'text/html', '<html>Sign in to the network</html>', 'KVS_NO_URL'],
    [200, 'application/json', '{"HLSStreamingSess', 'KVS_NO_URL'],
    [
      403,
      'text/xml',
      '<AccessDeniedException><Message>Unable to determine service/operation name to be authorized</Message></AccessDeniedException>',
      'KVS_CALL_FAILED',
    ],
    [503, 'text/html', '<html>Bad gateway</html>', 'KVS_CALL_FAILED'],
  ])('of %d and %s that is not JSON, %s, is %s and blames the endpoint', async (status, type, body, code) => {
    plane.sessionAnswer = (_call, response) => response.writeHead(status, { 'content-type': type }).end(body);
    const error = await plane.refusal();
    expect(error).toMatchObject({ code, status, errorName: 'SyntaxError' });
    expect(blamesEndpoint(error)).toBe(true);
    expect(blamesCredentials(error)).toBe(false);
  });

  test('of an endpoint that is missing is KVS_NO_URL', async () => {
    plane.endpointAnswer = json({});
    expect(await plane.refusal()).toMatchObject({ code: 'KVS_NO_URL', resource: 'GetDataEndpoint' });
  });

  test('for want of a region says so', async () => {
    const before = { ...process.env };
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) delete process.env[name];
    process.env['AWS_CONFIG_FILE'] = '/nonexistent';
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/nonexistent';
    try {
      const error = await plane.refusal({ region: '' });
      expect(error).toMatchObject({ code: 'KVS_REJECTED' });
      expect(error.message).toContain('Region is missing');
    } finally {
      process.env = before;
    }
  });

  test('of a host that is not there is KVS_CALL_FAILED', async () => {
    expect(await plane.refusal({ endpoint: 'http://127.0.0.1:1' })).toMatchObject({
      code: 'KVS_CALL_FAILED',
      errorName: 'ECONNREFUSED',
    });
  });

  test('never shows a credential or a token, even where AWS quotes the signed request', async () => {
    const quoted = `The Canonical String should have been 'x-amz-security-token:${SECRETS.sessionToken}'`;
    for (const name of [
      'SignatureDoesNotMatch',
      'InvalidSignatureException',
      'AccessDeniedException',
      'InternalFailure',
    ]) {
      const message = name.includes('Signature') ? quoted : `see ${plane.url}`;
      plane.sessionAnswer = failure(403, name, message);
      const error = await plane.refusal();
      const shown = [
        inspect(error, { depth: 9, showHidden: true }),
        JSON.stringify(error),
        String(error.stack),
      ];
      expect(shown.join('\n')).not.toMatch(/SECRET/);
    }
  });
});
