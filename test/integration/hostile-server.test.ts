import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { inspect } from 'node:util';
import { HlsStreamError } from '../../lib/errors.js';
import type { LoaderOptions } from '../../lib/hls/loader.js';
import { systemClock } from '../../lib/clock.js';
import { Canaries, watchedSockets } from '../support/canaries.js';
import { Bench, numbers } from '../unit/hls/bench.js';
import { fragmentBytes, initBytes } from '../unit/hls/media.js';
import { fastClock, status } from '../unit/hls/server.js';

const TOKEN = 'CiSECRETTOKENSECRETTOKEN~';
const VARIANT = '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.4d4029"';

let bench: Bench;
let canaries: Canaries;
let sockets: string[];
let port: number;

beforeEach(async () => {
  bench = new Bench();
  await bench.server.start();
  port = Number(new URL(bench.server.origin).port);
  canaries = await Canaries.beside(port);
  sockets = watchedSockets();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await bench.stop();
  await canaries[Symbol.asyncDispose]();
});

/** One address that is not to be asked, in each way that somebody may write it; `P` is the port that is read from. */
const SPELLINGS: readonly (readonly [what: string, uri: string])[] = [
  ['another port', 'http://127.0.0.1:CANARY/x'],
  ['another host', 'http://127.0.0.2:P/x'],
  ['IPv6', 'http://[::1]:P/x'],
  ['IPv4 within IPv6', 'http://[::ffff:127.0.0.2]:P/x'],
  ['the own address within IPv6', 'http://[::ffff:127.0.0.1]:P/x'],
  ['a name', 'http://localhost:P/x'],
  ['a name with a dot', 'http://localhost.:P/x'],
  ['a decimal', 'http://2130706434:P/x'],
  ['a hexadecimal', 'http://0x7f000002:P/x'],
  ['octals', 'http://0177.0.0.02:P/x'],
  ['mixed numbers', 'http://0x7f.2:P/x'],
  ['fewer numbers', 'http://127.2:P/x'],
  ['a trailing dot', 'http://127.0.0.2.:P/x'],
  ['full-width digits', 'http://１２７.０.０.２:P/x'],
  ['ideographic dots', 'http://127。0。0。2:P/x'],
  ['percent signs', 'http://%31%32%37.0.0.2:P/x'],
  ['upper case', 'HTTP://127.0.0.2:P/x'],
  ['no scheme', '//127.0.0.2:P/x'],
  ['backslashes', '\\\\127.0.0.2:P\\x'],
  ['a slash and a backslash', '/\\127.0.0.2:P/x'],
  ['a scheme and backslashes', 'http:\\\\127.0.0.2:P\\x'],
  ['three slashes', 'http:///127.0.0.2:P/x'],
  ['a tab in the scheme', 'ht\ttp://127.0.0.2:P/x'],
  ['the own address as user', 'http://127.0.0.1:P@127.0.0.2:P/x'],
  ['https', 'https://127.0.0.1:P/x'],
  ['https in odd case', 'hTTps://127.0.0.1:P/x'],
  ['the metadata service', 'http://169.254.169.254/latest/meta-data/'],
  ['the metadata service, decimal', 'http://2852039166/latest/meta-data/'],
  ['the metadata service, hexadecimal', 'http://0xa9fea9fe/latest/meta-data/'],
  ['the metadata service, octal', 'http://0251.0376.0251.0376/latest/meta-data/'],
  ['the metadata service, IPv6', 'http://[::ffff:a9fe:a9fe]/latest/meta-data/'],
  ['the metadata service of containers', 'http://169.254.170.2/v2/credentials'],
  ['the metadata service by name', 'http://metadata.google.internal./'],
  ['any address', 'http://0.0.0.0:CANARY/x'],
  ['a file', 'file:///etc/hostname'],
  ['a file in upper case', 'FILE:///etc/hostname'],
  ['a file of a host', 'file://127.0.0.1:P/etc/hostname'],
  ['data', 'data:application/octet-stream;base64,R0FA'],
  ['FTP', 'ftp://127.0.0.1:P/x'],
  ['a script', 'javascript:0'],
  ['a Unix socket', 'unix:/var/run/docker.sock'],
  ['a Unix socket over HTTP', 'http://unix:/var/run/docker.sock:/x'],
  ['a web socket', 'ws://127.0.0.1:P/x'],
  ['a blob', 'blob:http://127.0.0.1:P/x'],
  ['gopher', 'gopher://127.0.0.2:P/_GET'],
  ['a protocol of libav', 'concat:http://127.0.0.2:P/x|/etc/hostname'],
  ['another protocol of libav', 'tcp://127.0.0.2:P'],
];

const spelt = (uri: string): string =>
  uri.replaceAll('CANARY', `${canaries.port}`).replaceAll('P', `${port}`);

/** A list of two fragments, at `/list.m3u8`, with lines put before the first or the whole. */
function serveList({
  head = [],
  first = 'f0.mp4',
  init = 'init.mp4',
}: {
  head?: string[];
  first?: string;
  init?: string;
}): void {
  const lines = ['#EXTM3U', '#EXT-X-TARGETDURATION:2', ...head, `#EXT-X-MAP:URI="${init}"`];
  lines.push('#EXTINF:2,', first, '#EXTINF:2,', 'f1.mp4', '#EXT-X-ENDLIST');
  bench.server
    .set('/list.m3u8', lines.join('\n'))
    .set('/init.mp4', initBytes(1))
    .set('/f0.mp4', fragmentBytes(0))
    .set('/f1.mp4', fragmentBytes(1));
}

const sessionUrl = (path: string): string => `${bench.server.origin}${path}?SessionToken=${TOKEN}`;

/** Reads a playlist; nobody else may have been asked anything, and no error may show the token. */
async function read(
  path: string,
  options: Partial<LoaderOptions> = {},
): Promise<{ seen: number[]; error: unknown }> {
  const other = new Bench({ clock: systemClock, ...options });
  const from = bench.follower({ clock: fastClock(200), loader: other.loader });
  const { fragments, error } = await bench.read(from, { url: sessionUrl(path) });
  other.loader.close();
  expect(canaries.requests).toEqual([]);
  expect(new Set(sockets)).toEqual(new Set([`127.0.0.1:${port}`]));
  expect(inspect(error, { depth: 9 }) + bench.warnings.join('\n')).not.toContain('SECRET');
  return { seen: numbers(fragments), error };
}

describe.each(SPELLINGS)('%s: %s is not asked', (_, uri) => {
  test('as a variant, a fragment or an init section; and the error says where it is', async () => {
    const refusal =
      /^A (playlist|fragment|init) is at \S+, but the session is at http:\/\/127\.0\.0\.1:\d+; add it to allowedOrigins/;
    bench.server.set('/master.m3u8', ['#EXTM3U', VARIANT, spelt(uri)].join('\n'));
    const variant = await read('/master.m3u8');
    serveList({ first: spelt(uri) });
    const fragment = await read('/list.m3u8');
    serveList({ init: spelt(uri) });
    const init = await read('/list.m3u8');
    for (const { seen, error } of [variant, fragment, init]) {
      expect(seen).toEqual([]);
      expect(error).toBeInstanceOf(HlsStreamError);
      const { code, message } = error as HlsStreamError;
      if (code !== 'HLS_PLAYLIST_INVALID')
        expect([code, message]).toEqual(['HLS_FOREIGN_ORIGIN', expect.stringMatching(refusal)]);
    }
  });
});

test('what only looks like another host is asked for where the session is', async () => {
  for (const first of [
    `http://127.0.0.1:${port}\\@127.0.0.2:${port}/f0.mp4`,
    'concat/127.0.0.2',
    './/127.0.0.2/f0.mp4',
    '?http://127.0.0.2',
  ]) {
    serveList({ first });
    const { seen, error } = await read('/list.m3u8');
    expect([seen.at(-1), error]).toEqual([1, undefined]);
  }
});

describe('what is no variant, fragment or init section', () => {
  test('is not asked for, wherever it is said to be', async () => {
    const there = `${canaries.origin}/x`;
    serveList({
      head: [
        `#EXT-X-KEY:METHOD=NONE,URI="${there}"`,
        `#EXT-X-PART-INF:PART-TARGET=1`,
        `#EXT-X-PART:DURATION=1,URI="${there}"`,
        `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${there}"`,
        `#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="${there}"`,
        `#EXT-X-RENDITION-REPORT:URI="${there}",LAST-MSN=1`,
        `#EXT-X-DATERANGE:ID="a",CLASS="com.apple.hls.interstitial",START-DATE="2026-11-22T10:15:30Z",X-ASSET-URI="${there}"`,
      ],
    });
    bench.server.set(
      '/master.m3u8',
      [
        '#EXTM3U',
        `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,AUTOSELECT=YES,URI="${there}"`,
        `#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID="v",NAME="v",DEFAULT=YES,AUTOSELECT=YES,URI="${there}"`,
        `#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="${there}"`,
        `#EXT-X-SESSION-DATA:DATA-ID="a",URI="${there}"`,
        `#EXT-X-SESSION-KEY:METHOD=NONE,URI="${there}"`,
        `#EXT-X-CONTENT-STEERING:SERVER-URI="${there}"`,
        `${VARIANT},AUDIO="a",VIDEO="v"`,
        'list.m3u8',
      ].join('\n'),
    );
    expect(await read('/master.m3u8')).toEqual({ seen: [0, 1], error: undefined });
  });

  test.each(['AES-128', 'SAMPLE-AES', 'SAMPLE-AES-CTR'])(
    'a key of %s is not fetched: the stream is refused',
    async (method) => {
      for (const key of [
        `${canaries.origin}/key`,
        'key.bin',
        'file:///etc/hostname',
        'data:,0123456789abcdef',
      ]) {
        serveList({ head: [`#EXT-X-KEY:METHOD=${method},URI="${key}"`] });
        expect((await read('/list.m3u8')).error).toMatchObject({ code: 'HLS_UNSUPPORTED' });
        const tag = `#EXT-X-SESSION-KEY:METHOD=${method},URI="${key}"`;
        bench.server.set('/master.m3u8', ['#EXTM3U', tag, VARIANT, 'list.m3u8'].join('\n'));
        expect((await read('/master.m3u8')).error).toMatchObject({ code: 'HLS_UNSUPPORTED' });
      }
      expect(bench.server.requests.filter((path) => path.includes('key'))).toEqual([]);
    },
  );

  test('headers of answers lead nowhere', async () => {
    const there = `${canaries.origin}/x`;
    serveList({});
    for (const path of ['/list.m3u8', '/init.mp4', '/f0.mp4', '/f1.mp4']) {
      const body = bench.server.replyTo(path) as string | Uint8Array;
      bench.server.set(path, (_request, response) => {
        const port = canaries.port;
        response.writeHead(200, {
          refresh: `0; url=${there}`,
          link: [`<${there}>; rel=preload; as=fetch`, `<${there}>; rel=preconnect`],
          location: there,
          'content-location': there,
          'alt-svc': `h2="127.0.0.1:${port}"; ma=86400, http/1.1="127.0.0.1:${port}"`,
          'strict-transport-security': 'max-age=86400',
          'set-cookie': 'a=b',
          'access-control-allow-origin': '*',
        });
        response.end(body);
      });
    }
    expect(await read('/list.m3u8')).toEqual({ seen: [0, 1], error: undefined });
    expect(bench.server.headers.flatMap((headers) => Object.keys(headers))).not.toContain('cookie');
  });

  test('a proxy that the environment names is not used', async () => {
    const names = [
      'HTTP_PROXY',
      'http_proxy',
      'HTTPS_PROXY',
      'https_proxy',
      'ALL_PROXY',
      'all_proxy',
      'NODE_USE_ENV_PROXY',
    ];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : canaries.origin;
    try {
      serveList({});
      expect(await read('/list.m3u8')).toEqual({ seen: [0, 1], error: undefined });
    } finally {
      names.forEach((name, i) => {
        if (before[i] === undefined) delete process.env[name];
        else process.env[name] = before[i];
      });
    }
  });
});

describe('a redirect', () => {
  const STATUSES = [300, 301, 302, 303, 305, 307, 308];
  const PATHS = ['/master.m3u8', '/list.m3u8', '/init.mp4', '/f0.mp4'];

  function serveAll(): void {
    serveList({});
    bench.server.set('/master.m3u8', ['#EXTM3U', VARIANT, 'list.m3u8'].join('\n'));
  }

  test.each(STATUSES)('of status %i is not followed, wherever it leads', async (code) => {
    for (const path of PATHS) {
      for (const location of [
        `${canaries.origin}/x`,
        '//127.0.0.2:P/x',
        'file:///etc/hostname',
        '/elsewhere',
      ]) {
        serveAll();
        bench.server.set(path, status(code, '', { location: spelt(location) }));
        const { seen, error } = await read('/master.m3u8');
        expect(seen).toEqual([]);
        expect(error).toMatchObject({ code: 'HLS_STATUS', status: code });
        expect((error as Error).message).toContain('redirects are not followed');
      }
    }
    expect(bench.server.requests.filter((path) => path.includes('elsewhere'))).toEqual([]);
  });

  test('is followed to no other origin, however that is spelt, where some are allowed', async () => {
    const limits = { maxRedirects: 3 };
    for (const [, uri] of SPELLINGS) {
      const location = encodeURI(spelt(uri).replace('\t', ''))
        .replaceAll('%5C', '\\')
        .replaceAll('%25', '%')
        .replaceAll('%5B', '[')
        .replaceAll('%5D', ']');
      for (const path of PATHS) {
        serveAll();
        // By way of the own origin, which is allowed.
        bench.server.set('/hop', status(307, '', { location }));
        bench.server.set(path, status(302, '', { location: '/hop' }));
        const { seen, error } = await read('/master.m3u8', { limits });
        expect(seen).toEqual([]);
        expect(error).toBeInstanceOf(HlsStreamError);
        expect(['HLS_FOREIGN_ORIGIN', 'HLS_STATUS']).toContain((error as HlsStreamError).code);
      }
    }
  });
});
