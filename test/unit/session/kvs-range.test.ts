import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { KvsSessionProvider } from '../../../lib/session/kvs.js';
import { FakeClock } from '../../support/fake-clock.js';
import { ControlPlane, failure, request } from './control-plane.js';

const FROM = Date.parse('2026-11-22T07:00:00Z');
const HOUR = 3_600_000;

let plane: ControlPlane;

beforeEach(async () => {
  plane = new ControlPlane();
  await plane.start();
});

afterEach(() => plane.stop());

/** Acquires a session of the range; answers what AWS was asked for, Unix ms. */
async function asked(kvs: KvsSessionProvider, fromMs: number, toMs: number, resumeAtMs?: number) {
  await kvs.acquire({ ...request(resumeAtMs), range: { fromMs, toMs } });
  const body = plane.calls.at(-1)?.body as {
    HLSFragmentSelector: { TimestampRange: { StartTimestamp: number; EndTimestamp: number } };
  };
  const { StartTimestamp, EndTimestamp } = body.HLSFragmentSelector.TimestampRange;
  return { from: Math.round(StartTimestamp * 1000) - FROM, to: Math.round(EndTimestamp * 1000) - FROM };
}

test('a range is a recording of the same stream, by the same clock, in the same container', async () => {
  const kvs = plane.open({
    containerFormat: 'MPEG_TS',
    fragmentSelectorType: 'SERVER_TIMESTAMP',
    maxMediaPlaylistFragmentResults: 3,
    hlsSessionSeconds: 600,
  });
  expect(await asked(kvs, FROM, FROM + 60_000)).toEqual({ from: 0, to: 59_999 });
  expect(plane.calls.at(-1)?.body).toMatchObject({
    StreamName: 'front-door',
    PlaybackMode: 'ON_DEMAND',
    HLSFragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP' },
    ContainerFormat: 'MPEG_TS',
    MaxMediaPlaylistFragmentResults: 1000,
    Expires: 600,
  });
  await kvs.acquire(request());
  expect(plane.calls.at(-1)?.body).toMatchObject({
    PlaybackMode: 'LIVE',
    MaxMediaPlaylistFragmentResults: 3,
  });
});

test('a range goes before what the provider is for', async () => {
  const kvs = plane.open({
    playbackMode: 'ON_DEMAND',
    startTimestamp: new Date(FROM - HOUR),
    endTimestamp: new Date(FROM),
    maxMediaPlaylistFragmentResults: 5000,
  });
  expect(await asked(kvs, FROM, FROM + 1000)).toEqual({ from: 0, to: 999 });
  expect(plane.calls.at(-1)?.body).toMatchObject({ MaxMediaPlaylistFragmentResults: 5000 });
});

test('a range goes on where reading was left, within its ends', async () => {
  const kvs = plane.open();
  expect(await asked(kvs, FROM, FROM + 60_000, FROM + 30_500)).toEqual({ from: 30_500, to: 59_999 });
  expect(await asked(kvs, FROM, FROM + 60_000, FROM - 5000)).toEqual({ from: 0, to: 59_999 });
  expect(await asked(kvs, FROM, FROM + 60_000, FROM + 70_000)).toEqual({ from: 59_998, to: 59_999 });
});

test('of a range of more than a day the newest day is asked for', async () => {
  expect(await asked(plane.open(), FROM, FROM + 30 * HOUR)).toEqual({
    from: 6 * HOUR - 1,
    to: 30 * HOUR - 1,
  });
});

test("a range by the server's clock ends in the past, one by the producer's where it is told", async () => {
  const clock = new FakeClock(FROM + 10_000);
  const server = plane.open({ clock, fragmentSelectorType: 'SERVER_TIMESTAMP' });
  expect(await asked(server, FROM, FROM + 60_000)).toEqual({ from: 0, to: 9000 });
  expect(await asked(plane.open({ clock }), FROM, FROM + 60_000)).toEqual({ from: 0, to: 59_999 });
});

test('a range that can hold nothing is refused without asking', async () => {
  const clock = new FakeClock(FROM + 10_000);
  const kvs = plane.open({ clock, fragmentSelectorType: 'SERVER_TIMESTAMP' });
  for (const [fromMs, toMs] of [
    [FROM, FROM],
    [FROM, FROM + 1],
    [FROM + 1000, FROM],
    [FROM + 9500, FROM + 60_000],
  ] as const) {
    await expect(kvs.acquire({ ...request(), range: { fromMs, toMs } })).rejects.toMatchObject({
      code: 'KVS_EMPTY_RANGE',
    });
  }
  expect(plane.calls).toEqual([]);
});

test('a range nothing was recorded in is empty, not a silent camera', async () => {
  const kvs = plane.open();
  plane.sessionAnswer = failure(
    404,
    'ResourceNotFoundException',
    'No fragments found in the stream for the streaming request.',
  );
  const range = { fromMs: FROM, toMs: FROM + 1000 };
  await expect(kvs.acquire({ ...request(), range })).rejects.toMatchObject({ code: 'KVS_EMPTY_RANGE' });
  await expect(kvs.acquire(request())).rejects.toMatchObject({ code: 'KVS_NO_FRAGMENTS' });
});

test('a range and what is live are not one acquisition', async () => {
  const kvs = plane.open();
  const range = { fromMs: FROM, toMs: FROM + 1000 };
  const [live, past, same] = await Promise.all([
    kvs.acquire(request()),
    kvs.acquire({ ...request(), range }),
    kvs.acquire({ ...request(), range: { ...range } }),
  ]);
  expect(past).not.toBe(live);
  expect(same).toBe(past);
});
