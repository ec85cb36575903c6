import { afterEach, describe, expect, it } from '@jest/globals';
import type { Route } from '../../../lib/http/route';
import { RawClient } from './raw';
import { HOST, servers, text } from './served';

const TOKEN = 'a-token-of-24-characters';
const SHOWN = `Authorization: Bearer ${TOKEN}\r\n`;

/** A request, after whose answer the connection stays. */
const ask = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n${more}\r\n`;

/** Has begun, and never ends by itself. */
const stream = text('/stream', {
  handle: ({ signal }, response) => {
    response.writeHead(200).write('begun');
    signal.addEventListener('abort', () => response.end());
  },
});
const routes: Route[] = [
  stream,
  { ...stream, path: '/open-stream', isOpen: true },
  text('/a'),
  text('/healthz', { isOpen: true }),
];
const isClosed = ({ socket }: RawClient): boolean => socket.closed;

describe('connections', () => {
  const { serve, close } = servers();
  const clients: RawClient[] = [];
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await close();
  });
  /** Connects, and waits for what is asked for to begin. */
  const asking = async (url: string, request: string, from?: string): Promise<RawClient> => {
    const client = new RawClient(url, from).send(request);
    clients.push(client);
    await client.until(/here|begun/);
    return client;
  };

  it.each([
    ['where no token is asked for', undefined, ''],
    ['where a token is asked for', TOKEN, ''],
    ['by those who have the token', TOKEN, SHOWN],
  ])(
    'that ask for /healthz now and then, more than there are places, keep no probe out and end no stream, %s',
    async (_, token, shown) => {
      const { url } = await serve(routes, { token });
      const watching = await asking(url, ask('/stream', SHOWN));
      const held: RawClient[] = [];
      for (let i = 0; i < 130; i++) held.push(await asking(url, ask('/healthz', shown)));
      for (let probes = 0; probes < 2; probes++) {
        const again = held.filter((client) => !isClosed(client));
        for (const client of again) client.text = '';
        await Promise.all(again.map((client) => client.send(ask('/healthz', shown)).until(/here/)));
        expect((await asking(url, ask('/healthz'))).text).toMatch(/^HTTP\/1\.1 200/);
      }
      expect(isClosed(watching)).toBe(false);
      expect(held.map(isClosed).lastIndexOf(true)).toBeLessThan(10);
    },
  );

  it('give way, the oldest first, to one that comes where all have a request under way that needs no token', async () => {
    for (const token of [undefined, TOKEN]) {
      const { url } = await serve(routes, { token, limits: { connections: 2 } });
      const [oldest, other] = [
        await asking(url, ask('/open-stream', SHOWN)),
        await asking(url, ask('/open-stream', SHOWN)),
      ];
      expect((await asking(url, ask('/healthz'))).text).toMatch(/^HTTP\/1\.1 200/);
      await oldest.ended;
      // The place of the one that is idle by now.
      await asking(url, ask('/healthz'));
      expect(isClosed(other)).toBe(false);
    }
  });

  it('give no way where all are used by those who have the token, until one of their answers is at its end', async () => {
    const { url } = await serve(routes, { token: TOKEN, limits: { connections: 2 } });
    const held = [await asking(url, ask('/stream', SHOWN)), await asking(url, ask('/stream', SHOWN))];
    expect(await new RawClient(url).ended).toBe('');
    expect(held.map(isClosed)).toEqual([false, false]);
    held[0]?.socket.destroy();
    await held[0]?.ended;
    const used = await asking(url, ask('/a', SHOWN));
    // What it was used for is over; for the next thing nobody needs the token.
    await used.send(ask('/open-stream', SHOWN)).until(/begun/);
    expect((await asking(url, ask('/healthz'))).text).toMatch(/^HTTP\/1\.1 200/);
    await used.ended;
    expect(held.map(isClosed)).toEqual([true, false]);
  });

  it('that are held in whichever way do not keep those out who have the token', async () => {
    const { url } = await serve(routes, { token: TOKEN, limits: { connections: 4 } });
    const watching = await asking(url, ask('/stream', SHOWN));
    const others: RawClient[] = [];
    const ways = [
      ['', /^/],
      [ask('/a'), /401/],
      [ask('/healthz'), /here/],
      [`GET /a HTTP/1.1\r\nHost: evil.example\r\n\r\n`, /421/],
      [`POST /a HTTP/1.1\r\n${HOST}\r\nContent-Length: 9\r\nContent-Type: application/json\r\n\r\n{`, /^/],
      [ask('/open-stream'), /begun/],
    ] as const;
    for (let round = 0; round < 3; round++) {
      for (const [words, answer] of ways) {
        const other = new RawClient(url).send(words);
        others.push(other);
        await other.until(answer);
      }
      expect((await asking(url, ask('/a', SHOWN))).text).toMatch(/^HTTP\/1\.1 200/);
    }
    // The oldest made way, and told nobody anything.
    expect(await others[0]!.ended).toBe('');
    expect(isClosed(watching)).toBe(false);
  });

  it('of an address that holds more than half of all places make way for others, however old those are', async () => {
    const { url } = await serve(routes, { limits: { connections: 4 } });
    const watching = await asking(url, ask('/stream'), '127.0.0.2');
    const flood: RawClient[] = [];
    for (let i = 0; i < 12; i++) flood.push(await asking(url, ask('/stream'), '127.0.0.3'));
    expect(isClosed(watching)).toBe(false);
    expect(flood.filter((client) => !isClosed(client))).toHaveLength(3);
    const more = await asking(url, ask('/stream'), '127.0.0.4');
    expect([watching, more].map(isClosed)).toEqual([false, false]);
  });
});
