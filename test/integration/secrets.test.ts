import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { serveHttp } from '../../lib/http/index';
import { FrameSourceGroup, HlsFrameSource, KvsHlsFrameSource } from '../../lib/index';
import {
  clipCamera,
  faultByName,
  prepareClip,
  startSimulator,
  type Clip,
  type Simulator,
} from '../../lib/simulator/index';
import { runFault } from '../faults/run-fault';
import { CLIP, sourceOn, STREAM } from '../support/camera';
import { ROOT, runNode } from '../support/child';
import { cli } from '../support/command';
import { EverythingSeen } from '../support/everything-seen';
import { ECHOES, PAGES, PASSWORD, QUERY, USER } from '../support/indiscreet-servers';
import { muteServer, type DeadEnd } from '../support/dead-ends';
import { Secrets } from '../support/secrets';

const CREDENTIALS = {
  accessKeyId: 'AKIACANARYKEY7QX3ZL9',
  secretAccessKey: 'cAnArY7Secret/Access+Key9Qx3ZlT0pWvR2mNb',
  sessionToken: `IQoJb3JpZ2luX2Vj${randomBytes(400).toString('base64')}`,
};
const HTTP_TOKEN = 'canary-bearer-7f3a9c51e2';

const tokenOf = (session: unknown): string => (session as { token: string }).token;

/** Of what proves that there was something to be seen, what is not there. */
const missing = (text: string, words: readonly string[]): string[] =>
  words.filter((word) => !text.includes(word));

describe('what nobody may see', () => {
  let clip: Clip;
  let simulator: Simulator;
  let secrets: Secrets;
  let seen: EverythingSeen;

  beforeAll(async () => {
    clip = await prepareClip(CLIP);
    simulator = await startSimulator({
      streams: [STREAM, ...Object.keys(ECHOES)].map((name) => ({ name, camera: clipCamera({ clip }) })),
      credentials: CREDENTIALS,
      verifySignatures: true,
      sessionLifetimeSeconds: 2,
      intercept: (request, response) => {
        const signature = /Signature=(\w+)/.exec(request.headers.authorization ?? '')?.[1];
        if (signature !== undefined) secrets.add('signature', signature);
        const { StreamName: name = '' } = (
          request.body.length > 0 ? JSON.parse(request.body.toString()) : {}
        ) as {
          StreamName?: string;
        };
        const isSession = request.kind === 'GetHLSStreamingSessionURL';
        return isSession ? (ECHOES[name]?.(request, response) ?? response) : response;
      },
    });
  });
  afterAll(() => simulator.close());

  beforeEach(() => {
    secrets = new Secrets()
      .add('user', USER)
      .add('password', PASSWORD)
      .add('query', QUERY)
      .add('HTTP token', HTTP_TOKEN);
    for (const [name, value] of Object.entries(CREDENTIALS)) secrets.add(name, value);
    seen = new EverythingSeen();
  });
  afterEach(() => void seen.end());

  /** All tokens that were given out so far are secrets, too; none may be in what was seen. */
  const expectNothing = (text = seen.end()): void => {
    for (const session of simulator.sessions) secrets.add(`token of session ${session.id}`, tokenOf(session));
    expect(secrets.findIn(text)).toEqual([]);
  };

  /** A source of the simulator, which gives up at its second failure. */
  const readerOf = (stream: string, registry: Registry): KvsHlsFrameSource =>
    sourceOn(simulator, stream, {
      credentials: { ...CREDENTIALS },
      registry,
      logger: seen.logger,
      maxConsecutiveErrors: 1,
    });

  it('is not in what a reader shows that reads well and renews its sessions, nor on its page', async () => {
    const registry = new Registry();
    await using source = sourceOn(simulator, STREAM, {
      credentials: { ...CREDENTIALS },
      registry,
      logger: seen.logger,
      cameraId: 'front-door',
      hlsSessionSeconds: 300,
      urlRefreshMarginSeconds: 299.5,
    });
    await using group = new FrameSourceGroup([source]);
    const shown = { sources: [group], registry, port: 0, page: true, token: HTTP_TOKEN, logger: seen.logger };
    await using server = await serveHttp(shown);
    seen.watch(source);
    const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
      const answer = await fetch(`${server.url}${path}`, { redirect: 'manual', ...init });
      seen.see([...answer.headers]);
      return answer;
    };
    const bearer = { headers: { authorization: `Bearer ${HTTP_TOKEN}` } };
    const events = ask('/events', bearer).then((answer) => answer.text());
    let frames = 0;
    for await (const frame of group.frames()) {
      frames += 1;
      if (frames === 1) {
        seen.see(frame);
        const { port1, port2 } = new MessageChannel();
        port1.postMessage(frame.share({ openWithinMs: 1 }));
        seen.see(receiveMessageOnPort(port2));
        port1.close();
        const jpeg = await frame.toJpeg();
        seen.text(jpeg.toString('latin1'));
      }
      if (frames % 20 === 0) seen.see([source.getMetrics(), source.health(), group]);
      if (frames === 20) {
        const paths = [
          '/metrics',
          '/healthz',
          '/readyz',
          '/cameras',
          '/',
          '/page/main.js',
          '/none',
          `/?token=${QUERY}`,
        ];
        for (const path of [...paths, '/picture.jpg?camera=front-door&waitMs=0', `/readyz?camera=${QUERY}`])
          for (const how of [
            bearer,
            {},
            { method: 'POST' },
            { headers: { authorization: `Bearer ${QUERY}x` } },
          ])
            seen.text(Buffer.from(await (await ask(path, how)).arrayBuffer()).toString('latin1'));
        void ask('/picture.jpg?camera=front-door', bearer).then(async (answer) =>
          seen.text(await answer.text()),
        );
      }
      if (source.health().renewals >= 3) break;
    }
    await group.stop();
    await server.close();
    seen.text(await events);
    for (const one of [source, group, server, source.outlet]) seen.see(one);
    seen.text(await registry.metrics());
    expect(simulator.sessions.length).toBeGreaterThan(3);
    const text = seen.end();
    // It was there to be found, had somebody shown it.
    const known = ['event: snapshot', 'kvs_hls_frames_total', 'Following session', '"renewal":true', 'JFIF'];
    expect(missing(text, known)).toEqual([]);
    expectNothing(text);
  });

  it('is not in what is said of control calls that fail, even where the answer quotes it', async () => {
    await Promise.all(
      Object.keys(ECHOES).map(async (stream) => {
        const registry = new Registry();
        await seen.read(readerOf(stream, registry), registry, 1);
      }),
    );
    const text = seen.end();
    const codes = ['KVS_DENIED', 'KVS_REJECTED', 'KVS_CALL_FAILED', 'KVS_NO_URL'];
    expect(missing(text, codes)).toEqual([]);
    expectNothing(text);
  });

  describe('with a URL that is one secret', () => {
    let url: string;
    let mute: DeadEnd;
    const server = createServer((request, response) => {
      const { port } = server.address() as AddressInfo;
      const [, page = ''] = (request.url ?? '').split('/');
      PAGES[page]?.(request, response, port);
    });
    beforeAll(async () => {
      mute = await muteServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await mute.close();
    });

    it('is not in what is said of a server that fails, quotes it, or is not there', async () => {
      const places = [
        ...Object.keys(PAGES).map((page) => `http://${USER}:${PASSWORD}@${url}/${page}`),
        `https://${USER}:${PASSWORD}@${url}/tls`,
        `http://${USER}:${PASSWORD}@nowhere.invalid/dns`,
        `http://${USER}:${PASSWORD}@127.0.0.1:1/refused`,
        `http://${USER}:${PASSWORD}@${mute.host}/mute`,
      ];
      await Promise.all(
        places.map(async (place) => {
          const registry = new Registry();
          const source = new HlsFrameSource({
            url: `${place}/list.m3u8?token=${QUERY}&Signature=${QUERY}`,
            registry,
            logger: seen.logger,
            maxConsecutiveErrors: 1,
            reconnectDelaySeconds: 0.1,
          });
          await seen.read(source, registry, 1);
        }),
      );
      const text = seen.end();
      expect(missing(text, ['HLS_SESSION_EXPIRED', 'HLS_STATUS', 'HLS_NETWORK', 'HLS_TIMEOUT'])).toEqual([]);
      expect(missing(text, ['HLS_PLAYLIST_INVALID', 'HLS_UNSUPPORTED', 'HLS_FOREIGN_ORIGIN'])).toEqual([]);
      expectNothing(text);
    });
  });

  it('is not in what is said of wrong options', async () => {
    const url = `https://${USER}:${PASSWORD}@host/x?SessionToken=${QUERY}`;
    const bad = [
      url,
      CREDENTIALS.secretAccessKey,
      CREDENTIALS.sessionToken,
      { ...CREDENTIALS },
      [url],
      new URL(url),
    ];
    const kvs = [
      'cameraId',
      'streamName',
      'streamArn',
      'region',
      'credentials',
      'endpoint',
      'startTimestamp',
    ];
    const both = [
      'playbackMode',
      'pixelFormat',
      'bufferedFrames',
      'logger',
      'registry',
      'output',
      'delivery',
      url,
    ];
    const attempts = [...kvs, ...both, 'url', 'allowedOrigins', 'catchUp'].flatMap((name) =>
      bad.flatMap((value) => [
        () => new KvsHlsFrameSource({ streamName: 'a', region: 'b', [name]: value }),
        () => new HlsFrameSource({ url: 'http://127.0.0.1/x', [name]: value }),
        () => new HlsFrameSource({ url: `nothing:${url}`, [name]: value }),
        () => serveHttp({ sources: [], [name]: value }),
        () => serveHttp({ sources: value, host: value, token: PASSWORD.slice(0, 15), page: true } as never),
        () => serveHttp({ sources: [], allowedHosts: [value] } as never),
        () => new FrameSourceGroup([value] as never, { [name]: value }),
      ]),
    );
    let refused = 0;
    for (const attempt of [
      ...attempts,
      ...bad.map((value) => () => startSimulator({ [url]: value } as never)),
    ]) {
      try {
        const made: unknown = await attempt();
        await (made as { stop?: () => Promise<void>; close?: () => Promise<void> }).stop?.();
        await (made as { close?: () => Promise<void> }).close?.();
      } catch (error) {
        refused += 1;
        seen.see(error);
      }
    }
    expect(refused).toBeGreaterThan(100);
    expectNothing();
  });

  it.each([
    ['connection', 'connection-reset'],
    ['refusal', 'credentials-expired-forever'],
  ])('is not in what is said of a fault of the family %s', async (group, name) => {
    const fault = faultByName(name);
    expect(fault.group).toBe(group);
    const row = await runFault(fault, 'FRAGMENTED_MP4');
    expect(row.window).not.toBeNull();
    expect(row.leaks).toEqual([]);
  });

  it('is not in what a command writes, nor in its files', async () => {
    const out = mkdtempSync(join(tmpdir(), 'kvs-frames-secrets-'));
    const env = { ...simulator.environment, KVS_FRAMES_TOKEN: HTTP_TOKEN };
    const read = ['read', '--stream-name', STREAM, '--max-frames', '40', '--json', '--verbose'];
    const url = `http://${USER}:${PASSWORD}@127.0.0.1:1/x.m3u8?token=${QUERY}`;
    const results = await Promise.all([
      cli([...read, '--out', out, '--out-every', '0.5', '--metrics-port', '0'], { env }),
      cli(['doctor', '--stream-name', STREAM, '--json'], { env }),
      cli(['doctor', '--stream-name', 'not-valid'], { env }),
      cli(['doctor', '--stream-name', 'wrong-signature', '--json'], { env }),
      cli(['doctor', '--url', url, '--json'], { env }),
      cli(['read', '--url', `no${url}`, '--json'], { env }),
      // Mistyped: the parser of the command line quotes what it does not know.
      cli([url], { env }),
      cli(['doctor', `--ulr=${url}`], { env }),
      cli(['read', `--tokne=${QUERY}`], { env }),
      cli(['read', `--token=${QUERY}`], { env }),
      cli(['read', '--max-frames', url], { env }),
      cli(['simulate', '--port', QUERY], { env }),
    ]);
    const files = readdirSync(out);
    expect(files.length).toBeGreaterThan(1);
    const texts = files.map((name) => `${name} ${readFileSync(join(out, name), 'latin1')}`);
    rmSync(out, { recursive: true });
    for (const { stdout, stderr } of results) texts.push(stdout, stderr);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 1, 1, 1, ...Array(7).fill(2)]);
    expectNothing(texts.join('\n'));
  });

  it('is not in what Node prints of an error that nobody caught, of a source and a frame, and not in its report', async () => {
    const program = `
      const { KvsHlsFrameSource } = require(${JSON.stringify(join(ROOT, 'dist', 'index.js'))});
      const source = (streamName) => new KvsHlsFrameSource({ streamName, maxConsecutiveErrors: 1, reconnectDelaySeconds: 0.1, logger: console });
      process.report.reportOnUncaughtException = false;
      (async () => {
        const good = source(${JSON.stringify(STREAM)});
        const frame = await good.read();
        console.log(good, frame);
        console.dir([good, frame], { depth: null, showHidden: true, getters: true });
        // The environment is the program's own, and each thread has it; all else must be clean.
        const report = process.report.getReport(new Error('asked for'));
        console.log(report.environmentVariables.AWS_SECRET_ACCESS_KEY.length);
        console.log(JSON.stringify(report, (name, value) => (name === 'environmentVariables' ? 0 : value)));
        await good.stop();
        await source('wrong-signature').read().catch((error) => console.log(error));
        for await (const _ of source('not-valid'));
      })();`;
    const result = await runNode(['-e', program], { env: { ...simulator.environment } });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/KvsConnectionError[\s\S]*Node\.js v/);
    expect(result.stdout).toContain('javascriptStack');
    expectNothing(`${result.stdout}\n${result.stderr}`);
  });
});
