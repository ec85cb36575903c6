import type { HistogramReading } from '../metrics/histogram.js';
import { bandwidthAfter, bitsPerSecond, UNKNOWN_BANDWIDTH, type Download } from './bandwidth.js';
import type { LoadEvent, LoadOutcome, ResourceKind } from './loader.js';

/** Requests of one kind that came out the same. */
export interface LoadCount {
  kind: ResourceKind;
  /**
   * The HTTP status where it is one of those that mean something here, else its class (`4xx`); `none` if no answer came. The
   * status is the answer's: a body that broke off has `200`, and its `result` says what became of it.
   */
  status: string;
  /** `ok`, the code of the error, or `cancelled` by the reader itself. */
  result: LoadOutcome;
  count: number;
}

/** Requests to the media plane so far. Counts run from the source's making and never fall. */
export interface LoadReading {
  /** Only those there were: by kind, then status, then result. At most as many as there are combinations of the three. */
  counts: readonly LoadCount[];
  /** Of bodies that came whole. */
  bytesByKind: Readonly<Record<ResourceKind, number>>;
  /** From the request to the body's last byte, or the failure, in seconds; those that were cancelled too. */
  secondsByKind: Readonly<Record<ResourceKind, HistogramReading>>;
  /** What downloads of fragments have brought of late, bytes per second; `null` before the first. */
  bandwidthBytesPerSecond: number | null;
}

/**
 * Upper bounds of the buckets for the time of a request, in seconds: from a local answer to the longest that a fragment may
 * take.
 */
export const FETCH_BOUNDS_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

const KINDS: readonly ResourceKind[] = ['master', 'playlist', 'init', 'fragment'];

/**
 * Statuses told one by one. Of KVS (kvs-hls §3.7): 200 and 206; 400, which throttling has too; 401 and
 * 403, since its model and its answers differ in which of them a refused token is; 404; 500 and 503. Of proxies and other
 * servers: 429, 502, 504.
 */
const STATUSES = [200, 206, 400, 401, 403, 404, 429, 500, 502, 503, 504];
const STATUS_CLASSES = ['2xx', '3xx', '4xx', '5xx'];
const STATUS_LABELS = [...STATUSES.map(String), ...STATUS_CLASSES, 'none'];

/** In the order of their cells. */
const RESULTS = Object.keys({
  ok: true,
  cancelled: true,
  HLS_STATUS: true,
  HLS_SESSION_EXPIRED: true,
  HLS_NETWORK: true,
  HLS_TIMEOUT: true,
  HLS_TOO_LARGE: true,
  HLS_TRUNCATED: true,
  HLS_PLAYLIST_INVALID: true,
  HLS_UNDECODABLE: true,
  HLS_UNSUPPORTED: true,
  HLS_FOREIGN_ORIGIN: true,
  HLS_STALLED: true,
} satisfies Record<LoadOutcome, true>) as LoadOutcome[];

/** Cells of a kind: counts by status and result, a bit for each status there was, buckets, microseconds in all, bytes. */
const SEEN_AT = STATUS_LABELS.length * RESULTS.length;
const BUCKETS_AT = SEEN_AT + 1;
const MICROSECONDS_AT = BUCKETS_AT + FETCH_BOUNDS_SECONDS.length + 1;
const BYTES_AT = MICROSECONDS_AT + 1;
const CELLS_OF_KIND = BYTES_AT + 1;
const BANDWIDTH_AT = KINDS.length * CELLS_OF_KIND;
const CELLS = BANDWIDTH_AT + 1;

/** By the row of a status. Most rows stay empty: a reader passes over them. */
const SEEN_BITS = STATUS_LABELS.map((_, row) => 1n << BigInt(row));

/** Statuses from 600 on are no HTTP; RFC 9110 §15 takes them for 5xx. */
function statusIndex(status: number): number {
  if (status === 0) return STATUS_LABELS.length - 1;
  const known = STATUSES.indexOf(status);
  const hundreds = Math.min(Math.max(Math.floor(status / 100), 2), 5);
  return known === -1 ? STATUSES.length + hundreds - 2 : known;
}

function bucketIndex(seconds: number): number {
  const at = FETCH_BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
  return at === -1 ? FETCH_BOUNDS_SECONDS.length : at;
}

/**
 * Counts the requests of one source. The numbers lie in shared memory of a fixed size: the network thread counts, and whoever
 * scrapes reads, without a message. Each number is whole at any time; a scrape in the middle of a request's count may see
 * some of its numbers a moment before the others.
 */
export class LoadStatistics {
  /** What another thread makes the same statistics of. */
  readonly buffer: SharedArrayBuffer;
  readonly #cells: BigInt64Array;
  /** Of this thread's own downloads. */
  #bandwidth = UNKNOWN_BANDWIDTH;

  /** `buffer`: that of the statistics to share; new ones without. */
  constructor(buffer = new SharedArrayBuffer(CELLS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#cells = new BigInt64Array(buffer);
  }

  /** One request has ended. */
  count({ kind, status, bytes, ms, result }: LoadEvent): void {
    const start = KINDS.indexOf(kind) * CELLS_OF_KIND;
    const row = statusIndex(status);
    const cells = this.#cells;
    Atomics.add(cells, start + row * RESULTS.length + RESULTS.indexOf(result), 1n);
    Atomics.or(cells, start + SEEN_AT, SEEN_BITS[row]!);
    Atomics.add(cells, start + BUCKETS_AT + bucketIndex(ms / 1000), 1n);
    Atomics.add(cells, start + MICROSECONDS_AT, BigInt(Math.round(ms * 1000)));
    if (bytes > 0) Atomics.add(cells, start + BYTES_AT, BigInt(bytes));
  }

  /** A fragment was downloaded, or given up as too slow: what the bandwidth is made of. */
  measure(download: Download): void {
    this.#bandwidth = bandwidthAfter(this.#bandwidth, download);
    const bits = bitsPerSecond(this.#bandwidth);
    // 0 stands for `null`.
    if (bits !== null) Atomics.store(this.#cells, BANDWIDTH_AT, BigInt(Math.max(1, Math.round(bits / 8))));
  }

  read(): LoadReading {
    const bandwidth = this.#at(BANDWIDTH_AT);
    return {
      counts: KINDS.flatMap((kind, at) => this.#counts(kind, at * CELLS_OF_KIND)),
      bytesByKind: this.#byKind((start) => this.#at(start + BYTES_AT)),
      secondsByKind: this.#byKind((start) => this.#seconds(start)),
      bandwidthBytesPerSecond: bandwidth === 0 ? null : bandwidth,
    };
  }

  #at(cell: number): number {
    return Number(Atomics.load(this.#cells, cell));
  }

  #byKind<T>(read: (start: number) => T): Record<ResourceKind, T> {
    const entries = KINDS.map((kind, at) => [kind, read(at * CELLS_OF_KIND)] as const);
    return Object.fromEntries(entries) as Record<ResourceKind, T>;
  }

  #counts(kind: ResourceKind, start: number): LoadCount[] {
    const found: LoadCount[] = [];
    const seen = Atomics.load(this.#cells, start + SEEN_AT);
    for (const [row, status] of STATUS_LABELS.entries()) {
      if ((seen & SEEN_BITS[row]!) === 0n) continue;
      for (const [column, result] of RESULTS.entries()) {
        const count = this.#at(start + row * RESULTS.length + column);
        if (count > 0) found.push({ kind, status, result, count });
      }
    }
    return found;
  }

  #seconds(start: number): HistogramReading {
    const counts = Array.from({ length: FETCH_BOUNDS_SECONDS.length + 1 }, (_, at) =>
      this.#at(start + BUCKETS_AT + at),
    );
    return { bounds: FETCH_BOUNDS_SECONDS, counts, sum: this.#at(start + MICROSECONDS_AT) / 1e6 };
  }
}
