import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FollowerSettings } from '../../../lib/hls/follower-messages.js';
import type { Fragment } from '../../../lib/hls/fragment.js';
import { RemoteFollower } from '../../../lib/hls/remote-follower.js';
import { silentLogger } from '../../../lib/logger.js';
import { ScriptedSession } from './camera.js';
import { fragmentBytes, numberIn } from './media.js';
import { ScriptedServer, status } from './server.js';

const SETTINGS: FollowerSettings = {
  allowedOrigins: [],
  maxPlaylistBytes: 1024 * 1024,
  startFragmentsBehind: 0,
  startAt: 'edge',
  fragmentsPerSecond: 20,
};
const signal = new AbortController().signal;

let server: ScriptedServer;
let follower: RemoteFollower;

beforeEach(async () => {
  server = await new ScriptedServer().start();
  follower = new RemoteFollower(SETTINGS, silentLogger);
});

afterEach(async () => {
  await follower.close();
  await server.stop();
});

function session({ url }: { url: string }) {
  return { id: 1, url, expiresAtMs: Infinity };
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
