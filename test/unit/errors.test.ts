import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { FrameSourceError, HlsStreamError, redact } from '../../lib/errors';

const TOKEN = 'CiAh3cretT0ken~~';
const URL_WITH_TOKEN = `https://b-1.kinesisvideo.eu-west-1.amazonaws.com/hls/v1/x.m3u8?SessionToken=${TOKEN}&TrackNumber=1`;

describe('redact', () => {
  it.each([
    ['a session token', URL_WITH_TOKEN],
    ['an encoded one', `redirect=%3FSessionToken%3D${TOKEN}`],
    ['a signed URL', `https://x/?X-Amz-Security-Token=${TOKEN}&X-Amz-Signature=${TOKEN}`],
    ['a JSON body', `{"secretAccessKey":"${TOKEN}","sessionToken": "${TOKEN}"}`],
    ['environment lines', `AWS_SECRET_ACCESS_KEY=${TOKEN} AWS_SESSION_TOKEN=${TOKEN}`],
    ['a header line', `x-amz-security-token: ${TOKEN}`],
    ['an Authorization header', `AWS4-HMAC-SHA256 Credential=${TOKEN}, Signature=${TOKEN}`],
  ])('removes %s', (_, text) => {
    expect(redact(text)).not.toContain(TOKEN);
  });

  it('leaves the rest readable', () => {
    expect(redact(URL_WITH_TOKEN)).toMatch(/x\.m3u8\?SessionToken=…&TrackNumber=1$/);
  });
});

describe('FrameSourceError', () => {
  it('carries code, details and a cause without secrets', () => {
    const inner = Object.assign(new Error(`refused ${URL_WITH_TOKEN}`), {
      code: 'ECONNRESET',
      request: URL_WITH_TOKEN,
    });
    const cause = new TypeError(`GET ${URL_WITH_TOKEN}`, { cause: inner });
    const error = new HlsStreamError('HLS_NETWORK', `Failed ${URL_WITH_TOKEN}`, {
      cause,
      status: 0,
      resource: 'fragment',
    });
    expect(error).toBeInstanceOf(FrameSourceError);
    expect(error).toMatchObject({ name: 'HlsStreamError', code: 'HLS_NETWORK', resource: 'fragment' });
    expect((error.cause as Error).cause).toMatchObject({ code: 'ECONNRESET' });
    const everything = [
      error.message,
      error.stack,
      inspect(error, { depth: 10, showHidden: true }),
      JSON.stringify(error),
    ];
    expect(everything.join('\n')).not.toContain(TOKEN);
  });
});
