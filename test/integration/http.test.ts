import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { FrameSourceGroup, type KvsHlsFrameSource } from '../../lib/index';
import { serveHttp, type CameraReport, type HttpServer, type ReadyReport } from '../../lib/http/index';
import { clipCamera, prepareClip, startSimulator, type Simulator } from '../../lib/simulator/index';
import { CLIP, sourceOn, STREAM } from '../support/camera';
import { ROOT, runNode } from '../support/child';
import { SLOWNESS } from '../support/sanitizer';

const SILENT = 'attic';

/** Reads on until the source ends. */
async function readAll(source: KvsHlsFrameSource): Promise<void> {
  for await (const _ of source);
}

async function readiness({ url }: HttpServer, query = ''): Promise<{ status: number; report: ReadyReport }> {
  const answer = await fetch(`${url}/readyz${query}`);
  return { status: answer.status, report: (await answer.json()) as ReadyReport };
}

async function until(server: HttpServer, status: number, query = ''): Promise<ReadyReport> {
  for (;;) {
    const now = await readiness(server, query);
    if (now.status === status) return now.report;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a program that reads cameras, asked over HTTP', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    const clip = await prepareClip(CLIP);
    simulator = await startSimulator({
      streams: [{ name: STREAM, camera: clipCamera({ clip }) }, { name: SILENT }],
    });
  });
  afterAll(() => simulator.close());

  it('is ready while frames flow, from the first one until it is stopped', async () => {
    const registry = new Registry();
    await using source = sourceOn(simulator, STREAM, { registry });
    await using server = await serveHttp({ sources: [source], registry, port: 0 });
    expect(await readiness(server)).toMatchObject({ status: 503, report: { counts: { 'not-started': 1 } } });
    const reading = readAll(source);
    expect(await until(server, 200)).toMatchObject({
      ready: true,
      reason: 'frames of 1 of 1 cameras flow',
      notFlowing: [],
    });
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).toMatch(/^kvs_hls_connection_state\{camera_id="front-door"\} 2$/m);
    const [report] = (await (await fetch(`${server.url}/cameras`)).json()) as CameraReport[];
    expect(report).toMatchObject({
      cameraId: STREAM,
      health: { healthy: true, status: 'flowing', state: 2 },
      metrics: {
        frames: expect.any(Number),
        reconnects: 0,
        gapsByCause: { outage: { gaps: 0, ms: 0 } },
        picture: { width: 320, height: 180 },
        session: { id: 1, expiresAtMs: expect.any(Number) },
      },
    });
    expect(report?.metrics?.session?.expiresAtMs).toBeGreaterThan(Date.now());
    await source.stop();
    await reading;
    expect(await readiness(server)).toMatchObject({ status: 503, report: { reason: 'no source is left' } });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('is ready while its cameras are merely silent, and tells of each', async () => {
    const silent = sourceOn(simulator, SILENT, { cameraId: 'attic/1 é' });
    const live = sourceOn(simulator, STREAM);
    await using group = new FrameSourceGroup([silent]);
    await using server = await serveHttp({ sources: [group], port: 0 });
    const reading = (async () => {
      for await (const _ of group);
    })();
    expect(await until(server, 200)).toMatchObject({
      counts: { idle: 1 },
      reason: 'the cameras send nothing',
    });
    group.add(live);
    await until(server, 200, `?camera=${STREAM}`);
    expect(await readiness(server)).toMatchObject({
      status: 200,
      report: { counts: { idle: 1, flowing: 1 }, notFlowing: [{ cameraId: 'attic/1 é', status: 'idle' }] },
    });
    expect((await readiness(server, `?camera=${encodeURIComponent('attic/1 é')}`)).status).toBe(200);
    await group.stop();
    await reading;
    expect((await readiness(server)).status).toBe(503);
  });

  it('ends in order at SIGTERM by the lines of the description, with a scrape and a stream under way', async () => {
    const description = readFileSync(join(ROOT, 'lib', 'http', 'serve.ts'), 'utf8');
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(description) ?? [];
    const program = example.replace(/^ \* /gm, '');
    expect(program).toMatch(/^const server = await serveHttp[^\n]*\nprocess\.once\('SIGTERM'[^\n]*\n/);
    const { environment, endpoint, region } = simulator;
    const place = {
      streamName: STREAM,
      region,
      endpoint,
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID,
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
      },
    };
    let url = '';
    let scrape: Promise<string> | undefined;
    let events: Promise<string> | undefined;
    let toldAt = NaN;
    const messages: unknown[] = [];
    const child = join(ROOT, 'test', 'support', 'serving-child.cjs');
    const dist = join(ROOT, 'dist');
    const result = await runNode([child, dist, JSON.stringify(place), program], {
      onMessage: async (message, process) => {
        messages.push(message);
        if (typeof message === 'string' && message.startsWith('http')) {
          url = message;
          const stream = await fetch(`${url}/events`);
          events = stream.text();
          scrape = fetch(`${url}/metrics`).then((answer) => answer.text());
        } else if (message === 'collecting') {
          toldAt = performance.now();
          process.kill('SIGTERM');
        }
      },
    });
    expect(performance.now() - toldAt).toBeLessThan(2000 * SLOWNESS);
    expect(result).toMatchObject({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(messages).toEqual([url, 'collecting', 'over']);
    expect(await scrape).toMatch(/^slow 42$/m);
    expect(await events).toMatch(/^event: snapshot\ndata: \{.*\}$/m);
  });
});
