import { afterEach, describe, expect, it } from '@jest/globals';
import { FakeClock, settled } from '../../support/fake-clock';
import { lines, RawClient, statusOf } from './raw';
import { HOST, servers, text } from './served';

describe('what clients are granted', () => {
  const { serve, close } = servers();
  afterEach(close);

  describe('clients', () => {
    it('that do not say what they want are not waited for', async () => {
      const { url } = await serve([text('/a')], { limits: { headersMs: 100, requestMs: 100, checkMs: 20 } });
      const slow = new RawClient(url).send(`GET /a HTTP/1.1\r\n${HOST}\r\nX: `);
      expect(statusOf(await slow.ended)).toBe(408);
      expect(statusOf(await new RawClient(url).ended)).toBe(408);
      const start = lines('POST /a HTTP/1.1', HOST, 'X-Requested-With: x', 'Content-Type: application/json');
      const never = new RawClient(url).send(start.replace('\r\n\r\n', '\r\nContent-Length: 10\r\n\r\n{'));
      await never.ended;
      expect((await fetch(`${url}/a`)).status).toBe(200);
    });

    it('may ask for the next thing before the answer, but not for everything at once', async () => {
      const { url } = await serve([text('/a')]);
      const one = `GET /a HTTP/1.1\r\n${HOST}\r\n\r\n`;
      const client = new RawClient(url).send(one.repeat(3));
      await client.until(/(here[\s\S]*){3}/);
      client.send(lines('GET /a HTTP/1.1', HOST));
      expect((await client.ended).match(/here/g)).toHaveLength(4);
      let asked = 0;
      const slow = text('/slow', { handle: () => void (asked += 1) });
      const other = await serve([slow]);
      await new RawClient(other.url).send(one.replace('/a', '/slow').repeat(100)).ended;
      expect(asked).toBe(8);
    });

    it('that do not take an answer are cut off', async () => {
      const clock = new FakeClock();
      const large = text('/large', {
        handle: (_request, response) => void response.end(Buffer.alloc(32 << 20)),
      });
      const { url } = await serve([large], { clock });
      const client = new RawClient(url).send(`GET /large HTTP/1.1\r\n${HOST}\r\n\r\n`);
      await client.until(/HTTP/);
      client.socket.pause();
      clock.step(10_000);
      client.socket.resume();
      expect((await client.ended).length).toBeLessThan(32 << 20);
    });

    it('are not kept waiting for ever by a route', async () => {
      const clock = new FakeClock();
      let signal: AbortSignal | undefined;
      const hung = text('/hung', { handle: (request) => ((signal = request.signal), new Promise(() => {})) });
      const { url } = await serve([hung], { clock });
      const client = new RawClient(url).send(lines('GET /hung HTTP/1.1', HOST));
      while (signal === undefined) await settled();
      expect(signal.aborted).toBe(false);
      clock.step(30_000);
      expect(statusOf(await client.ended)).toBe(503);
      expect(signal.aborted).toBe(true);
      expect(clock.pending).toBe(0);
    });

    it('may watch a stream for as long as they like', async () => {
      const clock = new FakeClock();
      const stream = text('/stream', {
        handle: async ({ signal }, response) => {
          response.writeHead(200).write('begun');
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          response.end('the end');
        },
      });
      const server = await serve([stream], { clock });
      const client = new RawClient(server.url).send(`GET /stream HTTP/1.1\r\n${HOST}\r\n\r\n`);
      await client.until(/begun/);
      await clock.advance(3_600_000);
      expect(client.socket.closed).toBe(false);
      expect(client.text).not.toMatch(/the end/);
      await server.close();
      expect(await client.ended).toMatch(/the end/);
    });

    it('that go tell the route, also of answers that wait behind another', async () => {
      const signals: AbortSignal[] = [];
      const hung = text('/hung', { handle: ({ signal }) => void signals.push(signal) });
      const { url } = await serve([hung]);
      const client = new RawClient(url).send(`GET /hung HTTP/1.1\r\n${HOST}\r\n\r\n`.repeat(2));
      while (signals.length < 2) await settled();
      expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
      client.socket.destroy();
      const gone = signals.map((signal) => new Promise((resolve) => (signal.onabort = resolve)));
      await Promise.all(gone);
    });
  });
});
