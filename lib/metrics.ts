import { Counter, Gauge, register as defaultRegistry, type Registry } from 'prom-client';
import type { EngineStats } from '../binding.js';
import type { VariantInfo } from './hls/fragment.js';
import { dropCauses, type DropCause, type DropTotals } from './policy/drop.js';
import { gapCauses, type GapCause, type GapTotals } from './policy/gap.js';
import type { Ledger } from './policy/ledger.js';
import { ConnectionState, type SourcePhase } from './policy/supervisor.js';

/** Numbers of one source since it was made. */
export interface SourceMetrics {
  /** Frames handed to the program. */
  frames: number;
  /** Fragments handed to the decoder, and their bytes without init sections. */
  fragments: number;
  fragmentBytes: number;
  /** The variant of the newest fragment; `null` where the stream has no master playlist. */
  variant: VariantInfo | null;
  /** Connections made again after a failure. */
  reconnects: number;
  /** Sessions acquired after the first one, renewals and reconnections alike. */
  urlRefreshes: number;
  /** Failed calls, loads and renewals, and damaged fragments. */
  readErrors: number;
  /** Failures since the last good frame that count towards `maxConsecutiveErrors`. */
  consecutiveErrors: number;
  /**
   * Media time of the frames decoded so far, ms. With `gapMs` and `droppedMs` it adds up to the time line from the first frame
   * to the end of the last.
   */
  mediaMs: number;
  /** Holes in the media time, and what is missing in ms. */
  gaps: number;
  gapMs: number;
  /** The same as told, by cause; what came late is not taken off. */
  gapsByCause: Record<GapCause, GapTotals>;
  /** Media time in ms that was missing and was had after all: late fragments, and `catchUp`. */
  recoveredMs: number;
  /** Media time in ms of pictures that were there and were not handed over, and by cause how many and how much. */
  droppedMs: number;
  dropsByCause: Record<DropCause, DropTotals>;
  /** Damaged fragments that were fetched once more, and those of them that were whole then. */
  refetchedFragments: number;
  repairedFragments: number;
  /** Pictures repeated to fill holes; never part of `frames`. */
  syntheticFrames: number;
  /** Frames decoded and not yet asked for. */
  bufferedFrames: number;
  /** Capture time of the last frame handed over, Unix ms; `null` before the first. */
  lastFrameTimestampMs: number | null;
  connectionState: ConnectionState;
  /** The finer state. */
  phase: SourcePhase;
  /** The session in use; `null` if there is none. */
  session: { id: number; expiresAtMs: number } | null;
  /** Counters of the native engine; `null` before the start and after the stop. */
  engine: EngineStats | null;
}

/** What one source has counted since it was made. Plain numbers: counting a frame must cost nothing. */
export interface SourceCounters {
  /** Connections made again after a failure. */
  reconnects: number;
  /** Frames handed to the program. */
  frames: number;
  /** Sessions acquired after the first one, renewals and reconnections alike. */
  urlRefreshes: number;
  /** Failed control calls, loads and renewals, and damaged fragments. */
  readErrors: number;
  /** Time of the last frame handed over, Unix seconds; 0 before the first. */
  lastFrameTimestampSeconds: number;
  connectionState: ConnectionState;
  /** Holes told so far. */
  gapsByCause: Readonly<Record<GapCause, Readonly<GapTotals>>>;
  /** Pictures not handed over so far. */
  dropsByCause: Readonly<Record<DropCause, Readonly<DropTotals>>>;
}

export function newCounters({ totals, drops }: Pick<Ledger, 'totals' | 'drops'>): SourceCounters {
  return {
    reconnects: 0,
    frames: 0,
    urlRefreshes: 0,
    readErrors: 0,
    lastFrameTimestampSeconds: 0,
    connectionState: ConnectionState.DISCONNECTED,
    gapsByCause: totals,
    dropsByCause: drops,
  };
}

/** The sources that report to one registry. Values are read when the registry is scraped. */
class RegistryMetrics {
  readonly #live = new Map<SourceCounters, string>();
  /** Sums of the sources that ended, by camera: counters must not fall. */
  readonly #ended = new Map<string, SourceCounters>();

  constructor(registry: Registry) {
    const add = (
      name: string,
      help: string,
      value: (camera: SourceCounters) => number,
      kind: 'counter' | 'gauge',
    ): void => {
      const byCamera = (): Map<string, SourceCounters> => this.#byCamera();
      const settings = { name, help, labelNames: ['camera_id'], registers: [registry] };
      if (kind === 'counter') {
        new Counter({
          ...settings,
          collect() {
            this.reset();
            for (const [camera, counters] of byCamera()) this.inc({ camera_id: camera }, value(counters));
          },
        });
      } else {
        new Gauge({
          ...settings,
          collect() {
            this.reset();
            for (const [camera, counters] of byCamera()) this.set({ camera_id: camera }, value(counters));
          },
        });
      }
    };
    add('kvs_hls_reconnects_total', 'Connections made again after a failure', (c) => c.reconnects, 'counter');
    add('kvs_hls_frames_total', 'Frames handed to the program', (c) => c.frames, 'counter');
    add(
      'kvs_hls_url_refreshes_total',
      'HLS sessions acquired after the first',
      (c) => c.urlRefreshes,
      'counter',
    );
    add(
      'kvs_hls_read_errors_total',
      'Failed calls, loads and damaged fragments',
      (c) => c.readErrors,
      'counter',
    );
    add(
      'kvs_hls_last_frame_timestamp',
      'Time of the last frame, Unix seconds',
      (c) => c.lastFrameTimestampSeconds,
      'gauge',
    );
    add(
      'kvs_hls_connection_state',
      '0 disconnected, 1 connecting, 2 connected, 3 reconnecting, 4 error',
      (c) => c.connectionState,
      'gauge',
    );
    const byCause = (
      name: string,
      help: string,
      causes: readonly string[],
      value: (c: SourceCounters, cause: string) => number,
    ): void => this.#addByCause(registry, name, help, causes, value);
    const gapsOf = (c: SourceCounters, cause: string): GapTotals => c.gapsByCause[cause as GapCause];
    const dropsOf = (c: SourceCounters, cause: string): DropTotals => c.dropsByCause[cause as DropCause];
    byCause('kvs_hls_gaps_total', 'Holes in the media time', gapCauses, (c, cause) => gapsOf(c, cause).gaps);
    byCause(
      'kvs_hls_gap_seconds_total',
      'Media time that is missing, seconds',
      gapCauses,
      (c, cause) => gapsOf(c, cause).ms / 1000,
    );
    byCause(
      'kvs_hls_dropped_frames_total',
      'Pictures that were there and were not handed over',
      dropCauses,
      (c, cause) => dropsOf(c, cause).frames,
    );
  }

  #addByCause(
    registry: Registry,
    name: string,
    help: string,
    causes: readonly string[],
    value: (camera: SourceCounters, cause: string) => number,
  ): void {
    const byCamera = (): Map<string, SourceCounters> => this.#byCamera();
    new Counter({
      name,
      help,
      labelNames: ['camera_id', 'cause'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [camera, counters] of byCamera()) {
          for (const cause of causes) this.inc({ camera_id: camera, cause }, value(counters, cause));
        }
      },
    });
  }

  add(cameraId: string, counters: SourceCounters): void {
    this.#live.set(counters, cameraId);
  }

  remove(counters: SourceCounters): void {
    const cameraId = this.#live.get(counters);
    if (cameraId === undefined) return;
    this.#live.delete(counters);
    this.#ended.set(cameraId, merged(this.#ended.get(cameraId), counters));
  }

  #byCamera(): Map<string, SourceCounters> {
    const sums = new Map(this.#ended);
    for (const [counters, cameraId] of this.#live) sums.set(cameraId, merged(sums.get(cameraId), counters));
    return sums;
  }
}

/** Counters add up; of the gauges the later source's count. */
function merged(earlier: SourceCounters | undefined, later: SourceCounters): SourceCounters {
  const { gapsByCause, dropsByCause } = later;
  if (earlier === undefined) {
    // Apart from the ledgers they came from.
    return { ...later, gapsByCause: sums(gapsByCause), dropsByCause: sums(dropsByCause) };
  }
  return {
    reconnects: earlier.reconnects + later.reconnects,
    frames: earlier.frames + later.frames,
    urlRefreshes: earlier.urlRefreshes + later.urlRefreshes,
    readErrors: earlier.readErrors + later.readErrors,
    lastFrameTimestampSeconds: Math.max(earlier.lastFrameTimestampSeconds, later.lastFrameTimestampSeconds),
    connectionState: later.connectionState,
    gapsByCause: sums(earlier.gapsByCause, gapsByCause),
    dropsByCause: sums(earlier.dropsByCause, dropsByCause),
  };
}

/** Totals by cause, added up number by number. */
function sums<T extends object>(first: T, ...others: readonly T[]): T {
  const total = structuredClone(first) as Record<string, Record<string, number>>;
  for (const other of others as readonly (typeof total)[]) {
    for (const [cause, numbers] of Object.entries(other)) {
      const into = (total[cause] ??= {});
      for (const [name, number] of Object.entries(numbers)) into[name] = (into[name] ?? 0) + number;
    }
  }
  return total as T;
}

/** One set of series per registry, however many sources report to it. */
const byRegistry = new WeakMap<Registry, RegistryMetrics>();

/**
 * Shows a source's counters in a registry under `camera_id`. The answered function ends that: the last values stay, so
 * that a late scrape still sees them.
 */
export function publishCounters(
  cameraId: string,
  counters: SourceCounters,
  registry: Registry = defaultRegistry,
): () => void {
  let metrics = byRegistry.get(registry);
  if (metrics === undefined) {
    metrics = new RegistryMetrics(registry);
    byRegistry.set(registry, metrics);
  }
  const published = metrics;
  published.add(cameraId, counters);
  return () => published.remove(counters);
}
