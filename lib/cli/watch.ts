import type { Registry } from 'prom-client';
import type { FrameSource } from '../frame-source.js';
import type { Frame } from '../frames/frame.js';
import { AgeStatistics } from './age-statistics.js';
import { FramePace } from './frame-pace.js';
import { serveMetrics } from './metrics-server.js';
import type { GapCause } from '../policy/gap.js';
import type { Output } from './output.js';
import { onTermination } from './signals.js';

/** How long between two lines of statistics, as the Python reader had it. */
const STATISTICS_MS = 10_000;
/** How often the terminal line is drawn. */
const LINE_MS = 200;
/** Columns of the picture in the terminal line. */
const STRIP_COLUMNS = 32;
const SHADES = ' ░▒▓█';

export interface WatchOptions {
  /** Default: until the stream ends or a signal comes. */
  maxFrames?: number;
  /** Default: every frame. */
  targetFps?: number;
  display: boolean;
  metricsPort?: number;
}

/** The last word of `read` and `demo`. */
export interface Report {
  cameraId: string;
  /** Frames taken (at the target rate, if one was given), and those passed over to keep it. */
  frames: number;
  skippedFrames: number;
  /** The last picture repeated over a hole. */
  repeatedFrames: number;
  /** From the first frame to the last. */
  seconds: number;
  fps: number;
  reconnects: number;
  urlRefreshes: number;
  errors: number;
  gaps: number;
  gapSeconds: number;
  /** Of the causes there were. */
  gapSecondsByCause: Partial<Record<GapCause, number>>;
  recoveredSeconds: number;
  meanAgeMs: number | null;
  p95AgeMs: number | null;
}

const seconds = (ms: number | null): string => (ms === null ? '–' : `${(ms / 1000).toFixed(2)} s`);

/** One row of the picture, from its middle, as shades. */
function strip(frame: Frame): string {
  const row = (frame.height >> 1) * frame.stride;
  let text = '';
  for (let column = 0; column < STRIP_COLUMNS; column++) {
    const at = row + 3 * Math.floor(((column + 0.5) * frame.width) / STRIP_COLUMNS);
    const green = frame.data[at + 1] ?? 0;
    text += SHADES[Math.min(SHADES.length - 1, (green * SHADES.length) >> 8)];
  }
  return text;
}

/** Counts what was seen. */
class Tally {
  readonly #ages = new AgeStatistics();
  readonly #startedAt = performance.now();
  #firstAt: number | undefined;
  #lastAt = 0;
  frames = 0;
  skippedFrames = 0;
  repeatedFrames = 0;

  add(frame: Frame): void {
    this.#lastAt = performance.now();
    this.#firstAt ??= this.#lastAt;
    this.frames += 1;
    this.#ages.add(frame.ageMs);
  }

  report(source: FrameSource): Report {
    const metrics = source.getMetrics();
    const elapsed = this.#firstAt === undefined ? 0 : (this.#lastAt - this.#firstAt) / 1000;
    return {
      cameraId: source.cameraId,
      frames: this.frames,
      skippedFrames: this.skippedFrames,
      repeatedFrames: this.repeatedFrames,
      seconds: elapsed,
      // Between n frames lie n − 1 intervals.
      fps: elapsed > 0 ? (this.frames - 1) / elapsed : 0,
      reconnects: metrics.reconnects,
      urlRefreshes: metrics.urlRefreshes,
      errors: metrics.readErrors,
      gaps: metrics.gaps,
      gapSeconds: metrics.gapMs / 1000,
      gapSecondsByCause: Object.fromEntries(
        Object.entries(metrics.gapsByCause)
          .filter(([, { gaps }]) => gaps > 0)
          .map(([cause, { ms }]) => [cause, ms / 1000]),
      ),
      recoveredSeconds: metrics.recoveredMs / 1000,
      meanAgeMs: this.#ages.meanMs,
      p95AgeMs: this.#ages.quantileMs(0.95),
    };
  }

  get runningSeconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }
}

function describe(report: Report): string {
  const causes = Object.entries(report.gapSecondsByCause).map(([cause, s]) => `${cause} ${s.toFixed(1)} s`);
  const repeated = report.repeatedFrames === 0 ? '' : ` and ${report.repeatedFrames} repeated`;
  return (
    `${report.frames} frames${repeated}, ${report.fps.toFixed(1)} fps, age ${seconds(report.meanAgeMs)} mean ` +
    `${seconds(report.p95AgeMs)} p95, ${report.reconnects} reconnects, ${report.urlRefreshes} refreshes, ` +
    `${report.errors} errors, ${report.gaps} gaps (${causes.join(', ') || '0 s'})`
  );
}

/** Tells what happens to the source while it is read. */
function tellEvents(source: FrameSource, output: Output): void {
  source.on('format', (format) =>
    output.say('format', { ...format }, `Pictures are ${format.width}×${format.height}`),
  );
  source.on('session', ({ id, expiresAtMs, renewal }) => {
    const life = Number.isFinite(expiresAtMs) ? `, until ${new Date(expiresAtMs).toISOString()}` : '';
    const expires = Number.isFinite(expiresAtMs) ? expiresAtMs : null;
    output.say(
      'session',
      { id, expiresAtMs: expires, renewal },
      `Session ${id}${renewal ? ' takes over' : ''}${life}`,
    );
  });
  let wasOffline = false;
  source.on('state', ({ phase }) => {
    if (phase === 'offline') output.say('state', { phase }, 'The camera sends nothing; waiting for it');
    else if (wasOffline && phase === 'connected') output.say('state', { phase }, 'The camera sends again');
    wasOffline = phase === 'offline';
  });
  source.on('reconnect', ({ afterMs, error }) =>
    output.say(
      'reconnect',
      { afterMs, code: error.code, message: error.message },
      `${error.message}; next try in ${seconds(afterMs)}`,
    ),
  );
  source.on('gap', (gap) =>
    output.say(
      'gap',
      { ...gap },
      `${seconds(gap.ms)} of media ${gap.recovered ? 'had after all' : 'missing'} (${gap.cause})`,
    ),
  );
  source.on('fault', (fault) => {
    output.say('fault', { stage: fault.stage, message: fault.message }, `Damaged fragment: ${fault.message}`);
  });
}

/** Reads a source to the end that was asked for, tells about it, and stops it. Answers the exit code. */
export async function watch(
  source: FrameSource,
  options: WatchOptions,
  output: Output,
  registry: Registry,
): Promise<number> {
  const tally = new Tally();
  const pace = new FramePace(options.targetFps ?? Infinity);
  const metrics =
    options.metricsPort === undefined ? undefined : await serveMetrics(options.metricsPort, registry);
  if (metrics !== undefined) output.say('metrics', { url: metrics.url }, `Metrics on ${metrics.url}`);
  tellEvents(source, output);

  const statistics = setInterval(() => {
    const report = tally.report(source);
    output.say('statistics', { ...report }, `${tally.runningSeconds.toFixed(0)} s: ${describe(report)}`);
  }, STATISTICS_MS);
  const stopListening = onTermination(() => void source.stop());
  let exitCode = 0;
  let drawnAt = 0;
  try {
    for await (const frame of source) {
      if (!pace.wants(frame.timestampMs)) {
        tally.skippedFrames += 1;
        continue;
      }
      if (frame.synthetic) {
        tally.repeatedFrames += 1;
        continue;
      }
      tally.add(frame);
      if (options.display && output.isTerminal && performance.now() - drawnAt > LINE_MS) {
        drawnAt = performance.now();
        const { fps } = tally.report(source);
        const what = `${frame.width}×${frame.height} #${frame.index} ${fps.toFixed(1)} fps, age ${seconds(frame.ageMs)}`;
        output.line(`${source.cameraId} [${strip(frame)}] ${what}`);
      }
      if (tally.frames >= (options.maxFrames ?? Infinity)) break;
    }
  } catch (error) {
    exitCode = 1;
    const { code } = error as { code?: string };
    const message = error instanceof Error ? error.message : String(error);
    if (output.isJson) output.say('error', { code: code ?? null, message }, '');
    else output.note(`${code ?? 'Error'}: ${message}`);
  } finally {
    clearInterval(statistics);
    await source.stop();
    await metrics?.close();
    stopListening();
  }
  const report = tally.report(source);
  output.say('report', { ...report }, `${source.cameraId}: ${describe(report)}`);
  return exitCode;
}
