// What the figures were meant to be, and whether they are. Pure: results in, rows out.
import { median, spread } from './statistics.mjs';

const row = (results, id) => {
  const found = results.throughput?.rows.find((one) => one.id === id);
  return found === undefined || found.rounds.length === 0 ? undefined : found;
};

/** `key` of one contender over that of another, round by round, so that it holds while the machine's speed drifts. */
export function ratio(results, id, baseId, key = 'cpuMs') {
  const [one, base] = [row(results, id), row(results, baseId)];
  if (one === undefined || base === undefined) return null;
  const rounds = Math.min(one.rounds.length, base.rounds.length);
  return spread(Array.from({ length: rounds }, (_, i) => one.rounds[i][key] / base.rounds[i][key]));
}

const values = (results, id, of) => {
  const found = row(results, id);
  return found === undefined ? null : spread(found.rounds.map(of));
};

const single = (value) => (value === undefined ? null : { median: value, min: value, max: value });

/** The dearest peer does not matter, the cheapest one does. Who only decodes, or is no way to read frames, is none. */
export function cheapestPeer(results) {
  const peers = (results.throughput?.rows ?? []).filter(
    ({ group, id, rounds }) =>
      group === 'peers' && !['floor', 'ffmpeg-decode'].includes(id) && rounds.length > 0,
  );
  const costs = peers.map(({ id, title, rounds }) => ({
    id,
    title,
    cpuMs: median(rounds.map((one) => one.cpuMs)),
  }));
  return costs.sort((a, b) => a.cpuMs - b.cpuMs)[0];
}

/** Rows `{ what, limit, unit, why, measured }`; `why` is for where it is missed, `measured` is `{ median, min, max }`, or `null`
 *  where nothing was measured. */
export function targets(results) {
  const cheapest = cheapestPeer(results);
  const ours = results.live?.rows.find(({ id }) => id === 'reader');
  const fragmentMs = results.live?.fragmentMs;
  const starts = results.live?.firstFrameMs;
  return [
    {
      what: 'CPU per frame, as a multiple of the C++ floor',
      limit: 1,
      unit: '×',
      why: "what is not the engine's own work, network, wake-ups and V8's compilers, is in “Where it goes”",
      measured: ratio(results, 'reader', 'floor'),
    },
    {
      what: `CPU per frame, as a multiple of the cheapest peer${cheapest ? ` (${cheapest.title})` : ''}`,
      limit: 1,
      unit: '×',
      why: 'see “Where it goes”',
      measured: cheapest ? ratio(results, 'reader', cheapest.id) : null,
    },
    {
      what: 'main thread per frame',
      limit: 10,
      unit: 'µs',
      why:
        'bare wakes of the event loop are a part of it (see “Where it goes”), which larger bursts would save at the cost of age; ' +
        'the rest was not taken apart',
      measured: values(results, 'reader', (one) => one.mainThreadMicroseconds),
    },
    {
      what: 'CPU with `targetFps: 5`, as a multiple of all 30',
      limit: 0.85,
      unit: '×',
      why: 'up to the last wanted picture of a fragment each picture leans on the one before, so all must be decoded',
      measured: ratio(results, 'fps5', 'reader'),
    },
    {
      what: 'CPU with one key frame per 2 s, as a multiple of all 30 per second',
      limit: 0.06,
      unit: '×',
      why: 'key pictures are the dearest to decode (what ffmpeg takes to decode nothing else stands among the variants), and HLS has fragments fetched whole',
      measured: ratio(results, 'keys', 'reader'),
    },
    {
      what: '640×640 letterbox to float32 CHW: CPU per frame beyond decoding',
      limit: 1.5,
      unit: 'ms',
      why: 'see the columns for decoding and converting below',
      measured: values(results, 'chw', (one) => one.cpuMs - one.decodeMs),
    },
    {
      what: 'live: greatest age of a frame when handed over, a fragment listed at once',
      limit: (fragmentMs ?? 2000) + 250,
      unit: 'ms',
      why: 'the last picture of a burst waits for the decoding of those before it',
      measured: single(ours?.ageMs?.max),
    },
    {
      what: 'live: `start()` to the first frame, simulator; the first source of a process',
      limit: 400,
      unit: 'ms',
      why: 'most of it is loading code: the AWS SDK, and HTTP on the network thread',
      measured: single(starts?.first),
    },
    {
      what: 'live: the same, a later source with no other running',
      limit: 400,
      unit: 'ms',
      why: 'the network thread ended with the source before and is started, and loads its code, again',
      measured: starts === undefined ? null : spread(starts.alone),
    },
    {
      what: 'live: the same, beside another source',
      limit: 400,
      unit: 'ms',
      why: 'control calls, two playlists, a whole fragment and its first picture follow one another',
      measured: starts === undefined ? null : spread(starts.beside),
    },
    ...(results.cameras?.rows ?? []).map(({ title, eventLoop }) => ({
      what: `${title}: event-loop delay, p99`,
      why: 'decoders, the simulator and the event loop share the cores',
      limit: 5,
      unit: 'ms',
      measured: single(eventLoop.p99Ms),
    })),
  ];
}
