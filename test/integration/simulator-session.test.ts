import { describe, expect, test } from '@jest/globals';

import { clipCamera } from '../../lib/simulator/index.js';
import { parseFragment } from '../../lib/simulator/mp4-fragment.js';
import { get, mediaPlaylist, readPlaylist, sessionUrl } from '../unit/simulator/kvs-client.js';
import { clip, live, simulate, simulator } from '../support/simulated-stream.js';

describe('A session', () => {
  test('is refused with 403 on every resource from the second it expires', async () => {
    const clock = await simulate();
    const master = await sessionUrl(simulator, { ...live, Expires: 300 });
    const { url, uris } = await mediaPlaylist(master);
    clock.step(299_999);
    expect((await get(url)).status).toBe(200);
    clock.step(1);
    for (const resource of [master, url, uris[0]!]) {
      const { status, text, headers } = await get(resource);
      expect([status, text]).toEqual([403, '{"Message":"Streaming session token is expired"}']);
      expect(headers.get('x-amzn-errortype')).toMatch(/^NotAuthorizedException:/);
    }
  });

  test('really lives as long as the private option says, while Expires keeps AWS’s range', async () => {
    const clock = await simulate({ sessionLifetimeSeconds: 7 });
    await expect(sessionUrl(simulator, { ...live, Expires: 7 })).rejects.toThrow('300');
    const { url } = await mediaPlaylist(await sessionUrl(simulator, live));
    clock.step(6999);
    expect((await get(url)).status).toBe(200);
    clock.step(1);
    expect((await get(url)).status).toBe(403);
  });

  test('can be ended by hand, and leaves others alone', async () => {
    await simulate();
    const one = await mediaPlaylist(await sessionUrl(simulator, live));
    const two = await mediaPlaylist(await sessionUrl(simulator, live));
    simulator.sessions[0]!.expire();
    expect((await get(one.url)).status).toBe(403);
    expect((await get(two.url)).status).toBe(200);
  });

  test('needs its token, its track and a fragment it listed', async () => {
    await simulate();
    const { url, uris } = await mediaPlaylist(await sessionUrl(simulator, live));
    const status = async (change: (changed: URL) => void, from = url): Promise<number> => {
      const changed = new URL(from);
      change(changed);
      return (await get(changed)).status;
    };
    expect(await status((changed) => changed.searchParams.delete('SessionToken'))).toBe(400);
    expect(await status((changed) => changed.searchParams.set('SessionToken', 'Ci~'))).toBe(403);
    expect(await status((changed) => changed.searchParams.delete('TrackNumber'))).toBe(400);
    expect(await status((changed) => changed.searchParams.set('FragmentNumber', '99'), uris[0])).toBe(404);
    expect(await status((changed) => changed.searchParams.set('FragmentNumber', 'x'), uris[0])).toBe(400);
    expect(await status((changed) => (changed.pathname = '/hls/v1/getTSFragment.ts'), uris[0])).toBe(400);
  });

  test('can’t be made once the last fragment is 30 s old', async () => {
    const clock = await simulate();
    await simulator.stream('front-door').stopCamera();
    clock.step(30_000);
    await expect(sessionUrl(simulator, live)).resolves.toBeInstanceOf(URL);
    clock.step(1);
    await expect(sessionUrl(simulator, live)).rejects.toThrow('No fragments found in the stream');
    await simulator.stream('front-door').startCamera();
    clock.step(1200);
    await expect(sessionUrl(simulator, live)).resolves.toBeInstanceOf(URL);
  });

  test.each(['freeze', 'fail'] as const)('of a stream that falls silent can %s', async (silentSessions) => {
    const clock = await simulate({ silentSessions });
    const { url, text } = await mediaPlaylist(await sessionUrl(simulator, live));
    await simulator.stream('front-door').stopCamera();
    clock.step(30_001);
    const later = await get(url);
    expect(later.status).toBe(silentSessions === 'freeze' ? 200 : 404);
    if (silentSessions === 'freeze') expect((await readPlaylist(url)).text).toBe(text);
    await simulator.stream('front-door').startCamera();
    clock.step(5000);
    expect((await get(url)).status).toBe(silentSessions === 'freeze' ? 200 : 404);
  });

  test('numbers fragments as KVS does outside sessions, if asked to', async () => {
    await simulate({ liveFragmentNumbers: 'global' });
    const { uris } = await mediaPlaylist(await sessionUrl(simulator, live));
    const numbers = uris.map((uri) => uri.searchParams.get('FragmentNumber'));
    expect(numbers).toEqual(simulator.stream('front-door').fragments.map((fragment) => fragment.number));
  });

  test.each([
    ['continuous', [4, 5, 6]],
    ['session', [0, 1, 2]],
    ['fragment', [0, 0, 0]],
  ] as const)('writes decode times of the %s timeline', async (timeline, expected) => {
    const camera = clipCamera({ clip });
    const clock = await simulate({ streams: [{ name: 'front-door', camera, timeline }] });
    clock.step(4000);
    const request = { ...live, MaxMediaPlaylistFragmentResults: 3 };
    const { uris } = await mediaPlaylist(await sessionUrl(simulator, request));
    const seconds = await Promise.all(
      uris.map(async (uri) => {
        const { bytes } = await get(uri);
        return parseFragment(clip.init, bytes).decodeTicks / clip.init.timescale;
      }),
    );
    expect(seconds).toEqual(expected);
  });

  test('can have decode times that count from 1970', async () => {
    await simulate({ streams: [{ name: 'front-door', camera: clipCamera({ clip }), timeline: 'epoch' }] });
    const { uris } = await mediaPlaylist(await sessionUrl(simulator, live));
    const { decodeTicks } = parseFragment(clip.init, (await get(uris[0]!)).bytes);
    const first = simulator.stream('front-door').fragments[0]!;
    expect((decodeTicks * 1000) / clip.init.timescale).toBeCloseTo(first.producerMs, 0);
  });
});

describe('A stream', () => {
  test('tells when its fragments are visible, and when there will be no more', async () => {
    const clock = await simulate();
    const stream = simulator.stream('front-door');
    await stream.untilVisible(3);
    const fourth = stream.untilVisible(4);
    clock.step(1000);
    await fourth;
    await stream.stopCamera();
    await expect(stream.untilVisible(9)).rejects.toThrow('is stopped: there will not be 9 fragments');
  });

  test('lets go of the media of sessions that nobody polls', async () => {
    const clock = await simulate({
      streams: [{ name: 'front-door', camera: clipCamera({ clip }), retentionHours: 1 / 360 }],
    });
    const { uris, url } = await mediaPlaylist(await sessionUrl(simulator, live));
    clock.step(20_000);
    await sessionUrl(simulator, live);
    expect((await get(uris[0]!)).status).toBe(404);
    expect((await readPlaylist(url)).text).toContain('#EXT-X-MEDIA-SEQUENCE:18\n');
  });
});
