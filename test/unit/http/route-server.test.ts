import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { ConfigError } from '../../../lib/errors';
import type { Route } from '../../../lib/http/route';
import { settled } from '../../support/fake-clock';
import { listeningLogger } from './fakes';
import { lines, RawClient, say, statusOf } from './raw';
import { HOST, servers, text } from './served';

describe('the server of routes', () => {
  const { serve, close } = servers();
  afterEach(close);

  describe('routes', () => {
    it('are found by a path, or a pattern of all of it', async () => {
      const { url } = await serve([text('/a'), text(/^\/cameras\/(.+)\/picture$/)]);
      expect(await (await fetch(`${url}/a`)).text()).toBe('here ');
      const camera = encodeURIComponent('gate 1/é');
      expect(await (await fetch(`${url}/cameras/${camera}/picture`)).text()).toBe('here gate 1/é');
      expect((await fetch(`${url}/a/`)).status).toBe(404);
      expect((await fetch(`${url}/cameras/x/picture/y`)).status).toBe(404);
      expect(await (await fetch(`${url}/b`)).text()).toBe('Not found. Here are: /a\n');
    });

    it('answer HEAD without a body, also where they would stream for ever', async () => {
      const stream = text('/stream', {
        handle: ({ signal }, response) =>
          new Promise((resolve) => {
            response.writeHead(200, { 'content-type': 'text/event-stream' }).write('more');
            signal.addEventListener('abort', () => resolve());
          }),
      });
      const { url } = await serve([text('/a'), stream]);
      const answer = await say(url, lines('HEAD /stream HTTP/1.1', HOST));
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*text\/event-stream[\s\S]*\r\n\r\n$/);
      expect((await fetch(`${url}/a`, { method: 'HEAD' })).status).toBe(200);
    });

    it('answer 405 with what is possible', async () => {
      const { url } = await serve([text('/a'), text('/b', { method: 'POST' })]);
      const deleted = await fetch(`${url}/a`, { method: 'DELETE' });
      expect([deleted.status, deleted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      const got = await fetch(`${url}/b`);
      expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
      expect((await fetch(`${url}/c`, { method: 'PUT' })).status).toBe(404);
    });

    it('fail with 500 and without their words, which the log has', async () => {
      const logger = listeningLogger();
      const handle = (): never => {
        throw new Error('secret place');
      };
      const { url } = await serve(
        [text('/sync', { handle }), text('/async', { handle: () => Promise.resolve().then(handle) })],
        {
          logger,
        },
      );
      for (const path of ['/sync', '/async']) {
        const answer = await fetch(`${url}${path}?x=1`);
        expect([answer.status, await answer.text()]).toEqual([
          500,
          'Something went wrong; the log says what\n',
        ]);
      }
      expect(logger.said).toEqual([
        'GET /sync failed: Error: secret place',
        'GET /async failed: Error: secret place',
      ]);
    });

    it('fail with 400 and the words of a ConfigError', async () => {
      const handle = (): never => {
        throw new ConfigError('Expected a camera');
      };
      const { url } = await serve([text('/a', { handle })]);
      const answer = await fetch(`${url}/a`);
      expect([answer.status, await answer.text()]).toEqual([400, 'Expected a camera\n']);
    });

    it('that fail half-way end the connection, so that half does not look whole', async () => {
      const handle: Route['handle'] = (_request, response) => {
        response.writeHead(200).write('half');
        throw new Error('no more');
      };
      const { url } = await serve([text('/a', { handle })]);
      const answer = await fetch(`${url}/a`)
        .then((got) => got.text())
        .catch((error: Error) => error.name);
      expect(answer).toBe('TypeError');
    });

    it('that write after the end do no harm', async () => {
      const logger = listeningLogger();
      const handle: Route['handle'] = (_request, response) => {
        response.end('all');
        response.write('more');
      };
      const { url } = await serve([text('/a', { handle })], { logger });
      expect(await (await fetch(`${url}/a`)).text()).toBe('all');
      expect(logger.said).toEqual([expect.stringMatching(/write after end/)]);
    });
  });

  describe('headers', () => {
    it('are strict on every answer, and no-store unless the route says otherwise', async () => {
      const cached = text('/cached', {
        handle: (_request, response) => void response.writeHead(200, { 'cache-control': 'no-cache' }).end(),
      });
      const { url } = await serve([text('/a'), cached], { allowedHosts: ['x'] });
      const answers = await Promise.all([
        say(url, lines('GET /a HTTP/1.1', HOST)),
        say(url, lines('GET /none HTTP/1.1', HOST)),
        say(url, lines('GET /a HTTP/1.1', 'Host: evil.example')),
        say(url, lines('GET /%zz HTTP/1.1', HOST)),
        say(url, lines('GET /a HTTP/1.1', HOST, 'Expect: everything')),
        say(url, 'nonsense\r\n\r\n'),
        say(url, lines('GET /a HTTP/1.1', HOST, `X: ${'x'.repeat(9000)}`)),
      ]);
      expect(answers.map(statusOf)).toEqual([200, 404, 421, 400, 200, 400, 431]);
      for (const answer of answers) {
        const head = answer.toLowerCase();
        expect(head).toContain(
          "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; " +
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
        );
        expect(head).toContain('x-content-type-options: nosniff\r\n');
        expect(head).toContain('referrer-policy: no-referrer\r\n');
        expect(head).toContain('cache-control: no-store\r\n');
        expect(head).toContain('cross-origin-opener-policy: same-origin\r\n');
        expect(head).toContain('cross-origin-resource-policy: same-origin\r\n');
        expect(head).not.toContain('access-control-');
      }
      expect((await fetch(`${url}/cached`)).headers.get('cache-control')).toBe('no-cache');
    });
  });

  describe('bodies', () => {
    const post = (url: string, body: string | ReadableStream): Promise<Response> =>
      fetch(`${url}/a`, {
        method: 'POST',
        body,
        duplex: 'half',
        headers: { 'content-type': 'application/json', 'x-requested-with': 'test' },
      });
    const echo = text('/a', {
      method: 'POST',
      handle: ({ json }, response) => void response.end(JSON.stringify({ got: json })),
    });

    it('are JSON of at most 4 KiB', async () => {
      const { url } = await serve([echo]);
      expect(await (await post(url, '{"a":[1,"é"]}')).json()).toEqual({ got: { a: [1, 'é'] } });
      expect(await (await post(url, '')).json()).toEqual({});
      expect((await post(url, '{')).status).toBe(400);
      expect((await post(url, JSON.stringify('x'.repeat(4094)))).status).toBe(200);
      expect((await post(url, JSON.stringify('x'.repeat(4095)))).status).toBe(413);
    });

    it('are refused where they only say in the course of things how long they are', async () => {
      const { url } = await serve([echo]);
      const start = `POST /a HTTP/1.1\r\n${HOST}\r\nX-Requested-With: x\r\nContent-Type: application/json\r\n`;
      const chunk = `800\r\n${' '.repeat(0x800)}\r\n`;
      const answer = await say(url, `${start}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}`);
      expect(statusOf(answer)).toBe(413);
      expect(answer).toMatch(/connection: close/i);
      const invalid = `${start}Content-Length: 2\r\nConnection: close\r\n\r\n\xc3\x28`;
      const client = new RawClient(url);
      client.socket.write(Buffer.from(invalid, 'latin1'));
      expect(statusOf(await client.ended)).toBe(400);
    });

    it('are not for GET', async () => {
      const { url } = await serve([text('/a')]);
      expect(statusOf(await say(url, `${lines('GET /a HTTP/1.1', HOST, 'Content-Length: 2')}{}`))).toBe(400);
    });

    it('that break off harm nobody', async () => {
      const logger = listeningLogger();
      const { url } = await serve([echo, text('/b')], { logger });
      const start = lines('POST /a HTTP/1.1', HOST, 'X-Requested-With: x', 'Content-Type: application/json');
      const client = new RawClient(url).send(start.replace('\r\n\r\n', '\r\nContent-Length: 10\r\n\r\n{'));
      await settled();
      client.socket.end();
      await client.ended;
      expect((await fetch(`${url}/b`)).status).toBe(200);
      expect(logger.said).toEqual([]);
    });
  });

  describe('an address', () => {
    it('that is taken is told with its port, and what to do', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => taken.once('listening', resolve));
      const { port } = taken.address() as AddressInfo;
      const refused = serve([], { port });
      await expect(refused).rejects.toThrow(ConfigError);
      await expect(refused).rejects.toThrow(`Port ${port} of 127.0.0.1 is taken`);
      await expect(refused).rejects.toThrow(/give another port, or 0 for a free one/);
      taken.close();
    });

    it('that is not of this machine, or no address, is told', async () => {
      for (const host of ['192.0.2.1', 'no-such-host.invalid']) {
        await expect(serve([], { host })).rejects.toThrow(
          `Expected an address of this machine for host, such as 127.0.0.1 or 0.0.0.0, but received ${host}`,
        );
      }
    });

    it('may be a name', async () => {
      const { url } = await serve([text('/a')], { host: 'localhost' });
      expect(url).toMatch(/^http:\/\/(127\.0\.0\.1|\[::1\]):\d+$/);
      expect((await fetch(`${url}/a`)).status).toBe(200);
    });
  });
});
