import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { systemClock } from '../../../lib/clock.js';
import { HlsStreamError } from '../../../lib/errors.js';
import { readBody } from '../../../lib/hls/body.js';
import { classify } from '../../../lib/policy/fault.js';
import { Loader, type LoaderOptions, type ResourceKind } from '../../../lib/hls/loader.js';
import { ScriptedServer, status } from './server.js';

const MIB = 1024 * 1024;
let server: ScriptedServer;
let loader: Loader;

function open(options: Partial<LoaderOptions> = {}): void {
  loader.close();
  loader = new Loader({ clock: systemClock, ...options });
}

function load(url: string, kind: ResourceKind = 'fragment', origin = new URL(url).origin) {
  return loader.load({ url, kind, origin, signal: new AbortController().signal });
}

async function failure(...request: Parameters<typeof load>): Promise<HlsStreamError> {
  const error: unknown = await load(...request).then(
    () => new Error('was loaded'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HlsStreamError);
  return error as HlsStreamError;
}

beforeEach(async () => {
  server = await new ScriptedServer().start();
  loader = new Loader({ clock: systemClock });
});

afterEach(async () => {
  loader.close();
  await server.stop();
});

/** Writes pieces for as long as somebody reads. */
function endlessly(response: ServerResponse, piece: Buffer): void {
  const more = (): void => void (response.writable && response.write(piece, more));
  more();
}

describe('a body', () => {
  test.each<[ResourceKind, keyof NonNullable<LoaderOptions['limits']>]>([
    ['master', 'maxPlaylistBytes'],
    ['playlist', 'maxPlaylistBytes'],
    ['init', 'maxInitBytes'],
    ['fragment', 'maxFragmentBytes'],
  ])('of a %s may be as long as %s, announced or not', async (kind, limit) => {
    open({ limits: { [limit]: 1000 } });
    const refusal = {
      code: 'HLS_TOO_LARGE',
      resource: kind,
      message: `The ${kind} is larger than the limit of 1000 bytes; raise limits.${limit}`,
    };
    const unannounced = (bytes: number) => (_: unknown, response: ServerResponse) => {
      response.write(Buffer.alloc(bytes - 1));
      response.end('x');
    };
    server.set('/1000', Buffer.alloc(1000)).set('/1001', Buffer.alloc(1001));
    server.set('/u1000', unannounced(1000)).set('/u1001', unannounced(1001));
    for (const path of ['/1000', '/u1000']) {
      expect((await load(server.origin + path, kind)).bytes).toHaveLength(1000);
    }
    for (const path of ['/1001', '/u1001']) {
      expect(await failure(server.origin + path, kind)).toMatchObject(refusal);
    }
  });

  test('is by default 1 MiB of init section, 4 MiB of playlist and 64 MiB of fragment', async () => {
    const sizes = { init: MIB, master: 4 * MIB, playlist: 4 * MIB, fragment: 64 * MIB };
    for (const [kind, bytes] of Object.entries(sizes)) {
      server.set('/f', (_request, response) => {
        response.writeHead(200, { 'content-length': bytes + 1 }).flushHeaders();
      });
      const error = await failure(`${server.origin}/f`, kind as ResourceKind);
      expect(error.message).toContain(`limit of ${bytes} bytes`);
    }
  });

  test('without an end is refused when it reaches the limit, with the memory of the limit', async () => {
    open({ limits: { maxFragmentBytes: 4 * MIB } });
    server.set('/endless', (_request, response) => endlessly(response, Buffer.alloc(65_536)));
    const before = process.memoryUsage().arrayBuffers;
    expect(await failure(`${server.origin}/endless`)).toMatchObject({ code: 'HLS_TOO_LARGE' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MIB);
  });

  test('that is only announced takes no memory', async () => {
    server.set('/f', (_request, response) => {
      response.writeHead(200, { 'content-length': 64 * MIB }).flushHeaders();
    });
    const stop = new AbortController();
    const before = process.memoryUsage().arrayBuffers;
    const url = `${server.origin}/f`;
    let isAnswered = (): void => {};
    const answered = new Promise<void>((resolve) => (isAnswered = resolve));
    const { origin } = server;
    const loading = loader.load({ url, kind: 'fragment', origin, signal: stop.signal, onBytes: isAnswered });
    await answered;
    await setImmediate();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB);
    stop.abort(new Error('enough'));
    await expect(loading).rejects.toThrow('enough');
  });

  test('that is announced and longer than the memory at first arrives whole, in memory of its own', async () => {
    const bytes = Buffer.alloc(5 * MIB + 3, 'abcdefg');
    server.set('/f', bytes);
    const { bytes: read } = await load(`${server.origin}/f`);
    expect(Buffer.compare(read, bytes)).toBe(0);
    expect(read.buffer.byteLength).toBe(bytes.byteLength);
  });

  test('that no array can hold is refused with the name of the limit', async () => {
    const bytes = 2 ** 50;
    async function* pieces() {
      await Promise.resolve();
      yield { byteLength: bytes };
    }
    const response = { headers: {}, body: pieces() } as unknown as Dispatcher.ResponseData;
    const limit = { name: 'maxFragmentBytes', bytes: 2 * bytes } as const;
    await expect(readBody(response, 'fragment', limit, null, () => {})).rejects.toMatchObject({
      code: 'HLS_TOO_LARGE',
      message: `There is no memory for ${bytes} bytes of the fragment; lower limits.maxFragmentBytes`,
    });
  });

  test('in pieces of a byte each arrives whole', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i & 0xff));
    const pieces = createServer((socket) => {
      socket
        .on('error', () => {})
        .once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
          const chunks = Array.from(bytes, (byte) =>
            Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte, 13, 10)]),
          );
          socket.write(Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]));
        });
    });
    const origin = await listening(pieces);
    try {
      const { bytes: read } = await load(`${origin}/f`);
      expect(Buffer.compare(read, bytes)).toBe(0);
      // It is handed over with its memory: nothing else may be in it.
      expect(read.buffer.byteLength).toBe(bytes.byteLength);
    } finally {
      await ended(pieces);
    }
  });

  test('that is longer than it says is cut where it says, and one that is shorter is not taken', async () => {
    const lying = createServer((socket) => {
      socket
        .on('error', () => {})
        .on('data', (request) => {
          const length = String(request).startsWith('GET /less') ? 2 : 9;
          socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\nabcd`);
        });
    });
    const origin = await listening(lying);
    try {
      expect((await failure(`${origin}/more`)).code).toMatch(/HLS_(NETWORK|TRUNCATED)/);
      const less = await load(`${origin}/less`).catch((error: unknown) => error);
      if (less instanceof Error) expect(less).toMatchObject({ code: 'HLS_NETWORK' });
      else expect(less).toMatchObject({ bytes: Buffer.from('ab') });
    } finally {
      await ended(lying);
    }
  });

  test('that drips is given up at the deadline, however many bytes it has', async () => {
    open({ policies: { playlist: { totalTimeoutMs: 300 } } });
    let drips: NodeJS.Timeout | undefined;
    server.set('/drip', (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      drips = setInterval(() => response.write('x'), 20);
    });
    expect(await failure(`${server.origin}/drip`, 'playlist')).toMatchObject({ code: 'HLS_TIMEOUT' });
    clearInterval(drips);
  });
});

describe('a compressed body', () => {
  test('of ten gigabytes in ten megabytes is refused unread, whatever it is', async () => {
    let sent = 0;
    server.set('/bomb', (request, response) => {
      expect(request.headers['accept-encoding']).toBe('identity');
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.on('data', (piece: Buffer) => (sent += piece.byteLength)).pipe(response);
      response.on('close', () => gzip.destroy());
      const zeros = Buffer.alloc(MIB);
      let left = 10 * 1024;
      const more = (): void => {
        if (left-- > 0 && !gzip.destroyed) gzip.write(zeros, more);
      };
      more();
    });
    const before = process.memoryUsage().arrayBuffers;
    for (const kind of ['master', 'playlist', 'init', 'fragment'] as const) {
      expect(await failure(`${server.origin}/bomb`, kind)).toMatchObject({
        code: 'HLS_UNSUPPORTED',
        message: expect.stringContaining('is compressed (gzip)'),
      });
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB);
    expect(sent).toBeLessThan(4 * MIB);
  });

  test.each(['br', 'deflate', 'gzip, gzip', 'zstd'])('as %s is refused too', async (encoding) => {
    server.set('/f', (_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end('x');
    });
    expect(await failure(`${server.origin}/f`)).toMatchObject({ code: 'HLS_UNSUPPORTED' });
  });
});

describe('a message', () => {
  test.each([
    ['/hls/v1/getMP4MediaFragment.mp4?SessionToken=SECRET', '…/getMP4MediaFragment.mp4 was'],
    ['/live/list_720.m3u8', '…/list_720.m3u8 was'],
    ['/live/index.m3u8;jsessionid=SECRET1a', '…/index.m3u8 was'],
    ['/hls/SECRET1a2b3c.m3u8', '…/….m3u8 was'],
    ['/hls/SECRET1a2b3c', '…/… was'],
    ['/hls/SECRET%201.m3u8', '…/….m3u8 was'],
    [`/hls/${'SECRET'.repeat(7)}.ts`, '…/….ts was'],
    ['/hls/', '…/ was'],
  ])('of %s says %s', async (path, said) => {
    const { message } = await failure(server.origin + path);
    expect(message).toContain(`${new URL(server.origin).host}/${said}`);
    expect(message).not.toContain('SECRET');
  });
});

describe('headers', () => {
  test.each([
    ['one line without an end', (socket: Socket) => socket.write(`X-Long: ${'a'.repeat(65_536)}`)],
    ['lines without an end', (socket: Socket) => socket.write('X-A: b\r\n'.repeat(10_000))],
  ])('of %s are refused', async (_name, write) => {
    const bomb = createServer((socket) => {
      socket
        .on('error', () => {})
        .once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\n');
          const more = (): void => {
            if (!socket.destroyed) write(socket);
          };
          socket.on('drain', more);
          more();
        });
    });
    const origin = await listening(bomb);
    try {
      expect(await failure(`${origin}/f`)).toMatchObject({ code: 'HLS_NETWORK' });
    } finally {
      await ended(bomb);
    }
  });
});

describe('a redirect', () => {
  function redirects(path: string, to: string, code = 302): void {
    server.set(path, status(code, '', { location: to }));
  }

  test('is refused where none may be followed, with what would change that', async () => {
    redirects('/a', '/b');
    server.set('/b', 'x');
    const error = await failure(`${server.origin}/a`);
    expect(error).toMatchObject({ code: 'HLS_STATUS', status: 302 });
    expect(error.message).toContain(
      'redirects are not followed, give the final URL or raise limits.maxRedirects',
    );
    expect(server.times('/b')).toBe(0);
  });

  test('is followed as often as may be, and the answer says where it came from', async () => {
    open({ limits: { maxRedirects: 2 } });
    redirects('/a', '/b', 301);
    redirects('/b', 'c/d?x=1', 307);
    server.set('/c/d', 'whole');
    const result = await load(`${server.origin}/a`);
    expect(Buffer.from(result.bytes).toString()).toBe('whole');
    expect(result.url).toBe(`${server.origin}/c/d?x=1`);
    redirects('/0', '/a');
    const error = await failure(`${server.origin}/0`);
    expect(error).toMatchObject({ code: 'HLS_STATUS', status: 307 });
    expect(error.message).toContain('more often than the limit of 2; raise limits.maxRedirects');
    expect(server.times('/c/d')).toBe(1);
  });

  test.each([
    '/a',
    'http://169.254.169.254/latest',
    'file:///etc/passwd',
    'ftp://127.0.0.1/x',
    'data:text/plain,x',
  ])('to %s leads nowhere', async (target) => {
    open({ limits: { maxRedirects: 3 } });
    redirects('/a', target);
    // What stands in the server's place may be gone soon: a reader tries again.
    const error = await failure(`${server.origin}/a`);
    expect(error).toMatchObject({ code: 'HLS_STATUS', status: 302 });
    expect(classify(error)).toBe('network');
    expect(server.times('/a')).toBe(target === '/a' ? 4 : 1);
  });

  test('to another origin is followed only where that is allowed, and takes no password along', async () => {
    const other = await new ScriptedServer().start();
    try {
      other.set('/f', 'x');
      redirects('/a', `${other.origin}/f`);
      redirects('/same', '/f');
      server.set('/f', 'x');
      const url = server.origin.replace('//', '//name:secret@');
      open({ limits: { maxRedirects: 1 } });
      expect(await failure(`${url}/a`)).toMatchObject({ code: 'HLS_STATUS' });
      expect(other.requests).toHaveLength(0);
      open({ limits: { maxRedirects: 1 }, allowedOrigins: [other.origin] });
      await load(`${url}/a`);
      expect(other.headers.at(-1)).not.toHaveProperty('authorization');
      await load(`${url}/same`);
      expect(server.headers.at(-1)).toHaveProperty('authorization');
    } finally {
      await other.stop();
    }
  });
});

async function listening(bare: Server): Promise<string> {
  bare.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(bare.address() as AddressInfo).port}`;
}

const sockets = new Set<Socket>();

async function ended(bare: Server): Promise<void> {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => bare.close(resolve));
}
