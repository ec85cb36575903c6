import type { EngineStats, TimeCounts } from '../../binding.js';
import { loadAddon } from '../frames/addon.js';
import type { HealthStatus } from '../health.js';
import type { LoadCount } from '../hls/load-statistics.js';
import type { ResourceKind } from '../hls/loader.js';
import type { CallCount } from '../session/call-counts.js';
import type { KvsOperation } from '../session/kvs-fault.js';
import type { SourceReading } from './reading.js';
import { addedUp, byLabel, histogram, present, single, type Sample } from './samples.js';

/** A metric, as Prometheus sees it. */
export interface SeriesDescription {
  name: string;
  help: string;
  kind: 'counter' | 'gauge' | 'histogram';
  /** Besides `camera_id`. */
  labels: readonly string[];
  /** What becomes of the numbers of several processes in one registry of a Node cluster. Default `sum`. */
  aggregator?: 'sum' | 'min' | 'max';
}

/** A metric, and how a source's reading shows it. */
export interface Series extends SeriesDescription {
  read: (source: SourceReading) => readonly Sample[];
}

const series =
  (kind: Series['kind'], aggregator: Series['aggregator'] = 'sum') =>
  (name: string, help: string, read: Series['read'], ...labels: string[]): Series => ({
    name: `kvs_hls_${name}`,
    help,
    kind,
    labels,
    aggregator,
    read,
  });

const counter = series('counter');
const distribution = series('histogram');
/** An amount: several add up. */
const amount = series('gauge');
/** Something of which the highest, or the lowest, is what matters. */
const highest = series('gauge', 'max');
const lowest = series('gauge', 'min');

const statuses = Object.keys({
  'not-started': true,
  connecting: true,
  flowing: true,
  stalled: true,
  idle: true,
  reconnecting: true,
  failed: true,
  stopped: true,
} satisfies Record<HealthStatus, true>);

const operations: readonly KvsOperation[] = ['GetDataEndpoint', 'GetHLSStreamingSessionURL'];
const resources: readonly ResourceKind[] = ['master', 'playlist', 'init', 'fragment'];

/** Counts as they come, but what went well from the start on, so that a rate has something to begin at. */
const calls = (counts: readonly CallCount[]): readonly Sample[] =>
  addedUp(
    operations.map((api) => ({ labels: { api, result: 'ok' }, value: 0 })),
    counts.map(({ api, result, count }) => ({ labels: { api, result }, value: count })),
  );

const fetches = (counts: readonly LoadCount[]): readonly Sample[] =>
  addedUp(
    resources.map((kind) => ({ labels: { kind, status: '200', result: 'ok' }, value: 0 })),
    counts.map(({ kind, status, result, count }) => ({ labels: { kind, status, result }, value: count })),
  );

/** What the engine counts by its own bounds; nothing before there is one. */
function times(engine: EngineStats | null, of: (engine: EngineStats) => TimeCounts): Sample[] {
  return engine === null ? [] : histogram({ bounds: loadAddon().timeBounds, ...of(engine) });
}

/** Every metric that a source's reading shows. The first six, and their labels, are those of the Python reader. */
export const seriesTable: readonly Series[] = [
  counter('reconnects_total', 'Reconnections tried after a failure', (s) => single(s.reconnects)),
  counter('frames_total', 'Frames handed to the program', (s) => single(s.frames)),
  counter('url_refreshes_total', 'HLS sessions acquired after the first', (s) => single(s.urlRefreshes)),
  counter('read_errors_total', 'Failed calls, loads and damaged fragments', (s) => single(s.readErrors)),
  highest(
    'last_frame_timestamp',
    'Capture time of the last frame handed over, Unix seconds; 0 before it',
    (s) => single(s.lastFrameTimestampSeconds),
  ),
  highest(
    'connection_state',
    '0 disconnected, 1 connecting, 2 connected, 3 reconnecting, 4 given up with an error',
    (s) => single(s.connectionState),
  ),

  amount(
    'status',
    "1 for the status that the source's health has, 0 for the others",
    (s) => statuses.map((status) => ({ labels: { status }, value: Number(s.status === status) })),
    'status',
  ),
  lowest('healthy', '1 while frames flow or the camera itself is silent, else 0', (s) =>
    single(Number(s.healthy)),
  ),
  highest('consecutive_errors', 'Failures since the last good frame', (s) => single(s.consecutiveErrors)),
  distribution('frame_age_seconds', 'Age of frames by their capture time when they were handed over', (s) =>
    histogram(s.frameAge),
  ),

  counter(
    'gaps_total',
    'Holes in the media time',
    (s) => byLabel('cause', s.gapsByCause, (one) => one.gaps),
    'cause',
  ),
  counter(
    'gap_seconds_total',
    'Media time that was missing when it was due',
    (s) => byLabel('cause', s.gapsByCause, (one) => one.ms / 1000),
    'cause',
  ),
  counter('gap_recovered_seconds_total', 'Missing media time that was had after all', (s) =>
    single(s.recoveredSeconds),
  ),
  counter(
    'dropped_frames_total',
    'Pictures that were there and were not handed over',
    (s) => byLabel('cause', s.dropsByCause, (one) => one.frames),
    'cause',
  ),
  counter('synthetic_frames_total', 'Pictures repeated to fill holes', (s) => single(s.syntheticFrames)),
  counter(
    'faults_total',
    'Failures by what they mean for the reader',
    (s) => byLabel('class', s.faultsByClass, (count) => count),
    'class',
  ),

  counter('control_calls_total', 'Control calls to AWS', (s) => calls(s.calls), 'api', 'result'),
  highest('session_age_seconds', 'Age of the HLS session in use', (s) => present(s.session?.ageSeconds)),
  lowest('session_expires_in_seconds', 'Time until the HLS session in use ends', (s) =>
    present(s.session?.expiresInSeconds),
  ),

  counter('fetches_total', 'Requests for media', (s) => fetches(s.loads.counts), 'kind', 'status', 'result'),
  distribution(
    'fetch_seconds',
    'Time of requests for media, from the request to the last byte or the failure',
    (s) => resources.flatMap((kind) => histogram(s.loads.secondsByKind[kind], { kind })),
    'kind',
  ),
  counter(
    'fetch_bytes_total',
    'Bytes of media, playlists and init sections that came whole',
    (s) => byLabel('kind', s.loads.bytesByKind, (bytes) => bytes),
    'kind',
  ),
  amount('bandwidth_bytes_per_second', 'What downloads of fragments have brought of late', (s) =>
    present(s.loads.bandwidthBytesPerSecond),
  ),
  counter('fragments_total', 'Fragments handed to the decoder', (s) => single(s.fragments)),
  counter('fragment_bytes_total', 'Bytes of fragments handed to the decoder', (s) => single(s.fragmentBytes)),
  counter('refetched_fragments_total', 'Damaged fragments that were fetched once more', (s) =>
    single(s.refetchedFragments),
  ),
  counter('repaired_fragments_total', 'Damaged fragments that were whole the second time', (s) =>
    single(s.repairedFragments),
  ),

  distribution(
    'decode_seconds',
    "CPU time of decoding one picture, without that of libav's own threads",
    (s) => times(s.engine, (engine) => engine.decodeTimes),
  ),
  distribution('convert_seconds', 'CPU time of converting one picture', (s) =>
    times(s.engine, (engine) => engine.convertTimes),
  ),
  counter('decoder_opens_total', 'Decoder openings; 1 for a stream that never changes', (s) =>
    single(s.engine?.decoderOpens ?? 0),
  ),
  highest('picture_width_pixels', "Width of the camera's pictures", (s) => present(s.picture?.width)),
  highest('picture_height_pixels', "Height of the camera's pictures", (s) => present(s.picture?.height)),
  amount('queue_fragments', 'Fragments that wait to be decoded', (s) =>
    single(s.engine?.queuedFragments ?? 0),
  ),
  amount('queue_bytes', 'Bytes of the fragments that wait to be decoded', (s) =>
    single(s.engine?.queuedBytes ?? 0),
  ),
  amount('buffered_frames', 'Frames decoded and not yet asked for', (s) => single(s.bufferedFrames)),
  amount('ring_slots', 'Frames that there is memory for', (s) => present(s.ring?.slots)),
  amount('ring_slots_used', 'Slots being written, waiting to be taken, or on loan', (s) =>
    present(s.ring?.usedSlots),
  ),
  amount(
    'native_memory_bytes',
    'Memory outside the JavaScript heap',
    ({ ring, engine }) => {
      const bytes = {
        ring: ring?.bytes ?? 0,
        queue: engine?.queuedBytes ?? 0,
        pictures: engine?.pictureBytes ?? 0,
      };
      return byLabel('kind', bytes, (one) => one);
    },
    'kind',
  ),
];

/** What the registry itself counts. */
export const readFailures: SeriesDescription = {
  name: 'kvs_hls_metrics_errors_total',
  help: 'Scrapes at which the numbers of this camera could not be read: those shown are older',
  kind: 'counter',
  labels: [],
};

/** Every metric there is. */
export const allSeries: readonly SeriesDescription[] = [...seriesTable, readFailures];
