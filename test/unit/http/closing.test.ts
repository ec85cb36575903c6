import { afterEach, describe, expect, it } from '@jest/globals';
import type { Route } from '../../../lib/http/route';
import { FakeClock, settled } from '../../support/fake-clock';
import { lines, RawClient, statusOf } from './raw';
import { HOST, servers, text } from './served';

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n\r\n`;

/** A route that answers when it is told to. */
function held(): { route: Route; asked: Promise<void>; release: () => void } {
  let release = (): void => {};
  let tell = (): void => {};
  const asked = new Promise<void>((resolve) => (tell = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  const route = text('/held', {
    handle: async (_request, response) => {
      tell();
      await released;
      response.end('after all');
    },
  });
  return { route, asked, release };
}

/** Streams until its signal. */
const stream = text('/stream', {
  handle: ({ signal }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('begun');
    signal.addEventListener('abort', () => response.end('the end'));
  },
});

describe('closing the server', () => {
  const { serve, close } = servers();
  afterEach(close);

  it('lets requests under way finish, and takes no others', async () => {
    const { route, asked, release } = held();
    const server = await serve([route, text('/a')], { clock: new FakeClock() });
    const under = new RawClient(server.url).send(GET('/held'));
    await asked;
    const closing = server.close();
    expect(server.isClosing).toBe(true);
    await expect(fetch(`${server.url}/a`)).rejects.toThrow('fetch failed');
    release();
    await closing;
    expect(await under.ended).toMatch(/^HTTP\/1\.1 200[\s\S]*connection: close[\s\S]*after all$/i);
  });

  it('cuts off after a second who has not finished', async () => {
    const clock = new FakeClock();
    const { route, asked } = held();
    const server = await serve([route], { clock });
    const under = new RawClient(server.url).send(GET('/held'));
    await asked;
    let isClosed = false;
    const closing = server.close().then(() => (isClosed = true));
    await clock.advance(999);
    expect(isClosed).toBe(false);
    clock.step(1);
    await closing;
    expect(await under.ended).toBe('');
    expect(clock.pending).toBe(0);
  });

  it('ends streams by their signal, whole', async () => {
    const server = await serve([stream], { clock: new FakeClock() });
    const watching = new RawClient(server.url).send(GET('/stream'));
    await watching.until(/begun/);
    await server.close();
    expect(await watching.ended).toMatch(/begun[\s\S]*the end\r\n0\r\n\r\n$/);
  });

  it('ends streams of routes that throw at their signal, too', async () => {
    const throwing = text('/stream', {
      handle: ({ signal }, response) => {
        response.writeHead(200).write('begun');
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      },
    });
    const server = await serve([throwing], { clock: new FakeClock() });
    const watching = new RawClient(server.url).send(GET('/stream'));
    await watching.until(/begun/);
    await server.close();
    expect(await watching.ended).toMatch(/begun\r\n0\r\n\r\n$/);
  });

  it('answers what was asked behind a stream, and says that it closes', async () => {
    let endStream = (): void => {};
    const long: Route['handle'] = (_request, response) => {
      response.writeHead(200).write('begun');
      endStream = () => response.end('the end');
    };
    const state: Route['handle'] = (_request, response) => {
      response.end(`closing: ${server.isClosing}`);
      endStream();
    };
    const routes = [text('/stream', { handle: long }), text('/state', { handle: state })];
    const server = await serve(routes, { clock: new FakeClock() });
    const client = new RawClient(server.url).send(GET('/stream'));
    await client.until(/begun/);
    const closing = server.close();
    client.send(lines('GET /state HTTP/1.1', HOST));
    await closing;
    expect(await client.ended).toMatch(/the end[\s\S]*closing: true$/);
  });

  it('lets a client take the rest of an answer that has ended', async () => {
    const bytes = 16 << 20;
    const large = text('/large', {
      handle: (_request, response) => void response.end(Buffer.alloc(bytes, 'x')),
    });
    const server = await serve([large], { clock: new FakeClock() });
    const client = new RawClient(server.url).send(GET('/large'));
    await client.until(/xxx/);
    client.socket.pause();
    const closing = server.close();
    await settled();
    client.socket.resume();
    await closing;
    expect((await client.ended).split('\r\n\r\n')[1]).toHaveLength(bytes);
  });

  it('drops connections that ask for nothing, or have not asked yet', async () => {
    const server = await serve([text('/a')], { clock: new FakeClock() });
    const idle = new RawClient(server.url).send(GET('/a'));
    await idle.until(/here/);
    const half = new RawClient(server.url).send('GET /a HTT');
    const silent = new RawClient(server.url);
    await new Promise((resolve) => silent.socket.once('connect', resolve));
    // Once this one is answered, the server has met all that came before.
    await fetch(`${server.url}/a`);
    await server.close();
    expect(statusOf(await idle.ended)).toBe(200);
    expect(await half.ended).toBe('');
    expect(await silent.ended).toBe('');
  });

  it('may be asked for more than once', async () => {
    const server = await serve([text('/a')]);
    const closing = server.close();
    expect(server.close()).toBe(closing);
    await closing;
    await server.close();
  });
});
