import workerThreads, { type Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { channels, type PlaylistMessage } from '../../../lib/channels.js';
import type { FollowerReply, FollowerSettings } from '../../../lib/hls/follower-messages.js';
import type { Fragment } from '../../../lib/hls/fragment.js';
import { LoadStatistics, type LoadCount } from '../../../lib/hls/load-statistics.js';
import { RemoteFollower } from '../../../lib/hls/remote-follower.js';
import { DEFAULT_LIMITS } from '../../../lib/limits.js';
import { silentLogger } from '../../../lib/logger.js';
import { ScriptedSession } from './camera.js';
import { fragmentBytes, numberIn } from './media.js';
import { ScriptedServer, status } from './server.js';

const SETTINGS: FollowerSettings = {
  allowedOrigins: [],
  limits: DEFAULT_LIMITS,
  startFragmentsBehind: 0,
  startAt: 'edge',
  fragmentsPerSecond: 20,
};
const signal = new AbortController().signal;

let server: ScriptedServer;
let loads: LoadStatistics;
let follower: RemoteFollower;

beforeEach(async () => {
  loads = new LoadStatistics();
  server = await new ScriptedServer().start();
  follower = new RemoteFollower(SETTINGS, { cameraId: 'front-door', logger: silentLogger, loads });
});

afterEach(async () => {
  await follower.close();
  await server.stop();
});

function session({ url }: { url: string }) {
  return { id: 1, url, expiresAtMs: Infinity, endsAtMs: Infinity };
}

describe('across the thread', () => {
  test('fragments come with what is lost before them, and the end with what is lost behind the last', async () => {
    const a = new ScriptedSession(server, 'a', 0);
    a.lists(a.list(0, 3, { ended: true, before: { 1: ['#EXT-X-GAP'], 3: ['#EXT-X-GAP'] } }));
    const run = follower.run(session(a), signal);
    const first = (await run.next()).value as Fragment;
    const second = (await run.next()).value as Fragment;
    expect([first.lost, second.lost]).toEqual([null, { count: 1, ms: 2000, cause: 'window-slid' }]);
    expect(await run.next()).toEqual({ done: true, value: { count: 1, ms: 2000, cause: 'window-slid' } });
    expect(follower.stallLimitMs).toBe(10_000);
  });

  test('a fragment can be fetched once more while the next is waited for', async () => {
    const a = new ScriptedSession(server, 'a', 0);
    a.lists(a.list(0, 2));
    const stop = new AbortController();
    const run = follower.run(session(a), stop.signal);
    const first = (await run.next()).value as Fragment;
    const waiting = run.next();
    waiting.catch(() => {});
    const again = await follower.again(first, signal);
    expect(numberIn(again!.media)).toBe(2);
    expect(again!.init).toEqual(first.init);
    expect(await follower.again({ sessionId: 1, sequence: 77 }, signal)).toBeNull();
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('a fragment that can not be had again is null, also when the follower is closed meanwhile', async () => {
    const a = new ScriptedSession(server, 'a', 0);
    a.lists(a.list(0, 2));
    const run = follower.run(session(a), signal);
    const first = (await run.next()).value as Fragment;
    server.set('/a/f', status(404));
    expect(await follower.again(first, signal)).toBeNull();
    let onAsked = (): void => {};
    const asked = new Promise<void>((resolve) => (onAsked = resolve));
    server.set('/a/f', () => onAsked());
    const again = follower.again(first, signal);
    await asked;
    await run.return(null);
    await follower.close();
    expect(await again).toBeNull();
    expect(await follower.again(first, signal)).toBeNull();
  });

  test('an abort ends a fragment that does not come at once, and closing leaves no connection', async () => {
    const a = new ScriptedSession(server, 'a', 0);
    a.lists(a.list(0, 2));
    const stop = new AbortController();
    let onAsked = (): void => {};
    const closed = new Promise<void>((resolve) => {
      server.set('/a/f', (request, response) => {
        request.socket.on('close', () => resolve());
        response.writeHead(200, { 'content-length': '1000' }).write(fragmentBytes(1), () => onAsked());
      });
    });
    const asked = new Promise<void>((resolve) => (onAsked = resolve));
    const next = follower.run(session(a), stop.signal).next();
    next.catch(() => {});
    await asked;
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    await follower.close();
    await closed;
  });
});

/** Counts as text. */
function shown(counts: readonly LoadCount[]): string[] {
  return counts.map(({ kind, status: answered, result, count }) => `${count} ${kind} ${answered} ${result}`);
}

async function readAll(from: RemoteFollower, a: ScriptedSession): Promise<Fragment[]> {
  const fragments: Fragment[] = [];
  for await (const fragment of from.run(session(a), signal)) fragments.push(fragment);
  return fragments;
}

describe('what requests bring', () => {
  test('is counted where the calling thread can read it, with the bandwidth of a stream of one variant', async () => {
    const a = new ScriptedSession(server, 'a', 0);
    a.lists(status(503), a.list(0, 4, { ended: true }));
    const answer = server.replyTo('/a/f')!;
    server.sequence('/a/f', answer, status(404), answer);
    const fragments = await readAll(follower, a);
    const { counts, bytesByKind, secondsByKind, bandwidthBytesPerSecond } = loads.read();
    expect(shown(counts)).toEqual([
      '1 master 200 ok',
      '1 playlist 200 ok',
      '1 playlist 503 HLS_STATUS',
      '1 init 200 ok',
      `${fragments.length} fragment 200 ok`,
      '1 fragment 404 HLS_STATUS',
    ]);
    const media = fragments.reduce((sum, fragment) => sum + fragment.media.byteLength, 0);
    expect(bytesByKind).toMatchObject({ init: fragments[0]!.init!.byteLength, fragment: media });
    const requests = secondsByKind.fragment.counts.reduce((sum, count) => sum + count);
    expect(requests).toBe(fragments.length + 1);
    expect(bandwidthBytesPerSecond).toBeGreaterThan(0);
  });

  test('is counted on in the same memory after the thread has died', async () => {
    const workers: Worker[] = [];
    const { Worker: Real } = workerThreads;
    const spy = jest.spyOn(workerThreads, 'Worker').mockImplementation((...all) => {
      const worker = new Real(...all);
      workers.push(worker);
      return worker;
    });
    const a = new ScriptedSession(server, 'a', 0);
    a.lists(a.list(0, 1), a.list(0, 3, { ended: true }));
    const run = follower.run(session(a), signal);
    await run.next();
    const next = run.next();
    next.catch(() => {});
    await workers[0]!.terminate();
    await expect(next).rejects.toMatchObject({ code: 'HLS_NETWORK' });
    await readAll(follower, a);
    spy.mockRestore();
    expect(workers).toHaveLength(2);
    expect(shown(loads.read().counts)).toContain('2 master 200 ok');
  });

  test('is told as cancelled when the caller stops', async () => {
    const a = new ScriptedSession(server, 'a', 0);
    a.lists(a.list(0, 2));
    const stop = new AbortController();
    let onAsked = (): void => {};
    const asked = new Promise<void>((resolve) => (onAsked = resolve));
    server.set('/a/f', () => onAsked());
    const next = follower.run(session(a), stop.signal).next();
    next.catch(() => {});
    await asked;
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    // Another run begins when this one has let go of all it had.
    const b = new ScriptedSession(server, 'b', 0);
    b.lists(b.list(0, 0, { ended: true }));
    await readAll(follower, b);
    expect(shown(loads.read().counts)).toContain('1 fragment none cancelled');
  });
});

describe('requests for playlists', () => {
  const heard: PlaylistMessage[] = [];
  const listen = (message: unknown): void => void heard.push(message as PlaylistMessage);

  beforeEach(() => void heard.splice(0));
  afterEach(() => channels.playlist.unsubscribe(listen));

  test('are published with how they came out, from the first on', async () => {
    channels.playlist.subscribe(listen);
    const a = new ScriptedSession(server, 'a', 0);
    const list = a.list(0, 2, { ended: true });
    a.lists(status(503), list);
    await readAll(follower, a);
    const common = { cameraId: 'front-door', ms: expect.any(Number) };
    expect(heard).toEqual([
      { ...common, kind: 'master', status: 200, bytes: String(server.replyTo('/a/master.m3u8')).length },
      { ...common, kind: 'playlist', status: 503, bytes: 0, code: 'HLS_STATUS' },
      { ...common, kind: 'playlist', status: 200, bytes: list.length },
    ]);
    expect(JSON.stringify(heard)).not.toContain('SECRET');
  });

  test('that the reader breaks off itself are told as that', async () => {
    channels.playlist.subscribe(listen);
    const a = new ScriptedSession(server, 'a', 0);
    const stop = new AbortController();
    a.lists(() => stop.abort(new Error('enough')));
    await expect(follower.run(session(a), stop.signal).next()).rejects.toThrow('enough');
    const b = new ScriptedSession(server, 'b', 0);
    b.lists(b.list(0, 0, { ended: true }));
    await readAll(follower, b);
    expect(heard.filter((message) => 'cancelled' in message || 'code' in message)).toEqual([
      {
        cameraId: 'front-door',
        kind: 'playlist',
        status: 0,
        bytes: 0,
        ms: expect.any(Number),
        cancelled: true,
      },
    ]);
  });

  test('make no message for nobody, and one that comes later hears of them from the next fragment on', async () => {
    const replies: FollowerReply['kind'][] = [];
    const { MessageChannel: Real } = workerThreads;
    const spy = jest.spyOn(workerThreads, 'MessageChannel').mockImplementation(() => {
      const channel = new Real();
      channel.port1.on('message', ({ kind }: FollowerReply) => replies.push(kind));
      return channel;
    });
    const a = new ScriptedSession(server, 'a', 0);
    a.lists(a.list(0, 1), a.list(0, 2, { ended: true }));
    const run = follower.run(session(a), signal);
    await run.next();
    spy.mockRestore();
    expect(replies).toContain('fragment');
    expect(replies).not.toContain('playlist');
    channels.playlist.subscribe(listen);
    await run.next();
    expect(heard).toMatchObject([{ kind: 'playlist', status: 200 }]);
    channels.playlist.unsubscribe(listen);
    expect(await run.next()).toMatchObject({ done: true });
    replies.splice(0);
    const b = new ScriptedSession(server, 'b', 0);
    b.lists(b.list(0, 0, { ended: true }));
    await readAll(follower, b);
    expect(replies).toContain('ended');
    expect(replies).not.toContain('playlist');
    expect(heard).toHaveLength(1);
  });
});
