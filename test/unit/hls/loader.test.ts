import type { IncomingMessage } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.js';
import { HlsStreamError, KvsConnectionError } from '../../../lib/errors.js';
import { checkFragment } from '../../../lib/hls/boxes.js';
import { Loader, type LoadEvent, type LoaderOptions, type LoadRequest } from '../../../lib/hls/loader.js';
import { fragmentBytes } from './media.js';
import { ScriptedServer, status } from './server.js';

const TOKEN = 'CiSECRETTOKENSECRETTOKEN~';
let server: ScriptedServer;
let loader: Loader;
let events: LoadEvent[];

function open(options: Partial<LoaderOptions> = {}): Loader {
  loader.close();
  loader = new Loader({
    clock: systemClock,
    onLoad: (event) => events.push(event),
    ...options,
  });
  return loader;
}

function request(path: string, more: Partial<LoadRequest> = {}): LoadRequest {
  const url = `${server.origin}${path}?SessionToken=${TOKEN}&Other=${TOKEN}`;
  return { url, kind: 'fragment', origin: server.origin, signal: new AbortController().signal, ...more };
}

async function failure(path: string, more: Partial<LoadRequest> = {}): Promise<HlsStreamError> {
  try {
    await loader.load(request(path, more));
  } catch (error) {
    expect(error).toBeInstanceOf(HlsStreamError);
    return error as HlsStreamError;
  }
  throw new Error('was loaded');
}

beforeEach(async () => {
  events = [];
  server = await new ScriptedServer().start();
  loader = new Loader({ clock: systemClock });
  open();
});

afterEach(async () => {
  loader.close();
  await server.stop();
});

describe('a body', () => {
  test('arrives whole with its status, headers and times, over kept connections', async () => {
    const bytes = fragmentBytes(1, 300_000);
    server.set('/f', bytes);
    for (let i = 0; i < 3; i++) {
      const result = await loader.load(request('/f'));
      expect(Buffer.compare(result.bytes, bytes)).toBe(0);
      expect(result).toMatchObject({ status: 200, headers: { 'content-length': String(bytes.byteLength) } });
      expect(result.timing.totalMs).toBeGreaterThanOrEqual(result.timing.firstByteMs);
    }
    expect(server.connections).toBeLessThan(3);
    expect(events).toHaveLength(3);
    expect(events[0]).toMatchObject({ kind: 'fragment', status: 200, bytes: bytes.byteLength, result: 'ok' });
  });

  test('without a length is read to its end', async () => {
    server.set('/f', (_request, response) => {
      response.write('abc');
      setImmediate(() => response.end('def'));
    });
    expect(Buffer.from((await loader.load(request('/f'))).bytes).toString()).toBe('abcdef');
  });

  test('is told of as it comes, with its length where that is announced', async () => {
    const bytes = fragmentBytes(1, 300_000);
    const told: [number, number | null][] = [];
    const onBytes = (received: number, total: number | null): void => void told.push([received, total]);
    server.set('/f', (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.byteLength });
      response.end(bytes);
    });
    await loader.load(request('/f', { onBytes }));
    expect(told[0]).toEqual([0, bytes.byteLength]);
    expect(told.at(-1)).toEqual([bytes.byteLength, bytes.byteLength]);
    expect(told.map(([received]) => received)).toEqual(
      told.map(([received]) => received).sort((a, b) => a - b),
    );
    server.set('/chunked', (_request, response) => {
      response.write(bytes.subarray(0, 1000));
      response.end(bytes.subarray(1000));
    });
    await loader.load(request('/chunked', { onBytes }));
    expect(told.at(-1)).toEqual([bytes.byteLength, null]);
  });

  test('is asked for uncompressed, and refused compressed', async () => {
    server.set('/f', (_request, response) => response.setHeader('content-encoding', 'gzip').end('x'));
    expect(await failure('/f')).toMatchObject({ code: 'HLS_UNSUPPORTED' });
    expect(server.headers[0]).toMatchObject({ 'accept-encoding': 'identity' });
  });

  test('comes with a password that the URL holds, and the error does not', async () => {
    const url = `${server.origin.replace('//', '//user:pa%40ss@')}/f`;
    server.set('/f', (incoming, response) => response.end(incoming.headers.authorization));
    const { bytes } = await loader.load({ ...request('/f'), url });
    expect(Buffer.from(bytes).toString()).toBe(`Basic ${Buffer.from('user:pa@ss').toString('base64')}`);
    expect(inspect(await failure('/none', { url: `${url}x` }))).not.toMatch(/pa%40ss|pa@ss/);
  });
});

describe('a byte range', () => {
  const whole = Buffer.from('0123456789');
  const byteRange = { offset: 3, length: 4 };
  const partial = (contentRange: string, body: Uint8Array) =>
    server.set('/f', (_request, response) =>
      response.writeHead(206, { 'content-range': contentRange }).end(body),
    );

  test('is asked for, and taken from a 206', async () => {
    partial('bytes 3-6/10', whole.subarray(3, 7));
    const { bytes } = await loader.load(request('/f', { byteRange }));
    expect(Buffer.from(bytes).toString()).toBe('3456');
    expect(server.headers[0]).toMatchObject({ range: 'bytes=3-6' });
  });

  test('is cut out of a 200', async () => {
    server.set('/f', whole);
    const { bytes } = await loader.load(request('/f', { byteRange }));
    expect(Buffer.from(bytes).toString()).toBe('3456');
  });

  test('that is another one is refused', async () => {
    partial('bytes 0-3/10', whole.subarray(0, 4));
    expect(await failure('/f', { byteRange })).toMatchObject({ code: 'HLS_STATUS', status: 206 });
  });

  test('that is shorter than asked for is truncated', async () => {
    partial('bytes 3-5/6', whole.subarray(3, 6));
    expect(await failure('/f', { byteRange })).toMatchObject({ code: 'HLS_TRUNCATED' });
    server.set('/f', whole.subarray(0, 5));
    expect(await failure('/f', { byteRange })).toMatchObject({ code: 'HLS_TRUNCATED' });
  });
});

describe('a status', () => {
  test('403 means that the session is over', async () => {
    server.set('/p', status(403, 'AccessDeniedException'));
    const error = await failure('/p', { kind: 'playlist' });
    expect(error).toMatchObject({
      code: 'HLS_SESSION_EXPIRED',
      status: 403,
      errorName: 'AccessDeniedException',
      requestId: '0a1b2c3d-0000-4000-8000-00000000cafe',
      resource: 'playlist',
    });
    expect(events).toMatchObject([{ status: 403, bytes: 0, result: 'HLS_SESSION_EXPIRED' }]);
  });

  test('404 is told by its AWS name, and not asked again', async () => {
    expect(await failure('/gone')).toMatchObject({
      code: 'HLS_STATUS',
      status: 404,
      errorName: 'ResourceNotFoundException',
    });
    expect(server.times('/gone')).toBe(1);
  });

  test('that redirects is an error which says so, and nothing is followed', async () => {
    server.set('/r', status(302, '', { location: '/f' })).set('/f', 'x');
    expect((await failure('/r')).message).toContain('redirects are not followed');
    expect(server.times('/f')).toBe(0);
  });

  test('429 keeps the Retry-After', async () => {
    server.set('/p', status(429, '', { 'retry-after': '3' }));
    expect(await failure('/p')).toMatchObject({ code: 'HLS_STATUS', status: 429, retryAfterMs: 3000 });
  });
});

describe('one try', () => {
  test.each([
    ['of a 5xx', status(503), 'HLS_STATUS'],
    ['of a reset', (incoming: IncomingMessage) => void incoming.socket.destroy(), 'HLS_NETWORK'],
    ['of a fragment that is not whole by its boxes', fragmentBytes(4).subarray(0, 20), 'HLS_TRUNCATED'],
  ])('is all that is made, also %s', async (_name, reply, code) => {
    server.set('/f', reply);
    const check = (loaded: Uint8Array): void => void checkFragment(loaded);
    expect(await failure('/f', { check })).toMatchObject({ code });
    expect(server.times('/f')).toBe(1);
    expect(events).toMatchObject([{ bytes: 0, result: code }]);
  });
});

describe('an abort', () => {
  const msUntilAborted = async (url: string, after: () => Promise<unknown>): Promise<number> => {
    const caller = new AbortController();
    const loading = loader.load({
      ...request('/f', { signal: caller.signal }),
      url,
      origin: new URL(url).origin,
    });
    loading.catch(() => {});
    await after();
    const startedMs = performance.now();
    caller.abort(new Error('stopped'));
    await expect(loading).rejects.toThrow('stopped');
    return performance.now() - startedMs;
  };

  test('ends a TLS handshake that nobody answers at once, and close() leaves no socket of it', async () => {
    const closed = new Promise<void>((resolve) => {
      silent = createNetServer((socket) => socket.on('close', resolve).on('error', () => {}));
    });
    const connected = new Promise((resolve) => silent!.once('connection', resolve));
    await new Promise<void>((resolve) => silent!.listen(0, '127.0.0.1', resolve));
    const { port } = silent!.address() as AddressInfo;
    expect(await msUntilAborted(`https://127.0.0.1:${port}/f`, () => connected)).toBeLessThan(2000);
    loader.close();
    await closed;
  });

  test('ends a body that stalls at once', async () => {
    let onRequest = (): void => {};
    const asked = new Promise<void>((resolve) => (onRequest = resolve));
    server.set('/f', (_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('abc', () => onRequest());
    });
    expect(await msUntilAborted(`${server.origin}/f`, () => asked)).toBeLessThan(2000);
    expect(events).toMatchObject([{ kind: 'fragment', bytes: 0, result: 'cancelled' }]);
  });

  test('for a deadline of the caller is told as that, any other as cancelled', async () => {
    server.set('/f', () => {});
    const late = new HlsStreamError('HLS_TIMEOUT', 'It took the caller too long');
    for (const reason of [late, new KvsConnectionError('KVS_DENIED', 'no'), 'enough']) {
      await expect(loader.load(request('/f', { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    }
    expect(events.map(({ result }) => result)).toEqual(['HLS_TIMEOUT', 'cancelled', 'cancelled']);
    expect(events.map(({ status: answered }) => answered)).toEqual([0, 0, 0]);
  });

  let silent: NetServer | undefined;
  afterEach(async () => {
    if (silent?.listening) await new Promise((resolve) => silent!.close(resolve));
  });
});

describe('a connection', () => {
  test('that is cut in the middle of a body gives HLS_NETWORK', async () => {
    server.set('/f', (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('abc', () => response.destroy());
    });
    expect(await failure('/f')).toMatchObject({ code: 'HLS_NETWORK', status: 200 });
    server.set('/chunked', (_request, response) => {
      response.writeHead(200);
      response.write('abc', () => response.destroy());
    });
    expect(await failure('/chunked')).toMatchObject({ code: 'HLS_NETWORK' });
  });

  test('that is refused gives HLS_NETWORK', async () => {
    const gone = await new ScriptedServer().start();
    const { origin } = gone;
    await gone.stop();
    const error = await failure('/f', { origin, url: `${origin}/f?SessionToken=${TOKEN}` });
    expect(error).toMatchObject({ code: 'HLS_NETWORK', message: expect.stringContaining('ECONNREFUSED') });
  });

  test('is cut by close(), and the request fails', async () => {
    server.set('/f', () => loader.close());
    expect(await failure('/f')).toMatchObject({ code: 'HLS_NETWORK' });
  });
});

describe('what a server says', () => {
  test.each(['canarysessiontoken', 'c0ffee42aa17d00dfeed5b1e7744ba5e'])(
    'is not repeated where it may be the session’s secret, such as %s',
    async (secret) => {
      const headers = { 'x-amzn-errortype': secret, 'x-amzn-requestid': secret, 'content-encoding': secret };
      server.set('/f', status(404, '', headers));
      expect(inspect(await failure('/f'))).not.toContain(secret);
      server.set('/f', status(200, '', headers));
      expect(inspect(await failure('/f'))).not.toContain(secret);
      for (const url of [`http://${secret}${secret}.example/f`, `${secret}://host/f`]) {
        const error = await failure('/f', { url });
        expect(error).toMatchObject({ code: 'HLS_FOREIGN_ORIGIN' });
        expect(inspect(error)).not.toContain(secret);
      }
    },
  );

  test.each([
    'InternalFailure',
    'ServiceUnavailable',
    'ResourceNotFoundException',
    'NoDataRetention',
    'ExpiredToken',
  ])('is told where it is a name such as %s', async (errorName) => {
    server.set('/f', status(404, '', { 'x-amzn-errortype': `${errorName}:http://x/` }));
    expect(await failure('/f')).toMatchObject({ code: 'HLS_STATUS', errorName });
  });
});

describe('an origin', () => {
  test("other than the session's is not asked", async () => {
    const other = await new ScriptedServer().start();
    const url = `${other.origin}/f?SessionToken=${TOKEN}`;
    other.set('/f', 'x');
    try {
      expect(await failure('/f', { url })).toMatchObject({ code: 'HLS_FOREIGN_ORIGIN' });
      expect(await failure('/f', { url: 'data:text/plain,x' })).toMatchObject({ code: 'HLS_FOREIGN_ORIGIN' });
      expect(other.requests).toHaveLength(0);
      open({ allowedOrigins: [other.origin] });
      expect((await loader.load(request('/f', { url }))).bytes).toHaveLength(1);
    } finally {
      await other.stop();
    }
  });
});

test('no error shows the token: neither in its message nor anywhere in it', async () => {
  open({ policies: { fragment: { firstByteTimeoutMs: 50 } } });
  server
    .set('/403', status(403))
    .set('/500', status(500, `Odd?SessionToken=${TOKEN}`))
    .set('/302', status(302, '', { location: `/f?SessionToken=${TOKEN}` }))
    .set('/reset', (incoming) => void incoming.socket.destroy())
    .set(
      '/cut',
      (_request, response) =>
        void response.writeHead(200, { 'content-length': '9' }).write('a', () => response.destroy()),
    )
    .set('/silent', () => {});
  for (const path of ['/403', '/404', '/500', '/302', '/reset', '/cut', '/silent']) {
    const error = await failure(path);
    const shown = [
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(error),
      String(error),
      error.stack,
      String(error.cause),
    ];
    expect(shown.join('\n')).not.toContain('SECRET');
  }
});
