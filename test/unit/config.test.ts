import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../lib/errors';
import { checkHlsOptions, checkKvsOptions, presets } from '../../lib/options';

const kvs = (more: object): unknown => checkKvsOptions({ streamName: 'front-door', ...more });

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('Nothing was thrown');
}

describe('the options of KvsHlsFrameSource', () => {
  it('has the documented defaults', () => {
    expect(kvs({})).toMatchObject({
      cameraId: 'front-door',
      playbackMode: 'LIVE',
      containerFormat: 'FRAGMENTED_MP4',
      displayFragmentTimestamp: 'ALWAYS',
      discontinuityMode: 'ON_DISCONTINUITY',
      hlsSessionSeconds: 300,
      urlRefreshMarginSeconds: 30,
      reconnectDelaySeconds: 5,
      maxReconnectDelaySeconds: 60,
      backoffMultiplier: 2,
      maxConsecutiveErrors: 10,
      bufferedFrames: 8,
      memory: 'shared',
    });
  });

  it('refuses a session of 60 s with the range and the value', () => {
    expect(() => kvs({ hlsSessionSeconds: 60 })).toThrow(
      new ConfigError('Expected an integer 300–43200 for hlsSessionSeconds but received 60 of type number'),
    );
  });

  it('shows of a URL in the wrong place its host alone', () => {
    const message = messageOf(() => kvs({ streamName: 'https://u:p@h/c0ffee42aa17d00dfeed5b1e/x.m3u8?a=b' }));
    expect(message).toMatch(/but received 'https:\/\/…@h\/…' of type string$/);
  });

  it('suggests the right name for a misspelt option', () => {
    expect(() => kvs({ hlsSesionSeconds: 600 })).toThrow(
      /Unknown option hlsSesionSeconds.*Did you mean hlsSessionSeconds\?/,
    );
    expect(() => kvs({ url_refresh_margin: 600 })).toThrow(/Unknown option url_refresh_margin/);
  });

  it.each([
    [
      'a number as text',
      { bufferedFrames: '8' },
      /Expected an integer 2–256 for bufferedFrames but received '8' of type string/,
    ],
    ['NaN', { backoffMultiplier: NaN }, /backoffMultiplier/],
    ['a fraction', { decoderThreads: 1.5 }, /decoderThreads/],
    ['a word that is no choice', { memory: 'heap' }, /'shared', 'private'/],
    ['a bad stream name', { streamName: 'front door' }, /streamName/],
    ['a range in LIVE', { startTimestamp: new Date() }, /LIVE_REPLAY or ON_DEMAND/],
    ['ON_DEMAND without a start', { playbackMode: 'ON_DEMAND' }, /startTimestamp is missing/],
    [
      'ON_DEMAND without an end',
      { playbackMode: 'ON_DEMAND', startTimestamp: new Date(0) },
      /endTimestamp is missing/,
    ],
    [
      'a range above 24 h',
      { playbackMode: 'ON_DEMAND', startTimestamp: new Date(0), endTimestamp: new Date(90_000_000) },
      /at most 24 h/,
    ],
    [
      'a greatest age of a recording',
      { playbackMode: 'LIVE_REPLAY', startTimestamp: new Date(), delivery: { maxAgeMs: 1000 } },
      /maxAgeMs.*needs playbackMode LIVE/,
    ],
    [
      'old frames where the latest are wanted',
      { catchUp: { maxSeconds: 60 }, delivery: 'latest' },
      /catchUp needs delivery/,
    ],
    ['a margin that leaves no session', { urlRefreshMarginSeconds: 300 }, /below hlsSessionSeconds/],
    [
      'a cap below the first delay',
      { reconnectDelaySeconds: 90 },
      /maxReconnectDelaySeconds ≥ reconnectDelaySeconds/,
    ],
    ['a logger that cannot warn', { logger: { info() {} } }, /logger/],
    [
      'a name and an ARN',
      { streamArn: 'arn:aws:kinesisvideo:eu-west-1:111122223333:stream/cam/1' },
      /not both/,
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => kvs(options)).toThrow(message);
    expect(() => kvs(options)).toThrow(ConfigError);
  });

  it('needs a stream', () => {
    expect(() => checkKvsOptions({})).toThrow(/One of streamName and streamArn/);
  });

  it('names the camera after the stream in the ARN', () => {
    const streamArn = 'arn:aws:kinesisvideo:eu-west-1:111122223333:stream/cam-7/1705489836421';
    expect(checkKvsOptions({ streamArn }).cameraId).toBe('cam-7');
  });

  it('does not show credentials in a message', () => {
    const message = messageOf(() => kvs({ credentials: 'hunter2' }));
    expect(message).toMatch(/credentials/);
    expect(message).not.toMatch(/hunter2/);
  });

  it('takes catchUp with a length, in LIVE only, and fillGaps', () => {
    expect(kvs({ catchUp: { maxSeconds: 600 }, fillGaps: 'repeat' })).toMatchObject({ fillGaps: 'repeat' });
    expect(() => kvs({ catchUp: { maxSeconds: 0 } })).toThrow(/1–86400 for maxSeconds/);
    expect(() => kvs({ catchUp: {} })).toThrow(/maxSeconds is missing/);
    expect(() => kvs({ catchUp: { seconds: 3 } })).toThrow(/Unknown option seconds/);
    const startTimestamp = new Date();
    expect(() => kvs({ catchUp: { maxSeconds: 5 }, playbackMode: 'LIVE_REPLAY', startTimestamp })).toThrow(
      /needs playbackMode LIVE/,
    );
    expect(() => kvs({ fillGaps: 'black' as 'repeat' })).toThrow(/'repeat'/);
  });

  it.each(Object.entries(presets))('accepts the preset %s', (_, preset) => {
    expect(kvs(preset)).toMatchObject(preset);
  });
});

describe('the options of HlsFrameSource', () => {
  it('names the camera after the host', () => {
    expect(checkHlsOptions({ url: 'https://example.com:8443/live.m3u8' }).cameraId).toBe('example.com:8443');
  });

  it('does not show the token of a URL in a message', () => {
    const bad = { url: 'ftp://x/getHLSMasterPlaylist.m3u8?SessionToken=CiAsecret~~' };
    const message = messageOf(() => checkHlsOptions(bad));
    expect(message).toMatch(/for url/);
    expect(message).not.toMatch(/CiAsecret/);
    expect(messageOf(() => checkHlsOptions({ url: '' }))).toMatch(/ for url but received an empty one$/);
  });

  it('wants origins, not URLs, in allowedOrigins', () => {
    const url = 'https://example.com/live.m3u8';
    expect(checkHlsOptions({ url, allowedOrigins: ['https://cdn.example.com'] }).allowedOrigins).toHaveLength(
      1,
    );
    const refused = [
      'https://cdn.example.com/x',
      'https://cdn.example.com/',
      'https://CiSECRET:CiSECRET@cdn.example.com',
      'https://cdn.example.com?CiSECRET',
      'https://cdn.example.com:443',
      'https://CDN.example.com',
      'HTTPS://cdn.example.com',
      'https://*.example.com',
      'ftp://cdn.example.com',
      'ws://cdn.example.com',
      'file://CiSECRET',
      'blob:https://cdn.example.com',
      'cdn.example.com',
      'null',
      '*',
      '',
    ];
    for (const origin of refused) {
      const message = messageOf(() => checkHlsOptions({ url, allowedOrigins: [origin] }));
      expect(message).toMatch(/origins such as .* in allowedOrigins/);
      expect(message).not.toContain('CiSECRET');
    }
    for (const origin of [null, 7, {}, ['https://cdn.example.com']]) {
      expect(() => checkHlsOptions({ url, allowedOrigins: [origin as string] })).toThrow(ConfigError);
    }
    for (const origins of ['https://cdn.example.com', {}, new Set(['https://cdn.example.com']), 7]) {
      const options = { url, allowedOrigins: origins as unknown as string[] };
      expect(() => checkHlsOptions(options)).toThrow(ConfigError);
    }
  });
});
