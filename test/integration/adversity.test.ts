import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { ConnectionState, HlsFrameSource, type Gap, type MediaFault } from '../../lib/index';
import { prepareClip, type Clip } from '../../lib/simulator/index';
import { breaks, CLIP, see, setStage, STREAM, type Seen } from '../support/camera';
import { ROOT, runNode } from '../support/child';
import { serveFolder } from '../support/static-server';

const MEDIA = join(ROOT, '..', 'shared', 'media');
const itWithMedia = existsSync(MEDIA) ? it : it.skip;

/** Two clips behind one init URL: the first request for it gets the first clip's, later ones the second's. */
async function serveRestart(clips: readonly [Clip, Clip]): Promise<Server & { url: string }> {
  let initRequests = 0;
  const entries = clips.map((clip, c) =>
    clip.fragments.map((_, i) => `#EXTINF:0.5,\n${c}-${i}.m4s`).join('\n'),
  );
  const list =
    '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI="init.mp4"\n' +
    `${entries.join('\n#EXT-X-DISCONTINUITY\n')}\n#EXT-X-ENDLIST\n`;
  const server = createServer((request, response) => {
    const [, clip, fragment] = /(\d)-(\d+)\.m4s/.exec(request.url ?? '') ?? [];
    if (request.url === '/list.m3u8') response.end(list);
    else if (request.url === '/init.mp4') response.end(clips[Math.min(initRequests++, 1)]?.init.bytes);
    else response.end(clips[Number(clip)]?.fragments[Number(fragment)]?.media);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(server, { url: `http://127.0.0.1:${port}/list.m3u8` });
}

/** A fragment whose boxes stay whole while no picture in it can be found. */
function withoutPictures(fragment: Uint8Array): Uint8Array {
  const damaged = Buffer.from(fragment);
  return damaged.fill(0xff, damaged.indexOf('mdat') + 4);
}

describe('an encoder that restarts', () => {
  it('may write another init section under the same URL: it is loaded again at the discontinuity', async () => {
    const small = await prepareClip({ ...CLIP, seconds: 1 });
    const large = await prepareClip({ ...CLIP, seconds: 1, width: 480, height: 270, bFrames: 2 });
    const server = await serveRestart([small, large]);
    await using source = new HlsFrameSource({ url: server.url, registry: new Registry() });
    const faults: MediaFault[] = [];
    source.on('fault', (fault) => faults.push(fault));
    const widths: number[] = [];
    const numbers: number[] = [];
    for await (const frame of source) {
      widths.push(frame.width);
      numbers.push(see(frame).number);
    }
    server.close();
    expect(faults).toEqual([]);
    expect(widths).toEqual([...Array<number>(20).fill(320), ...Array<number>(20).fill(480)]);
    expect(numbers).toEqual([...Array(20).keys(), ...Array(20).keys()]);
  });
});

describe('media that cannot be decoded', () => {
  itWithMedia('is an error at the end of a recording, not an empty stream', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-audio-'));
    writeFileSync(join(folder, 'audio.ts'), readFileSync(join(MEDIA, 'ts', 'audio.ts')));
    writeFileSync(
      join(folder, 'list.m3u8'),
      '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\naudio.ts\n#EXT-X-ENDLIST\n',
    );
    const server = await serveFolder(folder);
    await using source = new HlsFrameSource({ url: `${server.url}/list.m3u8`, registry: new Registry() });
    await expect(source.read()).rejects.toMatchObject({ code: 'HLS_UNSUPPORTED' });
    expect(source.getConnectionState()).toBe(ConnectionState.ERROR);
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('counts as a failure in a live stream, and ends the source like any other', async () => {
    await using stage = await setStage({
      simulator: {
        intercept: (request, response) =>
          request.kind === 'GetMP4MediaFragment'
            ? { ...response, body: withoutPictures(response.body) }
            : response,
      },
    });
    await using source = stage.source({ maxConsecutiveErrors: 2 });
    const faults: MediaFault[] = [];
    source.on('fault', (fault) => faults.push(fault));
    const read = async (): Promise<void> => {
      for await (const frame of source) throw new Error(`Frame ${frame.index} came out of nothing`);
    };
    await expect(read()).rejects.toMatchObject({
      code: 'TOO_MANY_ERRORS',
      cause: { code: 'HLS_UNDECODABLE' },
    });
    expect(faults.length).toBeGreaterThanOrEqual(6);
  });

  it.each([
    ['is mended by the second copy, with no frame missing', 1],
    ['harms only itself where the second copy is no better: it is told, and reading goes on', Infinity],
  ])('in one fragment %s', async (_, damagedCopies) => {
    let bad: string | null = null;
    let copies = 0;
    const asked = new Set<string | null>();
    await using stage = await setStage({
      simulator: {
        intercept: (request, response) => {
          if (request.kind !== 'GetMP4MediaFragment') return response;
          const number = request.query.get('FragmentNumber');
          if (asked.add(number).size === 2) bad ??= number;
          if (number !== bad || ++copies > damagedCopies) return response;
          return { ...response, body: withoutPictures(response.body) };
        },
      },
    });
    await using source = stage.source();
    const faults: MediaFault[] = [];
    const gaps: Gap[] = [];
    source.on('fault', (fault) => faults.push(fault));
    source.on('gap', (gap) => gaps.push(gap));
    const seen: Seen[] = [];
    for await (const frame of source) {
      if (!frame.damaged) seen.push(see(frame));
      if (seen.length === 40) break;
    }
    expect(copies).toBe(2);
    if (damagedCopies === 1) {
      expect(breaks(seen, stage.clip)).toEqual([]);
      expect([faults, gaps]).toEqual([[], []]);
      expect(source.getMetrics()).toMatchObject({ refetchedFragments: 1, repairedFragments: 1 });
      return;
    }
    expect(faults).toHaveLength(1);
    expect(faults[0]?.fragment?.number).toBe(bad);
    expect(gaps).toMatchObject([{ cause: 'media' }]);
    const behind = seen.findIndex(({ discontinuity }) => discontinuity);
    expect(breaks(seen.slice(behind), stage.clip)).toEqual([]);
    expect(source.getMetrics()).toMatchObject({ refetchedFragments: 1, repairedFragments: 0 });
  });
});

describe('a ring that cannot be had', () => {
  it('ends the source with an error that says what to change, also behind the end of the playlist', async () => {
    await using stage = await setStage({
      clip: { width: 4096, height: 2160, fps: 4, seconds: 1, codec: 'h264' },
    });
    const [first, second] = stage.simulator.stream(STREAM).fragments;
    await using source = stage.source({
      bufferedFrames: 256,
      playbackMode: 'ON_DEMAND',
      startTimestamp: new Date(first?.producerMs ?? 0),
      endTimestamp: new Date((second?.producerMs ?? 0) + 1),
    });
    await expect(source.read()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/Lower bufferedFrames/),
    });
    expect(source.getConnectionState()).toBe(ConnectionState.ERROR);
  });
});

describe('an empty range', () => {
  it('of a recording is an error: it will not fill', async () => {
    await using stage = await setStage();
    await using source = stage.source({
      playbackMode: 'ON_DEMAND',
      startTimestamp: new Date(Date.now() - 7200_000),
      endTimestamp: new Date(Date.now() - 3600_000),
    });
    await expect(source.start()).rejects.toMatchObject({ code: 'KVS_EMPTY_RANGE' });
  });
});

describe('a process', () => {
  const PRELUDE = `
    const threads = require('node:worker_threads');
    const workers = [];
    threads.Worker = class extends threads.Worker { constructor(...all) { super(...all); workers.push(this); } };
    const { KvsHlsFrameSource } = require(${JSON.stringify(ROOT)});
    const { readStamp } = require(${JSON.stringify(join(ROOT, 'dist', 'simulator'))});
    const number = (frame) => readStamp(frame.data, frame.width, frame.height).frameNumber;
    const source = new KvsHlsFrameSource({ streamName: '${STREAM}', reconnectDelaySeconds: 0.1, bufferedFrames: 2 });
  `;

  it.each([
    ['while a frame is waited for', ''],
    ['while the ring is full', 'await new Promise((resolve) => setTimeout(resolve, 700));'],
  ])('survives the death of its network thread %s, without losing a frame', async (_, wait) => {
    await using stage = await setStage();
    const script = `${PRELUDE}
      (async () => {
        let last, holes = 0, count = 0;
        const take = async () => {
          const frame = await source.read({ timeoutMs: 10000 });
          if (last !== undefined && number(frame) !== (last + 1) % ${stage.clip.frames}) holes++;
          last = number(frame);
          count++;
        };
        for (let i = 0; i < 5; i++) await take();
        ${wait}
        await workers[0].terminate();
        for (let i = 0; i < 60; i++) await take();
        console.log(JSON.stringify({ count, holes, workers: workers.length, reconnects: source.getMetrics().reconnects }));
        await source.stop();
      })();`;
    const result = await runNode(['-e', script], { env: stage.simulator.environment });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toEqual({ count: 65, holes: 0, workers: 2, reconnects: 1 });
  });

  it('whose listener throws gets that as an uncaught exception, and goes on reading if it handles it', async () => {
    await using stage = await setStage();
    const script = `${PRELUDE}
      process.on('uncaughtException', (error) => console.log(error.message));
      source.on('state', () => { throw new Error('from the listener'); });
      (async () => {
        for await (const frame of source.frames({ maxFrames: 30 }));
        await source.stop();
        console.log('all read');
      })();`;
    const result = await runNode(['-e', script], { env: stage.simulator.environment });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout.trim().split('\n')).toEqual([
      'from the listener',
      'from the listener',
      'from the listener',
      'all read',
    ]);
  });

  it('sees the end of a stream, and a give-up, also when nothing else keeps it alive', async () => {
    await using stage = await setStage();
    const [first, , third] = stage.simulator.stream(STREAM).fragments;
    const script = (options: string): string => `${PRELUDE}
      const other = new KvsHlsFrameSource({ streamName: '${STREAM}', reconnectDelaySeconds: 0.01, ${options} });
      (async () => {
        let count = 0;
        try { for await (const frame of other) count++; console.log('end', count); }
        catch (error) { console.log(error.code, count); }
      })();`;
    const range = `playbackMode: 'ON_DEMAND', startTimestamp: new Date(${first?.producerMs}), endTimestamp: new Date(${(third?.producerMs ?? 0) + 1})`;
    for (let i = 0; i < 5; i++) {
      const result = await runNode(['-e', script(range)], { env: stage.simulator.environment });
      expect(result).toMatchObject({ code: 0, stdout: 'end 30\n' });
    }
    const env = { ...stage.simulator.environment, AWS_ENDPOINT_URL_KINESIS_VIDEO: 'http://127.0.0.1:1' };
    const refused = await runNode(['-e', script('maxConsecutiveErrors: 1')], { env });
    expect(refused).toMatchObject({ code: 0, stdout: 'TOO_MANY_ERRORS 0\n' });
  });
});
