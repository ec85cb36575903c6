import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leastPrivilegePolicy, type Subject } from '../../../lib/cli/subject';
import { mendingOf } from '../../../lib/cli/mending';
import { FrameSourceError, KvsConnectionError, type FrameSourceErrorCode } from '../../../lib/errors';
import { kvsError } from '../../../lib/session/kvs-fault';
import { ROOT } from '../../support/child';

const subject: Subject = { streamName: 'front-door', region: 'eu-west-1' };
const ARN = 'arn:aws:kinesisvideo:eu-west-1:111122223333:stream/front-door/1705489836421';

/** As the SDK throws it, in the reader's words. */
const refused = (name: string, status = 400, message = 'Refused.'): KvsConnectionError =>
  kvsError(
    'GetHLSStreamingSessionURL',
    'front-door',
    'eu-west-1',
    Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } }),
    0,
  );
const said = (error: unknown, about = subject): string => {
  const { why, mend } = mendingOf(error, about) ?? { why: '', mend: [] };
  return [why, ...mend].join('\n');
};

describe('mending', () => {
  it('has a reason and something to do for every code', () => {
    const source = readFileSync(join(ROOT, 'lib/errors.ts'), 'utf8');
    const union = source.slice(
      source.indexOf('FrameSourceErrorCode ='),
      source.indexOf(';'.concat('\n\n/** What may be')),
    );
    const codes = [...union.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(
      ([, code]) => code as FrameSourceErrorCode,
    );
    expect(codes.length).toBeGreaterThan(25);
    for (const code of codes) {
      for (const about of [{}, subject, { streamArn: ARN }, { urlOrigin: 'http://example.com:8080' }]) {
        const mending = mendingOf(new FrameSourceError(code, 'it failed'), about);
        expect(mending?.why).toMatch(/^[A-Z].*[.]$/);
        expect(mending?.mend.length).toBeGreaterThan(0);
        expect(JSON.stringify(mending)).not.toMatch(/undefined|null|\[object/);
      }
    }
  });

  it('has nothing to say of what is no error of the package', () => {
    expect(mendingOf(new Error('x'), subject)).toBeNull();
    expect(mendingOf('x', subject)).toBeNull();
  });

  it('looks behind an error that counts failures', () => {
    const cause = new KvsConnectionError('KVS_THROTTLED', 'too often');
    expect(said(new FrameSourceError('TOO_MANY_ERRORS', 'x', { cause }))).toBe(said(cause));
  });

  it.each<[name: string, status: number, expected: RegExp]>([
    [
      'AccessDeniedException',
      403,
      /may not read this stream[\s\S]*"kinesisvideo:GetDataEndpoint",\s*"kinesisvideo:GetHLS/,
    ],
    [
      'NotAuthorizedException',
      401,
      /"Resource": "arn:aws:kinesisvideo:eu-west-1:ACCOUNT_ID:stream\/front-door\/\*"/,
    ],
    ['ExpiredTokenException', 403, /are expired[\s\S]*aws sso login/],
    ['UnrecognizedClientException', 403, /does not know this access key[\s\S]*AWS_SESSION_TOKEN/],
    ['SignatureDoesNotMatch', 403, /clocks[\s\S]*timedatectl[\s\S]*Check --region \(now eu-west-1\): a/],
    ['RequestExpired', 400, /clocks[\s\S]*NTP/],
    ['OptInRequired', 403, /has not enabled this region/],
    ['CredentialsProviderError', 0, /Nothing gives credentials[\s\S]*AWS_PROFILE/],
    [
      'NoDataRetentionException',
      400,
      /retention is 0[\s\S]*update-data-retention --stream-name front-door --region eu-west-1[\s\S]*INCREASE_DATA_RETENTION/,
    ],
    ['MissingCodecPrivateDataException', 400, /SPS and PPS[\s\S]*avcC/],
    ['InvalidCodecPrivateDataException', 400, /SPS and PPS[\s\S]*Restart the producer/],
    ['UnsupportedStreamMediaTypeException', 400, /H\.264 or H\.265[\s\S]*G\.711/],
    ['InvalidArgumentException', 400, /refuses a parameter/],
    ['ClientLimitExceededException', 400, /too often[\s\S]*Wait a minute/],
    ['ENOTFOUND', 0, /could not be resolved[\s\S]*getent hosts kinesisvideo\.eu-west-1\.amazonaws\.com/],
    ['ECONNREFUSED', 0, /was not reached[\s\S]*\*\.kinesisvideo\.eu-west-1\.amazonaws\.com, port 443/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 0, /not trusted[\s\S]*NODE_EXTRA_CA_CERTS/],
    ['TimeoutError', 0, /did not answer in time/],
    [
      'InternalFailure',
      500,
      /kinesisvideo\.eu-west-1\.amazonaws\.com:443 was reached and answered 500[\s\S]*Wait[\s\S]*health\.aws\.amazon\.com/,
    ],
    ['SyntaxError', 302, /did not answer as it should/],
  ])('tells what to do about %s', (name, status, expected) => {
    const error =
      status === 0
        ? kvsError('GetDataEndpoint', 'front-door', 'eu-west-1', Object.assign(new Error('x'), { name }), 0)
        : refused(name, status);
    expect(said(error)).toMatch(expected);
  });

  it('tells a silent camera from a stream that is not there', () => {
    expect(said(refused('ResourceNotFoundException', 404, 'No fragments found in the stream.'))).toMatch(
      /nothing came from the camera in the last 30 s[\s\S]*list-fragments/,
    );
    expect(said(refused('ResourceNotFoundException', 404, 'The requested stream is not found.'))).toMatch(
      /no stream front-door in eu-west-1[\s\S]*list-streams --region eu-west-1/,
    );
  });

  it('asks for a region where none is named', () => {
    const error = kvsError('GetDataEndpoint', 'front-door', 'no region', new Error('Region is missing'), 0);
    expect(said(error, { streamName: 'front-door' })).toMatch(
      /region the stream is[\s\S]*--region eu-west-1/,
    );
  });

  it('knows playback requests and connections by what their messages say', () => {
    const hls = (code: FrameSourceErrorCode, message: string, errorName?: string): string =>
      said(new FrameSourceError(code, message, errorName === undefined ? {} : { errorName }), {
        urlOrigin: 'https://cdn.example.com',
      });
    expect(hls('HLS_NETWORK', 'The master at cdn.example.com/…/a.m3u8 can not be had: ENOTFOUND')).toMatch(
      /getent hosts cdn\.example\.com/,
    );
    expect(hls('HLS_STATUS', 'The master at x was answered 302: redirects are not followed')).toMatch(
      /redirects/,
    );
    expect(hls('HLS_STATUS', 'The master at x was answered 404')).toMatch(/is not there/);
    expect(
      hls('HLS_STATUS', 'x was answered 400 NoDataRetentionException', 'NoDataRetentionException'),
    ).toMatch(/retention is 0/);
    expect(hls('HLS_SESSION_EXPIRED', 'x was answered 403')).toMatch(/Get a new URL/);
    expect(said(new FrameSourceError('HLS_SESSION_EXPIRED', 'x was answered 403'))).toMatch(
      /session is refused/,
    );
  });

  it('is about the host that failed, as it was asked', () => {
    const about: Subject = {
      ...subject,
      endpoint: 'http://127.0.0.1:4567',
      dataOrigin: 'https://data.example.com',
      sessionOrigin: 'https://media.example.com:8443',
    };
    const failing = (operation: 'GetDataEndpoint' | 'GetHLSStreamingSessionURL', name: string): string =>
      said(kvsError(operation, 'front-door', 'eu-west-1', Object.assign(new Error('x'), { name }), 0), about);
    expect(failing('GetDataEndpoint', 'ECONNREFUSED')).toMatch(
      /reach 127\.0\.0\.1:4567:[\s\S]*curl .* http:\/\/127\.0\.0\.1:4567$/,
    );
    expect(failing('GetHLSStreamingSessionURL', 'ENOTFOUND')).toMatch(/getent hosts data\.example\.com/);
    expect(failing('GetHLSStreamingSessionURL', 'CERT_HAS_EXPIRED')).toMatch(
      /s_client -connect data\.example\.com:443 /,
    );
    const hls = new FrameSourceError('HLS_NETWORK', 'The master at x can not be had: ECONNRESET');
    expect(said(hls, about)).toMatch(/curl .* https:\/\/media\.example\.com:8443$/);
    expect(said(hls, { urlOrigin: 'http://cdn.example.com' })).toMatch(
      /reach cdn\.example\.com:80:[\s\S]*curl .* http:\/\/cdn\.example\.com$/,
    );
  });

  it('knows a server that fails from one that can not be reached, and whose it is', () => {
    const failure = new KvsConnectionError('KVS_CALL_FAILED', 'x', { status: 500, requestId: 'a-b-c' });
    expect(said(failure)).toMatch(/AWS Support the id of the request: a-b-c$/);
    const elsewhere = said(failure, { ...subject, endpoint: 'http://127.0.0.1:4567' });
    expect(elsewhere).toMatch(/127\.0\.0\.1:4567 was reached and answered 500/);
    expect(elsewhere).not.toMatch(/health\.aws|AWS Support/);
    expect(
      said(new FrameSourceError('HLS_STATUS', 'The master at x was answered 503', { status: 503 })),
    ).toMatch(/answered 503: it is failing/);
  });

  it('knows a server that does not speak TLS', () => {
    const message = 'write EPROTO 80:error:0A00010B:SSL routines:ssl3_get_record:wrong version number';
    const error = kvsError(
      'GetDataEndpoint',
      'a',
      'b',
      Object.assign(new Error(message), { code: 'EPROTO' }),
      0,
    );
    expect(said(error)).toMatch(/amazonaws\.com:443 does not speak TLS/);
    expect(
      said(new FrameSourceError('HLS_NETWORK', 'The master can not be had: ERR_SSL_WRONG_VERSION_NUMBER')),
    ).toMatch(/does not speak TLS/);
  });

  it('names the region where a signature is refused, first where it may not fit the endpoint', () => {
    const about = { streamName: 'front-door', region: 'us-east-1', endpoint: 'http://127.0.0.1:4567' };
    const { why, mend } = mendingOf(refused('InvalidSignatureException', 403), about)!;
    expect(why).toMatch(/the region is not that of the endpoint/);
    expect(mend[0]).toMatch(
      /^Check --region \(now us-east-1\), and that it fits --endpoint \(http:\/\/127\.0\.0\.1:4567\)/,
    );
  });

  it('mentions a proxy that is not used where one is set', () => {
    const error = refused('x', 302);
    expect(said(error)).not.toContain('HTTPS_PROXY');
    expect(said(error, { ...subject, hasProxy: true })).toMatch(/HTTPS_PROXY.*neither/);
  });

  it.each([
    ["Cannot find module '/x/build/Release/kvs_frames.node'", /not built[\s\S]*npm run build/],
    [
      'libavcodec.so.59: cannot open shared object file: No such file or directory',
      /library that the addon needs is missing[\s\S]*apt-get install -y libavcodec59/,
    ],
    ["/lib/libavutil.so.57: version `LIBAVUTIL_58' not found", /is older than/],
    ["/lib/libc.so.6: version `GLIBC_2.38' not found", /the C library, is older/],
    ['/x/kvs_frames.node: file too short', /not whole/],
    ['/x/kvs_frames.node: invalid ELF header', /another kind of machine/],
    ['something else', /could not be loaded/],
  ])('tells why the addon does not load: %s', (reason, expected) => {
    expect(
      said(new FrameSourceError('ADDON_UNAVAILABLE', `The native addon could not be loaded (${reason})`)),
    ).toMatch(expected);
  });
});

describe('the least that a reader must be allowed', () => {
  const resource = (about: Subject): unknown => {
    const policy = JSON.parse(leastPrivilegePolicy(about)) as {
      Statement: { Resource: string; Action: string[] }[];
    };
    expect(policy.Statement[0]?.Action).toEqual([
      'kinesisvideo:GetDataEndpoint',
      'kinesisvideo:GetHLSStreamingSessionURL',
    ]);
    return policy.Statement[0]?.Resource;
  };

  it('is for the very stream where its ARN is known, else for its name in any account', () => {
    expect(resource({ streamArn: ARN })).toBe(ARN);
    expect(resource(subject)).toBe('arn:aws:kinesisvideo:eu-west-1:ACCOUNT_ID:stream/front-door/*');
  });

  it('knows the partitions of AWS', () => {
    expect(resource({ streamName: 'a', region: 'cn-north-1' })).toMatch(/^arn:aws-cn:/);
    expect(resource({ streamName: 'a', region: 'us-gov-west-1' })).toMatch(/^arn:aws-us-gov:/);
  });
});
