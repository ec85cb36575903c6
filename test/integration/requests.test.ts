import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { channels, type PlaylistMessage } from '../../lib/channels';
import type { FaultScript, RequestKind } from '../../lib/simulator/index';
import { setStage, STREAM } from '../support/camera';

/** What the simulator calls a request, and what the reader does. */
const KINDS = new Map<RequestKind, string>([
  ['GetHLSMasterPlaylist', 'master'],
  ['GetHLSMediaPlaylist', 'playlist'],
  ['GetMP4InitFragment', 'init'],
  ['GetMP4MediaFragment', 'fragment'],
]);

/** Refuses a session's first playlist, then a list, then a fragment. */
const TROUBLE: FaultScript = {
  name: 'trouble',
  summary: 'A refusal of each kind.',
  rows: [
    { when: { resource: 'master', requests: { from: 1, count: 1 } }, what: { type: 'refuse', status: 403 } },
    {
      when: { resource: 'playlist', requests: { from: 1, count: 2 } },
      what: { type: 'refuse', status: 503 },
    },
    {
      when: { resource: 'fragment', requests: { from: 2, count: 1 } },
      what: { type: 'refuse', status: 500 },
    },
  ],
};

const heard: PlaylistMessage[] = [];
const listen = (message: unknown): void => void heard.push(message as PlaylistMessage);

beforeEach(() => void heard.splice(0));
afterEach(() => channels.playlist.unsubscribe(listen));

function add(sums: Map<string, number>, key: string, more: number): void {
  sums.set(key, (sums.get(key) ?? 0) + more);
}

/** One metric's values by some of its labels, those of 0 left out. */
async function valuesOf(registry: Registry, name: string, labels: string[]): Promise<Map<string, number>> {
  const { values } = await registry.getSingleMetric(name)!.get();
  const sums = new Map<string, number>();
  for (const value of values) {
    if (value.value === 0) continue;
    add(sums, labels.map((label) => value.labels[label]).join(' '), value.value);
  }
  return sums;
}

it('are counted as the server counts them, with their bytes, and told on the channel', async () => {
  const sentBytes = new Map<string, number>();
  await using stage = await setStage({
    simulator: {
      intercept: ({ kind }, response) => {
        const shown = KINDS.get(kind);
        if (shown !== undefined && response.status === 200) add(sentBytes, shown, response.body.byteLength);
        return response;
      },
    },
  });
  stage.simulator.setFaults(TROUBLE);
  const [first, , third] = stage.simulator.stream(STREAM).fragments;
  channels.playlist.subscribe(listen);
  const registry = new Registry();
  await using source = stage.source({
    registry,
    keepMetrics: true,
    playbackMode: 'ON_DEMAND',
    startTimestamp: new Date(first!.producerMs),
    endTimestamp: new Date(third!.producerMs + 1),
  });
  let frames = 0;
  for await (const { index } of source) frames = index + 1;
  expect(frames).toBe((3 * stage.clip.frames) / stage.clip.fragments.length);

  const asked = new Map<string, number>();
  for (const { kind, status } of stage.simulator.requests.recent) {
    const shown = KINDS.get(kind);
    if (shown !== undefined) add(asked, `${shown} ${status}`, 1);
  }
  const counted = await valuesOf(registry, 'kvs_hls_fetches_total', ['kind', 'status']);
  expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(asked));
  const results = await valuesOf(registry, 'kvs_hls_fetches_total', ['kind', 'status', 'result']);
  expect(Object.fromEntries(results)).toMatchObject({
    'master 403 HLS_SESSION_EXPIRED': 1,
    'playlist 503 HLS_STATUS': 2,
    'fragment 500 HLS_STATUS': 1,
    'fragment 200 ok': 3,
  });
  const bytes = await valuesOf(registry, 'kvs_hls_fetch_bytes_total', ['kind']);
  expect(Object.fromEntries(bytes)).toEqual(Object.fromEntries(sentBytes));
  expect(source.getMetrics().bandwidthBytesPerSecond).toBeGreaterThan(0);

  const calls = await valuesOf(registry, 'kvs_hls_control_calls_total', ['api', 'result']);
  const { GetDataEndpoint, GetHLSStreamingSessionURL } = stage.simulator.requests.counts;
  expect(Object.fromEntries(calls)).toEqual({
    'GetDataEndpoint ok': GetDataEndpoint,
    'GetHLSStreamingSessionURL ok': GetHLSStreamingSessionURL,
  });

  const told = new Map<string, number>();
  for (const { cameraId, kind, status } of heard) add(told, `${cameraId} ${kind} ${status}`, 1);
  const lists = [...asked].filter(([key]) => /^(master|playlist) /.test(key));
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(lists.map(([key, count]) => [`${STREAM} ${key}`, count])),
  );
});
