import { describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { FrameSourceError, HlsStreamError, KvsConnectionError } from '../../lib/errors';

const TOKEN = 'CiAh3cretT0ken~~';
const URL_WITH_TOKEN = `https://b-1.kinesisvideo.eu-west-1.amazonaws.com/hls/v1/x.m3u8?SessionToken=${TOKEN}&TrackNumber=1`;

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

  it('does not believe what a server puts in names, ids and codes', () => {
    const cause = Object.assign(new Error('no'), { name: `Token=${TOKEN}`, code: `SessionToken=${TOKEN}` });
    const error = new KvsConnectionError('KVS_DENIED', 'no', {
      cause,
      errorName: `Refused?SessionToken=${TOKEN}`,
      requestId: `https://u:${TOKEN}@x`,
    });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(TOKEN);
  });
});
