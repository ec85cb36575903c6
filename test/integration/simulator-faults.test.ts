import { describe, expect, test } from '@jest/globals';
import { GetDataEndpointCommand } from '@aws-sdk/client-kinesis-video';
import { GetHLSStreamingSessionURLCommand } from '@aws-sdk/client-kinesis-video-archived-media';

import { clipCamera, faultByName, prepareClip } from '../../lib/simulator/index.js';
import { get, kvsClients, mediaPlaylist, readPlaylist, sessionUrl } from '../unit/simulator/kvs-client.js';
import { clip, live, onFragment, once, script, simulate, simulator } from '../support/simulated-stream.js';

const statuses = async (urls: readonly URL[]): Promise<number[]> => {
  const found: number[] = [];
  for (const url of urls) found.push((await get(url)).status);
  return found;
};

describe('A script', () => {
  test('counts requests from its setting, until another one or none is set', async () => {
    await simulate();
    const { uris } = await mediaPlaylist(await sessionUrl(simulator, live));
    await get(uris[0]!);
    simulator.setFaults(faultByName('fragment-404-once').script);
    expect(await statuses([uris[0]!, uris[0]!])).toEqual([404, 200]);
    simulator.setFaults(faultByName('fragment-404-once').script);
    expect(await statuses([uris[1]!, uris[1]!])).toEqual([404, 200]);
    simulator.setFaults([faultByName('fragment-503-forever').script]);
    expect(await statuses([uris[1]!, uris[1]!])).toEqual([503, 503]);
    simulator.setFaults(null);
    expect(await statuses([uris[1]!])).toEqual([200]);
  });

  test('counts fragments and sessions from its setting, and streams apart', async () => {
    const camera = clipCamera({ clip });
    const clock = await simulate({ streams: ['front-door', 'back-door'].map((name) => ({ name, camera })) });
    const before = await mediaPlaylist(await sessionUrl(simulator, live));
    simulator.setFaults(
      script(
        { when: { resource: 'fragment', fragments: once }, what: { type: 'refuse', status: 404 } },
        { when: { resource: 'master', sessions: once }, what: { type: 'refuse', status: 500 } },
      ),
    );
    clock.step(2_000);
    const { uris } = await readPlaylist(before.url);
    expect(uris.length).toBe(5);
    expect(await statuses(uris)).toEqual([200, 200, 200, 200, 404]);
    const masters = [await sessionUrl(simulator, live), await sessionUrl(simulator, live)];
    expect(await statuses(masters)).toEqual([500, 200]);
    expect(await statuses([await sessionUrl(simulator, { StreamName: 'back-door' })])).toEqual([500]);
  });

  test('can be there from the start', async () => {
    await simulate({ faults: [faultByName('expiry-at-master').script] });
    expect(simulator.faultWindow).toBeNull();
    const first = await sessionUrl(simulator, live);
    expect((await get(first)).text).toBe('{"Message":"Streaming session token is expired"}');
    expect((await get(await sessionUrl(simulator, live))).status).toBe(200);
  });

  test('tells when it took effect first and last', async () => {
    const clock = await simulate();
    const { url } = await mediaPlaylist(await sessionUrl(simulator, live));
    simulator.setFaults(faultByName('playlist-500-thrice').script);
    expect(simulator.faultWindow).toBeNull();
    clock.step(500);
    const beganAtMs = clock.now();
    await get(url);
    expect(simulator.faultWindow).toEqual({ beganAtMs, endedAtMs: beganAtMs });
    clock.step(1_000);
    await statuses([url, url, url]);
    clock.step(1_000);
    expect(await statuses([url])).toEqual([200]);
    expect(simulator.faultWindow).toEqual({ beganAtMs, endedAtMs: beganAtMs + 1_000 });
    simulator.setFaults(null);
    expect(simulator.faultWindow).toEqual({ beganAtMs, endedAtMs: beganAtMs + 1_000 });
  });

  test('goes through the log and the interceptor like any other answer', async () => {
    const seen: number[] = [];
    await simulate({
      intercept: (_, response) => {
        seen.push(response.status);
        return response;
      },
    });
    const master = await sessionUrl(simulator, live);
    simulator.setFaults(faultByName('master-403-once').script);
    await get(master);
    expect(seen.at(-1)).toBe(403);
    expect(simulator.requests.recent.at(-1)).toMatchObject({
      kind: 'GetHLSMasterPlaylist',
      status: 403,
      errorName: 'NotAuthorizedException',
      sessionId: 1,
      stream: 'front-door',
    });
  });
});

describe('A refusal', () => {
  test.each([
    ['session-url-400-forever', 'InvalidArgumentException', 400],
    ['session-url-403-forever', 'AccessDeniedException', 403],
    ['session-url-404-forever', 'ResourceNotFoundException', 404],
    ['session-url-500-forever', 'InternalFailure', 500],
    ['throttling-storm', 'ClientLimitExceededException', 400],
    ['no-data-retention', 'NoDataRetentionException', 400],
  ])('%s reaches the SDK as %s', async (name, errorName, status) => {
    await simulate({ faults: [faultByName(name).script] });
    await expect(sessionUrl(simulator, live)).rejects.toMatchObject({
      name: errorName,
      $metadata: { httpStatusCode: status },
    });
  });

  test('with 200 has no URL, and a redirect leads to the same resource', async () => {
    await simulate();
    const master = await sessionUrl(simulator, live);
    simulator.setFaults([
      faultByName('redirect-forever').script,
      faultByName('unknown-operation-answer').script,
    ]);
    const { media } = kvsClients(simulator);
    const answer = await media.send(new GetHLSStreamingSessionURLCommand(live));
    expect(answer.HLSStreamingSessionURL).toBeUndefined();
    const redirected = await fetch(master, { redirect: 'manual' });
    expect([redirected.status, redirected.headers.get('location')]).toEqual([
      302,
      `${master.pathname}${master.search}`,
    ]);
  });

  test('can say when to come again', async () => {
    await simulate();
    const { url } = await mediaPlaylist(await sessionUrl(simulator, live));
    simulator.setFaults(faultByName('playlist-503-retry-after').script);
    expect((await get(url)).headers.get('retry-after')).toBe('3');
  });
});

describe('A URL that leads astray', () => {
  test('has a host without an address, or a scheme that the port does not speak', async () => {
    await simulate({
      faults: [faultByName('dns-failure').script, faultByName('tls-failure-of-session-url').script],
    });
    const { control } = kvsClients(simulator);
    const command = new GetDataEndpointCommand({ ...live, APIName: 'GET_HLS_STREAMING_SESSION_URL' });
    const { DataEndpoint } = await control.send(command);
    const { port } = new URL(simulator.endpoint);
    expect(DataEndpoint).toBe(`http://kvs.invalid:${port}`);
    const url = await sessionUrl(simulator, live);
    expect(url.href).toMatch(new RegExp(`^https://127\\.0\\.0\\.1:${port}/hls/v1/`));
    await expect(fetch(url)).rejects.toThrow();
    await expect(fetch(DataEndpoint!)).rejects.toThrow();
  });
});

describe('A spoilt resource', () => {
  test('is a playlist, an init section or a fragment', async () => {
    await simulate();
    const { url, text, uris } = await mediaPlaylist(await sessionUrl(simulator, live));
    const map = /MAP:URI="(.*)"/.exec(text)![1]!.replace('=T&', `=${url.searchParams.get('SessionToken')}&`);
    simulator.setFaults(
      script(
        { when: { resource: 'init' }, what: { type: 'damage-init', damage: { type: 'empty' } } },
        { when: { resource: 'fragment' }, what: { type: 'damage-fragment', damage: { type: 'empty' } } },
        { when: { resource: 'playlist' }, what: { type: 'edit-playlist', edit: { type: 'endlist' } } },
      ),
    );
    expect((await readPlaylist(url)).text).toBe(`${text}#EXT-X-ENDLIST\n`);
    for (const empty of [new URL(map, url), uris[0]!]) {
      const { status, bytes, headers } = await get(empty);
      expect([status, bytes.length, headers.get('content-length')]).toEqual([200, 0, '0']);
    }
  });

  test('is in MPEG-TS what it is in fMP4', async () => {
    await simulate();
    const { uris } = await mediaPlaylist(
      await sessionUrl(simulator, { ...live, ContainerFormat: 'MPEG_TS' }),
    );
    const right = (await get(uris[0]!)).bytes;
    simulator.setFaults(onFragment({ type: 'damage-fragment', damage: { type: 'no-pictures' } }));
    const spoilt = (await get(uris[0]!)).bytes;
    expect(spoilt).toHaveLength(right.length);
    expect(spoilt.equals(right)).toBe(false);
  });

  test('under one URL is the newest init section', async () => {
    const larger = await prepareClip({ width: 320, height: 180, seconds: 2 });
    const clock = await simulate();
    const { url } = await mediaPlaylist(await sessionUrl(simulator, live));
    simulator.setFaults(faultByName('init-changed-under-same-url').script);
    await simulator.stream('front-door').startCamera(clipCamera({ clip: larger, backlogFragments: 0 }));
    clock.step(1_400);
    const { text } = await readPlaylist(url);
    const maps = [...text.matchAll(/MAP:URI="(.*)"/g)].map(([, uri]) => uri!);
    expect(maps).toHaveLength(2);
    expect(new Set(maps).size).toBe(1);
    const init = await get(
      new URL(maps[0]!.replace('=T&', `=${url.searchParams.get('SessionToken')}&`), url),
    );
    expect(init.bytes.equals(larger.init.bytes)).toBe(true);
  });
});

describe('A deed', () => {
  test('stops and starts the camera in time', async () => {
    const clock = await simulate();
    const stream = simulator.stream('front-door');
    simulator.setFaults(faultByName('camera-asleep-20s').script);
    clock.step(1);
    expect(stream.cameraState).toBe('stopped');
    clock.step(20_000);
    expect(stream.cameraState).toBe('running');
    expect(simulator.faultWindow!.endedAtMs - simulator.faultWindow!.beganAtMs).toBe(20_000);
  });

  test('brings another camera', async () => {
    await simulate({ clock: undefined });
    const stream = simulator.stream('front-door');
    simulator.setFaults(faultByName('init-changed').script);
    await stream.untilVisible(5);
    const widths = async (): Promise<string[]> => {
      const { text } = await get(await sessionUrl(simulator, live));
      return [...text.matchAll(/RESOLUTION=(\d+)/g)].map(([, width]) => width!);
    };
    while ((await widths())[0] !== '480') await new Promise((resolve) => setTimeout(resolve, 50));
    const frames = stream.fragments.map((fragment) => fragment.frames);
    expect(frames.slice(0, 3)).toEqual([15, 15, 15]);
    expect(frames.at(-1)).toBe(10);
  });

  test('sends a fragment again under another number', async () => {
    const clock = await simulate();
    const { url } = await mediaPlaylist(
      await sessionUrl(simulator, { ...live, DisplayFragmentTimestamp: 'ALWAYS' }),
    );
    simulator.setFaults(faultByName('fragment-repeated').script);
    clock.step(400);
    const { uris, text } = await readPlaylist(url);
    const dates = [...text.matchAll(/DATE-TIME:(.*)/g)].map(([, date]) => date);
    expect(uris).toHaveLength(4);
    expect(dates).toHaveLength(4);
    const fragments = simulator.stream('front-door').fragments;
    expect(fragments[3]!.number).not.toBe(fragments[2]!.number);
    expect(fragments[3]!.producerMs).toBe(fragments[2]!.producerMs);
    expect((await get(uris[3]!)).bytes.subarray(200).equals((await get(uris[2]!)).bytes.subarray(200))).toBe(
      true,
    );
  });

  test('sets the producer’s clock: dates jump, media times go on', async () => {
    const clock = await simulate();
    const stream = simulator.stream('front-door');
    const epochMs = stream.stampEpochMs;
    simulator.setFaults(faultByName('clock-back-1h').script);
    clock.step(2_000);
    const jumps = stream.fragments.map((one, n, all) =>
      n === 0 ? 1_000 : one.producerMs - all[n - 1]!.producerMs,
    );
    expect(jumps).toEqual([1_000, 1_000, 1_000, 1_000 - 3_600_000, 1_000]);
    expect(stream.stampEpochMs).toBe(epochMs - 3_600_000);
  });

  test('ends sessions, and refuses connections for a while at the same port', async () => {
    const clock = await simulate();
    const { url } = await mediaPlaylist(await sessionUrl(simulator, live));
    const idle = await fetch(url);
    await idle.text();
    simulator.setFaults(faultByName('connection-refused-3s').script);
    clock.step(1);
    // The first one still has a connection from before to lose.
    await expect(get(url)).rejects.toThrow();
    await expect(get(url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    clock.step(3_000);
    while ((await get(url).catch(() => null)) === null);
    simulator.setFaults(faultByName('session-dies-early').script);
    clock.step(1);
    expect((await get(url)).status).toBe(403);
  });

  test('that waits does not hold up the simulator’s end', async () => {
    await simulate({ clock: undefined });
    simulator.setFaults(faultByName('connection-refused-10s').script);
    while (simulator.faultWindow === null) await new Promise((resolve) => setTimeout(resolve, 1));
    await simulator.close();
    await expect(get(new URL(simulator.endpoint))).rejects.toThrow();
  });
});

describe('A stream', () => {
  test('can be taken for silent sooner than after 30 s', async () => {
    const clock = await simulate({
      streams: [{ name: 'front-door', camera: clipCamera({ clip }), livenessSeconds: 2 }],
      silentSessions: 'fail',
    });
    const { url } = await mediaPlaylist(await sessionUrl(simulator, live));
    await simulator.stream('front-door').stopCamera();
    clock.step(2_001);
    await expect(sessionUrl(simulator, live)).rejects.toThrow('No fragments found');
    expect((await get(url)).status).toBe(404);
  });

  test('can begin shortly before its MPEG-TS times start over', async () => {
    const clock = await simulate({
      streams: [{ name: 'front-door', camera: clipCamera({ clip }), timelineStartSeconds: 95_440 }],
    });
    clock.step(3_000);
    const request = { ...live, ContainerFormat: 'MPEG_TS', MaxMediaPlaylistFragmentResults: 6 } as const;
    const { uris } = await mediaPlaylist(await sessionUrl(simulator, request));
    const clocks: number[] = [];
    for (const uri of uris) clocks.push(firstProgramClock((await get(uri)).bytes));
    expect(clocks.map((ticks) => Math.round(ticks / 90_000))).toEqual([95_440, 95_441, 95_442, 95_443, 0, 1]);
  });
});

/** The first program clock reference of an MPEG-TS fragment, in ticks of 90 kHz. */
function firstProgramClock(bytes: Buffer): number {
  for (let at = 0; at < bytes.length; at += 188) {
    const hasClock = (bytes[at + 3]! & 0x20) !== 0 && bytes[at + 4]! > 0 && (bytes[at + 5]! & 0x10) !== 0;
    if (hasClock) return bytes.readUInt32BE(at + 6) * 2 + (bytes[at + 10]! >> 7);
  }
  throw new Error('No packet has a clock');
}
