import type { FrameSource } from '../frame-source.js';
import type { Frame } from '../frames/frame.js';
import type { SourceHealth } from '../health.js';
import type { DropCause } from '../policy/drop.js';
import type { GapCause } from '../policy/gap.js';
import type { CallCount } from '../session/call-counts.js';
import { AgeStatistics } from './age-statistics.js';
import { printable } from './terminal-text.js';
import { bytes, counted, duration, seconds } from './words.js';

/** The last word of `read` and `demo`: what programs get as JSON. */
export interface Report {
  cameraId: string;
  /** Frames taken (at the target rate, if one was given), and those passed over to keep it. */
  frames: number;
  skippedFrames: number;
  /** The last picture repeated over a hole. */
  repeatedFrames: number;
  /** From the first frame to the last, by their capture times: they come in bursts. */
  seconds: number;
  /** Since the command began to read. */
  durationSeconds: number;
  /** Frames per second of capture time. */
  fps: number;
  /** Of the frames taken; `null` before the first. */
  meanAgeMs: number | null;
  p50AgeMs: number | null;
  p95AgeMs: number | null;
  p99AgeMs: number | null;
  /** Sessions that took over from one that still played. */
  renewals: number;
  reconnects: number;
  /** Sessions after the first one, renewals and reconnections alike. */
  urlRefreshes: number;
  /** Failed calls, loads and renewals, and damaged fragments. */
  errors: number;
  gaps: number;
  gapSeconds: number;
  /** Of the causes there were. */
  gapSecondsByCause: Partial<Record<GapCause, number>>;
  gapsByCause: Partial<Record<GapCause, number>>;
  recoveredSeconds: number;
  /** Pictures that were there and were not handed over, of the causes there were. */
  droppedFramesByCause: Partial<Record<DropCause, number>>;
  /** Bodies of playlists, init sections and fragments. */
  fetchedBytes: number;
  /** Calls of the control plane by API and result. */
  calls: readonly CallCount[];
  /** Files kept, and those that could not be; 0 without `--out`. */
  snapshots: number;
  snapshotErrors: number;
}

/** How a source did right before it was stopped. */
export type Ending = Pick<SourceHealth, 'status' | 'reason' | 'lastFrameAgoMs'>;

/** What a report needs of a source. */
export type Reported = Pick<FrameSource, 'cameraId' | 'getMetrics'>;

/** So far apart two frames may be taken and come at once: by the longest fragment (20 s, kvs-hls §4.2). */
const BURST_MS = 20_000;

/** The time from the first frame of a camera to the last, by their capture times, also where its clock is set in between. */
class CaptureTime {
  #last: { timestampMs: number; atMs: number } | undefined;
  ms = 0;

  add(timestampMs: number, atMs: number): void {
    if (this.#last !== undefined) {
      const takenMs = timestampMs - this.#last.timestampMs;
      const passedMs = atMs - this.#last.atMs;
      this.ms += takenMs >= 0 && takenMs <= passedMs + BURST_MS ? takenMs : passedMs;
    }
    this.#last = { timestampMs, atMs };
  }
}

/** Counts what was seen. Times are ms of a clock that never steps. */
export class Tally {
  readonly #ages = new AgeStatistics();
  readonly #startedAtMs: number;
  readonly #taken = new CaptureTime();
  /** Of the last frame, when it came. */
  lastAgeMs: number | null = null;
  frames = 0;
  skippedFrames = 0;
  repeatedFrames = 0;

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  add({ ageMs, timestampMs }: Pick<Frame, 'ageMs' | 'timestampMs'>, nowMs: number): void {
    this.#taken.add(timestampMs, nowMs);
    this.frames += 1;
    this.lastAgeMs = ageMs;
    this.#ages.add(ageMs);
  }

  report(source: Reported, nowMs: number, kept = { written: 0, errors: 0 }): Report {
    const metrics = source.getMetrics();
    const elapsed = this.#taken.ms / 1000;
    return {
      cameraId: source.cameraId,
      frames: this.frames,
      skippedFrames: this.skippedFrames,
      repeatedFrames: this.repeatedFrames,
      seconds: elapsed,
      durationSeconds: (nowMs - this.#startedAtMs) / 1000,
      // Between n frames lie n − 1 intervals.
      fps: elapsed > 0 ? (this.frames - 1) / elapsed : 0,
      meanAgeMs: this.#ages.meanMs,
      p50AgeMs: this.#ages.quantileMs(0.5),
      p95AgeMs: this.#ages.quantileMs(0.95),
      p99AgeMs: this.#ages.quantileMs(0.99),
      renewals: metrics.renewals,
      reconnects: metrics.reconnects,
      urlRefreshes: metrics.urlRefreshes,
      errors: metrics.readErrors,
      gaps: metrics.gaps,
      gapSeconds: metrics.gapMs / 1000,
      gapSecondsByCause: seen(metrics.gapsByCause, ({ gaps, ms }) => (gaps === 0 ? 0 : ms / 1000)),
      gapsByCause: seen(metrics.gapsByCause, ({ gaps }) => gaps),
      recoveredSeconds: metrics.recoveredMs / 1000,
      droppedFramesByCause: seen(metrics.dropsByCause, ({ frames }) => frames),
      fetchedBytes: metrics.fetchedBytes,
      calls: metrics.calls,
      snapshots: kept.written,
      snapshotErrors: kept.errors,
    };
  }
}

/** The causes that have a number, with it. */
function seen<Cause extends string, T>(
  byCause: Readonly<Record<Cause, T>>,
  number: (totals: T) => number,
): Partial<Record<Cause, number>> {
  const numbers = Object.entries<T>(byCause).map(([cause, totals]) => [cause, number(totals)] as const);
  return Object.fromEntries(numbers.filter(([, value]) => value > 0)) as Partial<Record<Cause, number>>;
}

/** One short line for in between; what is zero is left out, but for gaps. */
export function describeBriefly(report: Report): string {
  return [
    counted(report.frames, 'frame'),
    `${report.fps.toFixed(1)} fps`,
    `age ${seconds(report.p50AgeMs)} p50, ${seconds(report.p95AgeMs)} p95`,
    report.gaps === 0 ? 'no gaps' : `${counted(report.gaps, 'gap')} (${report.gapSeconds.toFixed(1)} s)`,
    ...(report.reconnects === 0 ? [] : [counted(report.reconnects, 'reconnect')]),
    ...(report.errors === 0 ? [] : [counted(report.errors, 'read error')]),
  ].join(', ');
}

function describeGaps({
  gaps,
  gapSeconds,
  gapSecondsByCause,
  gapsByCause,
  recoveredSeconds,
}: Report): string {
  const causes = Object.entries(gapsByCause).map(
    ([cause, count]) => `${cause} ${count} (${(gapSecondsByCause[cause as GapCause] ?? 0).toFixed(1)} s)`,
  );
  const recovered = recoveredSeconds === 0 ? '' : `; ${recoveredSeconds.toFixed(1)} s had after all`;
  return gaps === 0 && causes.length === 0
    ? 'none'
    : `${gaps}, ${gapSeconds.toFixed(1)} s missing: ${causes.join(', ')}${recovered}`;
}

function describeDrops({ droppedFramesByCause, skippedFrames }: Report): string {
  const parts = Object.entries(droppedFramesByCause).map(([cause, frames]) => `${cause} ${frames}`);
  if (skippedFrames > 0) parts.push(`${skippedFrames} passed over for --target-fps`);
  return parts.join(', ') || 'none';
}

/** `GetDataEndpoint: 1 ok` and so on, one API a line. */
function describeCalls(calls: readonly CallCount[]): string[] {
  const apis = [...new Set(calls.map(({ api }) => api))];
  if (apis.length === 0) return ['none'];
  return apis.map((api) => {
    const results = calls.filter((call) => call.api === api).map(({ result, count }) => `${count} ${result}`);
    return `${api}: ${results.join(', ')}`;
  });
}

/** Ends that nothing is to be told about: what was missing then, if anything, is among the gaps. */
const USUAL_ENDS: readonly Ending['status'][] = ['flowing', 'stopped'];

/** The final report for people: a table. */
export function describe(report: Report & { endedAs?: Ending | undefined }, outDirectory?: string): string {
  const { meanAgeMs, p50AgeMs, p95AgeMs, p99AgeMs, repeatedFrames } = report;
  const quantile = (name: string, ms: number | null): string => `${seconds(ms)} ${name}`;
  const repeated = repeatedFrames === 0 ? '' : `, and ${repeatedFrames} repeated over holes`;
  const rows: [name: string, ...lines: string[]][] = [
    ['frames', `${report.frames} at ${report.fps.toFixed(1)} fps${repeated}`],
    [
      'age',
      [
        quantile('mean', meanAgeMs),
        quantile('p50', p50AgeMs),
        quantile('p95', p95AgeMs),
        quantile('p99', p99AgeMs),
      ].join(', '),
    ],
    ['sessions', `${counted(report.renewals, 'renewal')}, ${counted(report.reconnects, 'reconnect')}`],
    ['gaps', describeGaps(report)],
    ['dropped', describeDrops(report)],
    ['fetched', bytes(report.fetchedBytes)],
    ['control calls', ...describeCalls(report.calls)],
    ['read errors', String(report.errors)],
  ];
  const { endedAs } = report;
  if (endedAs !== undefined && !USUAL_ENDS.includes(endedAs.status)) {
    rows.push(['at the end', printable(endedAs.reason)]);
  }
  if (outDirectory !== undefined) {
    const failed = report.snapshotErrors === 0 ? '' : `; ${report.snapshotErrors} could not be kept`;
    rows.push(['snapshots', `${report.snapshots} in ${printable(outDirectory)}${failed}`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.flatMap(([name, ...lines]) =>
    lines.map((line, at) => `  ${(at === 0 ? name : '').padEnd(width)}  ${line}`),
  );
  return [`${printable(report.cameraId)}: read for ${duration(report.durationSeconds)}`, ...table].join('\n');
}
