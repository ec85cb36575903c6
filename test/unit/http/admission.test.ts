import { hostname } from 'node:os';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { HttpRequest } from '../../../lib/http/route';
import type { RouteServer } from '../../../lib/http/route-server';
import { lines, say, statusOf } from './raw';
import { HOST, servers, text } from './served';

const TOKEN = 'a-token-of-24-characters';

describe('who is let in', () => {
  const { serve, close } = servers();
  afterEach(close);

  describe('the Host header', () => {
    it('must name the address, localhost, or an allowed host', async () => {
      const { url } = await serve([text('/a')], { allowedHosts: ['Frames.Example.com', '::1'] });
      const status = async (...hosts: string[]): Promise<number> =>
        statusOf(await say(url, lines('GET /a HTTP/1.1', ...hosts.map((host) => `Host: ${host}`))));
      const good = [
        '127.0.0.1',
        '127.0.0.1:9464',
        'localhost:1',
        'LOCALHOST',
        'frames.example.com',
        '[0:0::1]:80',
      ];
      for (const host of good) expect([host, await status(host)]).toEqual([host, 200]);
      const bad = [
        'evil.example',
        'localhost.evil.example',
        'evil.example:127.0.0.1',
        '127.0.0.1.evil.example',
        '127.0.0.2',
        'user@localhost',
        'localhost/x',
        '[::2]',
        '[::1',
        '',
      ];
      for (const host of bad) expect([host, await status(host)]).toEqual([host, 421]);
      expect(await status()).toBe(400);
      expect(await status('localhost', 'evil.example')).toBe(400);
      expect(await say(url, lines('GET /a HTTP/1.0'))).toMatch(
        /^HTTP\/1\.1 421[\s\S]*allowedHosts[\s\S]*--allowed-host/,
      );
    });

    it('may be the address a connection came in at, where it listens on all', async () => {
      const { url } = await serve([text('/a')], { host: '0.0.0.0' });
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect((await fetch(`${url}/a`)).status).toBe(200);
      expect(statusOf(await say(url, lines('GET /a HTTP/1.1', 'Host: 10.9.8.7')))).toBe(421);
    });

    it("may be the machine's own name, where other machines reach it", async () => {
      const status = async (host: string, name: string): Promise<number> => {
        const { url } = await serve([text('/a')], { host });
        return statusOf(await say(url, lines('GET /a HTTP/1.1', `Host: ${name}:9464`)));
      };
      const name = hostname();
      expect(await status('0.0.0.0', name)).toBe(200);
      expect(await status('0.0.0.0', name.toUpperCase())).toBe(200);
      expect(await status('0.0.0.0', name.split('.')[0]!)).toBe(200);
      expect(await status('0.0.0.0', `${name}.evil.example`)).toBe(421);
      expect(await status('127.0.0.1', name)).toBe(421);
    });

    it('may be a bracketed address', async () => {
      const { url } = await serve([text('/a')], { host: '::1' });
      expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
      expect((await fetch(`${url}/a`)).status).toBe(200);
    });
  });

  describe('other origins', () => {
    it('may link here, but not embed what is here', async () => {
      const { url } = await serve([text('/a')]);
      const status = async (site: string, mode: string, method = 'GET'): Promise<number> =>
        statusOf(
          await say(
            url,
            lines(`${method} /a HTTP/1.1`, HOST, `Sec-Fetch-Site: ${site}`, `Sec-Fetch-Mode: ${mode}`),
          ),
        );
      expect(await status('cross-site', 'navigate')).toBe(200);
      expect(await status('same-origin', 'cors')).toBe(200);
      expect(await status('none', 'navigate')).toBe(200);
      expect(await status('cross-site', 'no-cors')).toBe(403);
      expect(await status('same-site', 'cors')).toBe(403);
      expect(await status('cross-site', 'navigate', 'HEAD')).toBe(403);
    });

    it('may not post; who is no page says so by a header', async () => {
      const { url } = await serve([text('/a', { method: 'POST' })]);
      const { host } = new URL(url);
      const status = async (...headers: string[]): Promise<number> =>
        statusOf(
          await say(url, `${lines('POST /a HTTP/1.1', `Host: ${host}`, ...headers, 'Content-Length: 2')}{}`),
        );
      const json = 'Content-Type: application/json; charset=utf-8';
      expect(await status(json, `Origin: ${url}`)).toBe(200);
      expect(await status(json, `Origin: ${url.replace('http', 'https')}`)).toBe(200);
      expect(await status(json, 'X-Requested-With: curl')).toBe(200);
      expect(await status(json)).toBe(403);
      expect(await status(json, 'Origin: null')).toBe(403);
      expect(await status(json, 'Origin: http://evil.example', 'X-Requested-With: x')).toBe(403);
      expect(await status(json, `Origin: http://${host}0`)).toBe(403);
      expect(
        await status(json, `Origin: ${url}`, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate'),
      ).toBe(403);
      expect(await status('Content-Type: text/plain', `Origin: ${url}`)).toBe(403);
      expect(await status(`Origin: ${url}`)).toBe(403);
    });
  });

  describe('a token', () => {
    const guarded = (): Promise<RouteServer> =>
      serve([text('/'), text('/a'), text('/open', { isOpen: true })], { token: TOKEN });
    const get = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(url, { headers, redirect: 'manual' });

    it('is asked for everywhere but at open routes, before one learns what there is', async () => {
      const { url } = await guarded();
      const statuses = ['/', '/a', '/none', '/open'].map(async (path) => (await get(`${url}${path}`)).status);
      expect(await Promise.all(statuses)).toEqual([401, 401, 401, 200]);
      const refused = await get(`${url}/a`);
      expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="kvs-frames"');
      expect(await refused.text()).toMatch(/Authorization: Bearer …/);
      expect((await fetch(`${url}/a`, { method: 'DELETE' })).status).toBe(401);
    });

    it('is shown as a bearer', async () => {
      const { url } = await guarded();
      const status = async (authorization: string): Promise<number> =>
        (await get(`${url}/a`, { authorization })).status;
      expect(await status(`Bearer ${TOKEN}`)).toBe(200);
      expect(await status(`bearer  ${TOKEN}`)).toBe(200);
      const wrong = [`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, 'Bearer', `Basic ${TOKEN}`, TOKEN];
      for (const one of wrong) expect([one, await status(one)]).toEqual([one, 401]);
    });

    it('is shown once in the URL of the page, and then as a cookie that does not hold it', async () => {
      const { url } = await guarded();
      const first = await get(`${url}/?view=2&token=${TOKEN}`);
      expect([first.status, first.headers.get('location')]).toEqual([303, '/?view=2']);
      const cookie = first.headers.get('set-cookie') ?? '';
      expect(cookie).toMatch(/^kvs_frames_\d+=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict$/);
      expect(JSON.stringify([...first.headers]) + (await first.text())).not.toContain(TOKEN);
      const shown = cookie.split(';')[0] ?? '';
      expect((await get(`${url}/a`, { cookie: `other=1; ${shown}; last=2` })).status).toBe(200);
      expect((await get(`${url}/a`, { cookie: `${shown.slice(0, -1)}g` })).status).toBe(401);
      expect((await get(`${url}/a`, { cookie: shown.replace(/=.*/, `=${TOKEN}`) })).status).toBe(401);
      const again = await get(`${url}/?token=wrong`, { cookie: shown });
      expect([again.status, again.headers.get('location')]).toEqual([303, '/']);
      expect(again.headers.get('set-cookie')).toBeNull();
    });

    it('is not taken from the URL of anything else, nor a wrong one', async () => {
      const { url } = await guarded();
      expect((await get(`${url}/a?token=${TOKEN}`)).status).toBe(401);
      expect((await get(`${url}/?token=${TOKEN}x`)).status).toBe(401);
      expect((await get(`${url}/?token=`)).status).toBe(401);
      const head = await fetch(`${url}/?token=${TOKEN}`, { method: 'HEAD', redirect: 'manual' });
      expect(head.status).toBe(401);
    });

    it('is never handed to a route, whose failure might tell it', async () => {
      let asked: HttpRequest | undefined;
      const route = text('/a', { handle: (request, response) => ((asked = request), void response.end()) });
      const { url } = await serve([route], { token: TOKEN });
      await get(`${url}/a?x=1&token=${TOKEN}`, { authorization: `Bearer ${TOKEN}`, cookie: `x=${TOKEN}` });
      expect(asked?.isTrusted).toBe(true);
      expect(asked?.query.toString()).toBe('x=1');
      expect(JSON.stringify(asked)).not.toContain(TOKEN);
    });

    it('is asked for by each route of a path for itself', async () => {
      const { url } = await serve([text('/a', { isOpen: true }), text('/a', { method: 'POST' })], {
        token: TOKEN,
      });
      const post = (headers: Record<string, string>): Promise<Response> =>
        fetch(`${url}/a`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', 'x-requested-with': 'test' },
        });
      expect((await get(`${url}/a`)).status).toBe(200);
      const refused = await post({});
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      expect((await post({ authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    });

    it('tells open routes whether it was shown', async () => {
      const tell = text('/open', {
        isOpen: true,
        handle: ({ isTrusted }, response) => void response.end(String(isTrusted)),
      });
      const { url } = await serve([tell], { token: TOKEN });
      expect(await (await get(`${url}/open`)).text()).toBe('false');
      expect(await (await get(`${url}/open`, { authorization: `Bearer ${TOKEN}` })).text()).toBe('true');
      expect(await (await get(`${(await serve([tell])).url}/open`)).text()).toBe('true');
    });

    it('does not let a page be without one that it has not', async () => {
      const { url } = await serve([text('/')]);
      const answer = await get(`${url}/?token=whatever`);
      expect([answer.status, await answer.text()]).toEqual([200, 'here ']);
    });
  });
});
