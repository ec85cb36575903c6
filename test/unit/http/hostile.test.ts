import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { startHttp } from '../../../lib/http/serve';
import type { HttpServer } from '../../../lib/http/server';
import { fakeSource, listeningLogger } from './fakes';
import { lines, RawClient, say, statusOf } from './raw';
import { HOST } from './served';

const TOKEN = 'a-token-of-24-characters';
/** All that a server with a page has, faults left out. */
const PATHS = [
  '/metrics',
  '/healthz',
  '/readyz',
  '/cameras',
  '/',
  '/page/main.js',
  '/page/icon.svg',
  '/events',
  '/picture.jpg?camera=a&waitMs=0',
];

describe('a client that means no good', () => {
  let server: HttpServer;
  const logger = listeningLogger();
  const start = (options: { token?: string } = {}): Promise<HttpServer> =>
    startHttp({
      sources: [fakeSource('a', 'flowing')],
      page: true,
      port: 0,
      registry: new Registry(),
      logger,
      ...options,
    });
  beforeAll(async () => {
    server = await start({ token: TOKEN });
  });
  afterAll(() => server.close());
  const trusted = `${HOST}\r\nAuthorization: Bearer ${TOKEN}`;

  it.each([
    ['/page/../../../../etc/passwd'],
    ['/page/..%2f..%2f..%2f..%2fetc%2fpasswd'],
    ['/page/%2e%2e/%2e%2e/package.json'],
    ['/page/%252e%252e%252fpackage.json'],
    ['/page/%252e%252e/package.json'],
    ['/page/..%5c..%5cpackage.json'],
    ['/page/..\\..\\package.json'],
    ['/page/%c0%ae%c0%ae/package.json'],
    ['/page/%e0%80%ae%e0%80%ae/package.json'],
    ['/page/%ef%bc%8e%ef%bc%8e/package.json'],
    ['/page/%e2%80%a5/package.json'],
    ['/page/%u002e%u002e/package.json'],
    ['/page/main.js%00.png'],
    ['/page//etc/passwd'],
    ['//etc/passwd'],
    ['/etc/passwd'],
    ['file:///etc/passwd'],
    ['http://localhost/metrics'],
    ['/page/./main.js'],
    ['/page/tsconfig.json'],
    ['/page/'],
    ['/page'],
    ['/page/main.js/'],
    ['/page/MAIN.JS'],
    ['/page/__proto__'],
    ['/constructor'],
  ])('gets no file but those of the page: %s', async (target) => {
    const answer = await say(server.url, lines(`GET ${target} HTTP/1.1`, trusted));
    expect([400, 404]).toContain(statusOf(answer));
    const [, body = ''] = answer.split('\r\n\r\n');
    expect(body).toMatch(/^(The URL is malformed|Not found\. Here are: .*|This is not HTTP)\n$/);
  });

  it.each([
    ['two lengths', 'POST', ['Content-Length: 2', 'Content-Length: 3'], '{}'],
    ['two lengths in one', 'POST', ['Content-Length: 2, 2'], '{}'],
    ['a length and pieces', 'POST', ['Content-Length: 2', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['pieces and a length', 'POST', ['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'],
    ['an unknown transfer encoding', 'POST', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
    ['pieces twice', 'POST', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'],
    ['a blank before the colon', 'POST', ['Transfer-Encoding : chunked'], '0\r\n\r\n'],
    ['a folded header', 'POST', ['X: a\r\n Transfer-Encoding: chunked'], ''],
    ['a length with a sign', 'POST', ['Content-Length: +2'], '{}'],
    ['a body of a GET', 'GET', ['Content-Length: 40'], 'GET /cameras HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a bare line end', 'GET', ['X: a\nY: b'], ''],
    ['NUL in a header', 'GET', ['X: a\0b'], ''],
  ])('smuggles no request past a proxy: %s', async (_, method, headers, body) => {
    const inside = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const client = new RawClient(server.url);
    client.send(
      `${[`${method} /cameras HTTP/1.1`, trusted, ...headers, '', ''].join('\r\n')}${body}${inside}`,
    );
    const answer = await client.ended;
    // At most one answer, that it is not taken, and the connection's end: what came behind is not read.
    expect(answer).toMatch(/^(HTTP\/1\.1 400 [^]*connection: close[^]*)?$/i);
    expect(answer).not.toMatch(/HTTP\/1[^]*HTTP\/1/);
  });

  it('finds nothing out about the server but what it is for', async () => {
    const open = await start();
    for (const { url } of [server, open]) {
      for (const path of [...PATHS, '/none', '/%zz']) {
        for (const host of ['localhost', 'evil.example']) {
          const client = new RawClient(url).send(lines(`GET ${path} HTTP/1.1`, `Host: ${host}`));
          const [head = ''] = (await client.until(/\r\n\r\n/)).split('\r\n\r\n');
          client.socket.destroy();
          expect(head).toMatch(/^HTTP\/1\.1 \d{3} /);
          expect(head).not.toMatch(/^(server|x-powered-by|via|access-control-[\w-]+):/im);
          expect(head).toMatch(/^content-security-policy: default-src 'none';.*frame-ancestors 'none'/im);
          expect(head).toMatch(/^x-content-type-options: nosniff$/im);
          expect(head).toMatch(/^referrer-policy: no-referrer$/im);
          expect(head).toMatch(/^cross-origin-resource-policy: same-origin$/im);
          expect(head).toMatch(/^cross-origin-opener-policy: same-origin$/im);
          expect(head).toMatch(/^cache-control: (no-store|no-cache)$/im);
        }
      }
    }
    await open.close();
  });

  it('may not ask from a page of another origin, nor ask whether it may', async () => {
    for (const path of PATHS) {
      const preflight = await say(
        server.url,
        lines(
          `OPTIONS ${path} HTTP/1.1`,
          trusted,
          'Origin: http://evil.example',
          'Access-Control-Request-Method: POST',
        ),
      );
      expect([path, statusOf(preflight)]).toEqual([path, 405]);
      const embedded = await say(
        server.url,
        lines(`GET ${path} HTTP/1.1`, trusted, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'),
      );
      expect([path, statusOf(embedded)]).toEqual([path, 403]);
      const rebound = await say(
        server.url,
        lines(`GET ${path} HTTP/1.1`, 'Host: evil.example', `Authorization: Bearer ${TOKEN}`),
      );
      expect([path, statusOf(rebound)]).toEqual([path, 421]);
    }
  });

  it.each(['TRACE', 'CONNECT', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'UPGRADE-ME'])(
    'gets nothing by %s',
    async (method) => {
      const answer = await say(server.url, lines(`${method} /cameras HTTP/1.1`, trusted, 'X-Echo: mirror'));
      expect([0, 400, 405]).toContain(statusOf(answer));
      expect(answer).not.toContain('mirror');
      expect(answer).not.toContain(TOKEN);
    },
  );

  it('makes no connection something else', async () => {
    const answer = await say(
      server.url,
      ['GET /healthz HTTP/1.1', HOST, 'Connection: Upgrade, close', 'Upgrade: websocket', '', ''].join(
        '\r\n',
      ),
    );
    expect([0, 200]).toContain(statusOf(answer));
  });

  it('is answered before it has sent more than may be sent', async () => {
    const long = 'x'.repeat(20_000);
    expect(statusOf(await say(server.url, lines(`GET /${long} HTTP/1.1`, HOST)))).toBe(431);
    const many = Array.from({ length: 2_000 }, (_, i) => `a${i}: b`);
    expect(statusOf(await say(server.url, lines('GET /healthz HTTP/1.1', HOST, ...many)))).toBe(431);
    // More headers than are kept: those that matter must not be pushed out, or the request is refused.
    const some = Array.from({ length: 100 }, (_, i) => `a${i}: b`);
    const pushed = await say(server.url, lines('GET /cameras HTTP/1.1', ...some, trusted));
    expect([400, 401, 421]).toContain(statusOf(pushed));
    const status = await new Promise((resolve) => {
      const { port } = new URL(server.url);
      const headers = { 'content-type': 'application/json', 'x-requested-with': 'x', expect: '100-continue' };
      const asked = httpRequest({ port, method: 'POST', path: '/faults', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', () => {});
      asked.flushHeaders();
    });
    expect([401, 404]).toContain(status);
  });

  it('leaves nothing of the token in the log, however it is sent', async () => {
    const words = [
      lines('GET /cameras HTTP/1.1', HOST, `Authorization: Bearer ${TOKEN}x`),
      lines(`GET /cameras?token=${TOKEN} HTTP/1.1`, HOST),
      lines(`GET /${TOKEN}?token=${TOKEN} HTTP/1.1`, trusted),
      lines(`GET /?token=${TOKEN} HTTP/1.1`, HOST),
      lines(`GET /?token=${TOKEN} HTTP/1.1`, `Host: ${TOKEN}`),
      lines(`GET /picture.jpg?camera=${TOKEN} HTTP/1.1`, trusted),
      `${TOKEN}\r\n\r\n`,
    ];
    for (const one of words) expect(await say(server.url, one)).not.toContain(TOKEN);
    expect(logger.said.join('\n')).not.toContain(TOKEN);
  });
});
