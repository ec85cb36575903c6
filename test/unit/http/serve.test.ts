import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import type { HealthStatus } from '../../../lib/index';
import type { CameraReport } from '../../../lib/http/camera-report';
import type { ReadyReport } from '../../../lib/http/readiness';
import { startHttp, type HttpExtra } from '../../../lib/http/serve';
import type { HttpOptions, HttpServer } from '../../../lib/http/server';
import { settled } from '../../support/fake-clock';
import { brokenSource, fakeSource, listeningLogger } from './fakes';
import { RawClient } from './raw';

const TOKEN = 'a-token-of-24-characters';
const authorization = `Bearer ${TOKEN}`;

describe('serveHttp', () => {
  const open: HttpServer[] = [];
  const start = async (options: Partial<HttpOptions> = {}, extra?: HttpExtra): Promise<HttpServer> => {
    const server = await startHttp({ sources: [], port: 0, registry: new Registry(), ...options }, extra);
    open.push(server);
    return server;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()));
  });

  describe('/metrics', () => {
    it('shows the registry in its own format', async () => {
      const registry = new Registry();
      new Gauge({ name: 'answer', help: 'a number', registers: [registry] }).set(42);
      const answer = await fetch(`${(await start({ registry })).url}/metrics`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(await answer.text()).toContain('\nanswer 42\n');
      const modern = new Registry();
      modern.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
      const other = await fetch(`${(await start({ registry: modern })).url}/metrics`);
      expect(other.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
      expect(await other.text()).toMatch(/# EOF\n$/);
    });

    it('collects once for all who ask meanwhile, and anew for the next', async () => {
      const registry = new Registry();
      let collected = 0;
      let release = (): void => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      new Gauge({
        name: 'slow',
        help: 'takes time',
        registers: [registry],
        async collect() {
          this.set((collected += 1));
          if (collected === 1) await released;
        },
      });
      const { url } = await start({ registry });
      const one = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n';
      // Both are met before either is answered: they come in one piece.
      const client = new RawClient(url).send(one + one);
      while (collected === 0) await settled();
      release();
      await client.until(/slow 1\n[\s\S]*slow 1\n/);
      client.socket.destroy();
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('slow 2');
    });

    it('answers 500 without words when a metric fails, logs it, and not each time', async () => {
      const registry = new Registry();
      const fail = (): never => {
        throw new Error('no number: SessionToken=Secret~~');
      };
      new Gauge({ name: 'bad', help: 'fails', registers: [registry], collect: fail });
      const logger = listeningLogger();
      const server = await start({ registry, logger });
      for (let i = 0; i < 8; i++) {
        const answer = await fetch(`${server.url}/metrics`);
        expect([answer.status, await answer.text()]).toEqual([
          500,
          'Something went wrong; the log says what\n',
        ]);
      }
      expect(logger.said).toEqual(Array(5).fill('GET /metrics failed: Error: no number: SessionToken=…'));
      await server.close();
      expect(logger.said.at(-1)).toMatch(/2 like it left out/);
    });
  });

  it('/healthz says that the program lives', async () => {
    const { url } = await start({ token: TOKEN, sources: [brokenSource('a')] });
    const answer = await fetch(`${url}/healthz`);
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
  });

  describe('/readyz', () => {
    const ask = async (url: string, headers = {}): Promise<{ status: number; report: ReadyReport }> => {
      const answer = await fetch(url, { headers });
      return { status: answer.status, report: (await answer.json()) as ReadyReport };
    };

    it('follows the cameras', async () => {
      let status: HealthStatus = 'not-started';
      const { url } = await start({ sources: [fakeSource('a', () => status)] });
      const seen: [HealthStatus, number][] = [];
      for (status of [
        'not-started',
        'connecting',
        'flowing',
        'stalled',
        'idle',
        'reconnecting',
        'stopped',
      ] as const) {
        seen.push([status, (await ask(`${url}/readyz`)).status]);
      }
      expect(seen).toEqual([
        ['not-started', 503],
        ['connecting', 503],
        ['flowing', 200],
        ['stalled', 503],
        ['idle', 200],
        ['reconnecting', 503],
        ['stopped', 503],
      ]);
    });

    it('asks about one camera where it is named', async () => {
      const { url } = await start({ sources: [fakeSource('a b', 'flowing'), fakeSource('c', 'stalled')] });
      expect(await ask(`${url}/readyz?camera=a%20b`)).toMatchObject({
        status: 200,
        report: { counts: { flowing: 1 } },
      });
      expect(await ask(`${url}/readyz?camera=c`)).toMatchObject({
        status: 503,
        report: { notFlowing: [{ cameraId: 'c', status: 'stalled', reason: 'is stalled' }] },
      });
      expect(await ask(`${url}/readyz?camera=d`)).toMatchObject({
        status: 503,
        report: { reason: 'there is no camera of this name' },
      });
      expect(await ask(`${url}/readyz?camera=`)).toMatchObject({ status: 503 });
    });

    it('names no camera to those who have not shown the token', async () => {
      const sources = [fakeSource('front-door', 'flowing'), fakeSource('back-door', 'failed')];
      const { url } = await start({ sources, token: TOKEN });
      const counts = { flowing: 1, failed: 1 };
      const reason = 'frames of 1 of 2 cameras flow';
      expect((await ask(`${url}/readyz`)).report).toEqual({ ready: true, reason, counts });
      const named = { cameraId: 'back-door', status: 'failed', reason: 'is failed' };
      const shown = (await ask(`${url}/readyz`, { authorization })).report;
      expect(shown).toEqual({ ready: true, reason, counts, notFlowing: [named] });
    });

    it('is not troubled by a source that throws', async () => {
      const logger = listeningLogger();
      const { url } = await start({ sources: [brokenSource('a'), fakeSource('b', 'flowing')], logger });
      expect(await ask(`${url}/readyz`)).toMatchObject({
        status: 200,
        report: { counts: { flowing: 1, unknown: 1 } },
      });
      expect(logger.said).toEqual([expect.stringMatching(/^a: .*SessionToken=…$/)]);
    });
  });

  describe('/cameras', () => {
    const ask = async (url: string): Promise<CameraReport[]> => {
      const answer = await fetch(`${url}/cameras`);
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
      return (await answer.json()) as CameraReport[];
    };

    it('shows health and numbers of each, in JSON', async () => {
      const endless = { id: 3, expiresAtMs: Infinity };
      const numbers = {
        gapMs: 1500,
        picture: { width: 640, height: 360 },
        bandwidthBytesPerSecond: 1e6,
        engine: { queuedBytes: 5n } as never,
      };
      const sources = [
        fakeSource('a', 'flowing', { ...numbers, session: { id: 2, expiresAtMs: 1_795_000_000_000 } }),
        fakeSource('b', 'idle', { session: endless }),
      ];
      const reports = await ask((await start({ sources })).url);
      const { engine: _engine, ...told } = numbers;
      expect(reports).toEqual([
        {
          cameraId: 'a',
          health: { healthy: true, status: 'flowing', reason: 'is flowing' },
          metrics: { frames: 7, ...told, session: { id: 2, expiresAtMs: 1_795_000_000_000 } },
        },
        {
          cameraId: 'b',
          health: { healthy: true, status: 'idle', reason: 'is idle' },
          metrics: { frames: 7, session: { id: 3, expiresAtMs: null } },
        },
      ]);
    });

    it('shows the others beside a source that throws', async () => {
      const reports = await ask(
        (await start({ sources: [brokenSource('a'), fakeSource('b', 'flowing')] })).url,
      );
      expect(reports[0]).toEqual({ cameraId: 'a', health: null, metrics: null });
      expect(reports[1]?.metrics?.frames).toBe(7);
    });

    it('follows what comes and goes', async () => {
      const sources = new Set([fakeSource('a', 'flowing')]);
      const { url } = await start({ sources });
      sources.add(fakeSource('b', 'flowing'));
      expect((await ask(url)).map(({ cameraId }) => cameraId)).toEqual(['a', 'b']);
      sources.clear();
      expect(await ask(url)).toEqual([]);
    });

    it('answers 500 where the function that lists the sources throws', async () => {
      const sources = (): never => {
        throw new Error('gone');
      };
      const { url } = await start({ sources });
      expect((await fetch(`${url}/cameras`)).status).toBe(500);
      expect((await fetch(`${url}/readyz`)).status).toBe(500);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
    });
  });

  describe('the page', () => {
    it('is there if asked for', async () => {
      const without = await fetch(`${(await start()).url}/`);
      expect([without.status, await without.text()]).toEqual([
        404,
        'Not found. Here are: /metrics /healthz /readyz /cameras\n',
      ]);
      const withIt = await fetch(`${(await start({ page: true })).url}/`);
      expect(withIt.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(await withIt.text()).toMatch(/^<!doctype html>/);
    });

    it('may be had by whoever shows the token once in its URL', async () => {
      const { url } = await start({ page: true, token: TOKEN, sources: [fakeSource('a', 'flowing')] });
      expect((await fetch(`${url}/`)).status).toBe(401);
      const first = await fetch(`${url}/?token=${TOKEN}`, { redirect: 'manual' });
      const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
      expect(first.headers.get('location')).toBe('/');
      for (const path of ['/', '/metrics', '/cameras', '/page/main.js']) {
        expect([path, (await fetch(`${url}${path}`, { headers: { cookie } })).status]).toEqual([path, 200]);
        expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 401]);
      }
    });

    it('has buttons only for a program that gives it faults', async () => {
      const applied: string[] = [];
      const faults = {
        actions: [{ id: 'expire-session', label: 'Expire', help: 'Ends the session.' }],
        active: () => null,
        apply: (cameraId: string, id: string) => Promise.resolve(void applied.push(`${cameraId} ${id}`)),
      };
      const sources = [fakeSource('a', 'flowing')];
      const press = async ({ url }: HttpServer, headers: Record<string, string>): Promise<number> => {
        const body = JSON.stringify({ cameraId: 'a', action: 'expire-session' });
        return (await fetch(`${url}/faults`, { method: 'POST', body, headers })).status;
      };
      const json = { 'content-type': 'application/json' };
      const withFaults = await start({ page: true, sources }, { faults });
      expect(await press(withFaults, { ...json, origin: withFaults.url })).toBe(204);
      expect(await press(withFaults, json)).toBe(403);
      expect(await press(withFaults, { ...json, origin: 'http://evil.example' })).toBe(403);
      expect(applied).toEqual(['a expire-session']);
      const without = await start({ page: true, sources });
      expect(await press(without, { ...json, origin: without.url })).toBe(404);
    });

    it('has streams, which end with the server', async () => {
      const server = await start({ page: true });
      const stream = await fetch(`${server.url}/events`);
      const text = stream.text();
      await server.close();
      expect(await text).toMatch(/event: snapshot/);
    });
  });

  it('says which port is taken, and what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(start({ port, page: true })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`Port ${port} of 127.0.0.1 is taken`),
    });
    taken.close();
  });

  it('closes at the end of its block', async () => {
    let url: string;
    {
      await using server = await startHttp({ sources: [], port: 0, registry: new Registry() });
      ({ url } = server);
    }
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });
});
