import { beforeAll, describe, expect, test } from '@jest/globals';

import { silentLogger } from '../../../lib/logger.js';
import { type Clip, clipCamera, prepareClip } from '../../../lib/simulator/index.js';
import { Listing } from '../../../lib/simulator/listing.js';
import { mediaPlaylist, masterPlaylist } from '../../../lib/simulator/playlist-writer.js';
import { type SessionParameters, sessionParameters } from '../../../lib/simulator/session-parameters.js';
import { KvsStream, type StreamOptions } from '../../../lib/simulator/stream.js';
import { FakeClock } from '../../support/fake-clock.js';

let clip: Clip;
let larger: Clip;
beforeAll(async () => {
  clip = await prepareClip({ width: 160, height: 90, seconds: 2 });
  larger = await prepareClip({ width: 320, height: 180, seconds: 2 });
});

/** A stream with three visible fragments that started at 10:14:56.800 by the producer. */
async function running(
  options: Partial<StreamOptions> = {},
): Promise<{ stream: KvsStream; clock: FakeClock }> {
  const clock = new FakeClock();
  const camera = clipCamera({ clip, backlogFragments: 3 });
  const stream = new KvsStream({ name: 'front-door', camera, ...options }, 'eu-west-1', clock, silentLogger);
  await stream.startCamera();
  return { stream, clock };
}

function session(stream: KvsStream, clock: FakeClock, body: Record<string, unknown> = {}) {
  const parameters: SessionParameters = sessionParameters(body, clock.now(), 0);
  const listing = new Listing(stream.store, parameters, 'session');
  return {
    text: () => mediaPlaylist(listing.window(clock.now()), parameters, 'T'),
    numbers: () => listing.window(clock.now()).entries.map((entry) => entry.number),
    listing,
  };
}

const byProducer = { HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' } };
const dated = { DisplayFragmentTimestamp: 'ALWAYS' };

describe('The master playlist', () => {
  test('has one variant with codec, size and rates', async () => {
    const { stream } = await running();
    const text = masterPlaylist(stream.fragments[0]!, 'T');
    expect(text.split('\n')).toEqual([
      '#EXTM3U',
      '#EXT-X-VERSION:1',
      expect.stringMatching(
        /^#EXT-X-STREAM-INF:CODECS="avc1\.[0-9a-f]{6}",RESOLUTION=160x90,FRAME-RATE=15.0,BANDWIDTH=\d+$/,
      ),
      'getHLSMediaPlaylist.m3u8?SessionToken=T&TrackNumber=1',
      '',
    ]);
  });
});

describe('A LIVE media playlist', () => {
  test('marks a discontinuity before, between and after its fragments by default', async () => {
    const { stream, clock } = await running();
    expect(session(stream, clock).text()).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-TARGETDURATION:1',
        '#EXT-X-MEDIA-SEQUENCE:0',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-DISCONTINUITY',
        '#EXT-X-MAP:URI="getMP4InitFragment.mp4?SessionToken=T&TrackNumber=1&SequenceNumber=0"',
        '#EXTINF:1.0,',
        'getMP4MediaFragment.mp4?FragmentNumber=0&SessionToken=T&TrackNumber=1',
        '#EXT-X-DISCONTINUITY',
        '#EXTINF:1.0,',
        'getMP4MediaFragment.mp4?FragmentNumber=1&SessionToken=T&TrackNumber=1',
        '#EXT-X-DISCONTINUITY',
        '#EXTINF:1.0,',
        'getMP4MediaFragment.mp4?FragmentNumber=2&SessionToken=T&TrackNumber=1',
        '#EXT-X-DISCONTINUITY',
        '',
      ].join('\n'),
    );
  });

  test('carries producer or server dates, 200 ms apart, when asked to', async () => {
    const { stream, clock } = await running();
    const dates = (body: Record<string, unknown>): string[] =>
      [
        ...session(stream, clock, { ...body, ...dated })
          .text()
          .matchAll(/DATE-TIME:(.*)/g),
      ].map((match) => match[1]!);
    expect(dates(byProducer)).toEqual([
      '2026-11-22T10:14:56.800Z',
      '2026-11-22T10:14:57.800Z',
      '2026-11-22T10:14:58.800Z',
    ]);
    expect(dates({})).toEqual([
      '2026-11-22T10:14:57.000Z',
      '2026-11-22T10:14:58.000Z',
      '2026-11-22T10:14:59.000Z',
    ]);
  });

  test('shows a fragment once it is whole and ingested, not before', async () => {
    const { stream, clock } = await running();
    const live = session(stream, clock);
    expect(live.numbers()).toEqual(['0', '1', '2']);
    clock.step(999);
    expect(live.numbers()).toEqual(['0', '1', '2']);
    clock.step(1);
    expect(live.numbers()).toEqual(['0', '1', '2', '3']);
  });

  test('slides with the newest fragments, numbers counted in the session', async () => {
    const { stream, clock } = await running();
    const body = { ...byProducer, MaxMediaPlaylistFragmentResults: 2 };
    const live = session(stream, clock, body);
    expect(live.numbers()).toEqual(['0', '1']);
    clock.step(10_000);
    expect(live.numbers()).toEqual(['10', '11']);
    expect(live.text()).toContain('#EXT-X-MEDIA-SEQUENCE:10\n');
    expect(live.text()).not.toContain('DISCONTINUITY');
    expect(live.listing.find('3')?.fragment.index).toBe(4);
    expect(session(stream, clock, body).numbers()).toEqual(['0', '1']);
  });

  test('stands still without an end when the camera stops, and marks the gap when it is back', async () => {
    const { stream, clock } = await running();
    const live = session(stream, clock, { ...byProducer, ...dated, DiscontinuityMode: 'ON_DISCONTINUITY' });
    const before = live.text();
    await stream.stopCamera();
    clock.step(20_000);
    expect(live.text()).toBe(before);
    await stream.startCamera();
    clock.step(1200);
    const lines = live.text().split('\n');
    expect(lines.slice(-5)).toEqual([
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T10:15:20.000Z',
      '#EXTINF:1.0,',
      'getMP4MediaFragment.mp4?FragmentNumber=3&SessionToken=T&TrackNumber=1',
      '',
    ]);
    expect(lines.filter((line) => line === '#EXT-X-DISCONTINUITY')).toHaveLength(1);
  });

  test('names a new init section, after a discontinuity, when the picture size changes', async () => {
    const { stream, clock } = await running();
    const live = session(stream, clock, byProducer);
    live.text();
    await stream.startCamera(clipCamera({ clip: larger, backlogFragments: 0 }));
    clock.step(1200);
    expect(live.text().split('\n').slice(-5)).toEqual([
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-MAP:URI="getMP4InitFragment.mp4?SessionToken=T&TrackNumber=1&SequenceNumber=1"',
      '#EXTINF:1.0,',
      'getMP4MediaFragment.mp4?FragmentNumber=3&SessionToken=T&TrackNumber=1',
      '',
    ]);
    expect(live.listing.init(0)?.width).toBe(160);
    expect(live.listing.init(1)?.width).toBe(320);
  });

  test('in MPEG-TS names TS fragments and no init section', async () => {
    const { stream, clock } = await running();
    const text = session(stream, clock, { ...byProducer, ContainerFormat: 'MPEG_TS' }).text();
    expect(text).toContain('#EXT-X-VERSION:3\n');
    expect(text).not.toContain('EXT-X-MAP');
    expect(text).toContain('\ngetTSFragment.ts?FragmentNumber=2&SessionToken=T\n');
  });
});

describe('An ON_DEMAND media playlist', () => {
  const recorded = (clock: FakeClock, from: number, to: number, more: Record<string, unknown> = {}) => ({
    PlaybackMode: 'ON_DEMAND',
    HLSFragmentSelector: {
      FragmentSelectorType: 'PRODUCER_TIMESTAMP',
      TimestampRange: { StartTimestamp: clock.now() / 1000 + from, EndTimestamp: clock.now() / 1000 + to },
    },
    ...more,
  });

  test('lists the range once, with real numbers and an end', async () => {
    const { stream, clock } = await running();
    clock.step(5000);
    const replay = session(stream, clock, recorded(clock, -7.2, -5.2, dated));
    const chosen = stream.fragments.slice(1, 4);
    expect(replay.text()).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-PLAYLIST-TYPE:VOD',
        '#EXT-X-TARGETDURATION:1',
        '#EXT-X-MEDIA-SEQUENCE:1',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-MAP:URI="getMP4InitFragment.mp4?SessionToken=T&TrackNumber=1&SequenceNumber=0"',
        ...chosen.flatMap((fragment) => [
          `#EXT-X-PROGRAM-DATE-TIME:${new Date(fragment.producerMs).toISOString()}`,
          '#EXTINF:1.0,',
          `getMP4MediaFragment.mp4?FragmentNumber=${fragment.number}&SessionToken=T&TrackNumber=1`,
        ]),
        '#EXT-X-ENDLIST',
        '',
      ].join('\n'),
    );
    for (const { number } of chosen) expect(number).toMatch(/^\d{47}$/);
    const before = replay.text();
    clock.step(5000);
    expect(replay.text()).toBe(before);
  });

  test('lists the oldest fragments where there are more than asked for', async () => {
    const { stream, clock } = await running();
    const body = recorded(clock, -60, 0, { MaxMediaPlaylistFragmentResults: 2 });
    expect(session(stream, clock, body).numbers()).toEqual(stream.fragments.slice(0, 2).map((f) => f.number));
  });
});

describe('A LIVE_REPLAY media playlist', () => {
  const replayed = (clock: FakeClock, from: number, to?: number) => ({
    PlaybackMode: 'LIVE_REPLAY',
    MaxMediaPlaylistFragmentResults: 2,
    HLSFragmentSelector: {
      FragmentSelectorType: 'PRODUCER_TIMESTAMP',
      TimestampRange: {
        StartTimestamp: clock.now() / 1000 + from,
        ...(to === undefined ? {} : { EndTimestamp: clock.now() / 1000 + to }),
      },
    },
  });

  test('starts at the oldest fragment in range and moves on at the pace of the media, into live', async () => {
    const { stream, clock } = await running();
    clock.step(20_000);
    const replay = session(stream, clock, replayed(clock, -10.2));
    const first = stream.fragments.findIndex((fragment) => fragment.producerMs >= clock.now() - 10_200);
    const indices = (): number[] =>
      replay.listing.window(clock.now()).entries.map((entry) => entry.fragment.index);
    expect(indices()).toEqual([first, first + 1]);
    clock.step(999);
    expect(indices()).toEqual([first, first + 1]);
    clock.step(1);
    expect(indices()).toEqual([first + 1, first + 2]);
    clock.step(30_000);
    expect(indices()).toEqual([first + 31, first + 32]);
    expect(replay.text()).not.toContain('ENDLIST');
    expect(replay.text()).not.toContain('PLAYLIST-TYPE');
  });

  test('ends when its range is played', async () => {
    const { stream, clock } = await running();
    clock.step(20_000);
    const replay = session(stream, clock, replayed(clock, -10.2, -7.2));
    expect(replay.text()).not.toContain('ENDLIST');
    clock.step(5000);
    expect(replay.numbers()).toEqual(['2', '3']);
    expect(replay.text()).toMatch(/\n#EXT-X-ENDLIST\n$/);
  });
});

describe('A stream', () => {
  test('forgets fragments by age and by bytes', async () => {
    const { stream, clock } = await running({ retentionHours: 1 / 360 });
    clock.step(60_000);
    expect(stream.store.visible(clock.now())).toHaveLength(10);
    const fragmentBytes = clip.fragments[0]!.media.length + clip.fragments[1]!.media.length;
    const capped = await running({ maxStoredBytes: 2 * fragmentBytes });
    capped.clock.step(60_000);
    expect(capped.stream.fragments).toHaveLength(4);
    expect(capped.stream.store.bytes).toBeLessThanOrEqual(2 * fragmentBytes);
  });

  test('has times that follow from the stamp epoch, over loops, stops and speeds', async () => {
    const { stream, clock } = await running();
    clock.step(5000);
    const relative = (): number[] => stream.fragments.map((f) => (f.producerMs - stream.stampEpochMs) / 1000);
    expect(relative()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const lastBefore = stream.fragments.at(-1)!.producerMs;
    await stream.stopCamera();
    clock.step(7300);
    await stream.startCamera();
    clock.step(1000);
    expect(relative().at(-1)).toBe(8);
    expect(stream.fragments.at(-1)!.producerMs - lastBefore).toBeGreaterThan(7300);

    const fast = await running({ camera: clipCamera({ clip, speed: 10, backlogFragments: 0 }) });
    fast.clock.step(1000);
    expect(fast.stream.fragments).toHaveLength(10);
    expect(fast.stream.fragments.at(-1)!.producerMs).toBe(fast.stream.stampEpochMs + 9000);
    expect(fast.stream.fragments.at(-1)!.serverMs).toBe(fast.stream.stampEpochMs + 900 + 200);
  });
});
