import type { Registry } from 'prom-client';
import { systemClock, type Clock } from '../clock.js';
import type { FrameSource } from '../frame-source.js';
import { startHttp } from '../http/serve.js';
import type { HttpServer } from '../http/server.js';
import { tellEvents } from './events.js';
import { FramePace } from './frame-pace.js';
import type { Output } from './output.js';
import { RecentRate } from './recent-rate.js';
import { describe, describeBriefly, Tally, type Ending } from './report.js';
import { onTermination } from './signals.js';
import { Snapshots } from './snapshots.js';
import { statusLine } from './status-line.js';

/** How long between two lines of statistics, as the Python reader had it. */
const STATISTICS_MS = 10_000;
/** How often the terminal line is drawn. */
const LINE_MS = 250;

export interface WatchOptions {
  /** Default: until the stream ends or a signal comes. */
  maxFrames?: number;
  /** Default: every frame. */
  targetFps?: number;
  /** Draws the terminal line, where there is a terminal. */
  display: boolean;
  /** Serves the live page there. */
  pagePort?: number;
  /** Serves the metrics, and health, there. */
  metricsPort?: number;
  /** Keeps snapshots there, that far apart by capture time. */
  out?: { directory: string; everySeconds: number };
}

/** Calls back again and again until the answered function is called. */
function every(clock: Clock, ms: number, callback: () => void): () => void {
  let cancel = (): void => {};
  const arm = (): void => {
    cancel = clock.after(ms, () => {
      arm();
      callback();
    });
  };
  arm();
  return () => cancel();
}

/** Reads a source to the end that was asked for, tells about it, and stops it. Answers the exit code. */
export async function watch(
  source: FrameSource,
  options: WatchOptions,
  output: Output,
  registry: Registry,
  clock: Clock = systemClock,
): Promise<number> {
  const watching = new Watching(source, options, output, clock);
  try {
    await watching.prepare(registry);
    return await watching.run();
  } finally {
    await watching.close();
  }
}

class Watching {
  readonly #source: FrameSource;
  readonly #options: WatchOptions;
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #tally: Tally;
  readonly #rate = new RecentRate();
  /** Undo what was begun, the last first. */
  readonly #endings: (() => void | Promise<void>)[] = [];
  #snapshots: Snapshots | undefined;
  #isEnding = false;
  /** How the source did before it was stopped. */
  #endedAs: Ending | undefined;

  constructor(source: FrameSource, options: WatchOptions, output: Output, clock: Clock) {
    this.#source = source;
    this.#options = options;
    this.#output = output;
    this.#clock = clock;
    this.#tally = new Tally(clock.monotonic());
    this.#endings.push(onTermination(() => this.#onTermination()));
    this.#endings.push(() => source.stop());
  }

  /** Whatever may turn out to be impossible, before anything is read. */
  async prepare(registry: Registry): Promise<void> {
    const { out, pagePort, metricsPort } = this.#options;
    const output = this.#output;
    if (out !== undefined) {
      this.#snapshots = await Snapshots.open({
        ...out,
        clock: this.#clock,
        onWritten: (path, timestampMs) => output.record('snapshot', { path, timestampMs }),
        onFailure: (message) => output.say('snapshot-error', { message }, message),
      });
    }
    const sources = [this.#source];
    if (pagePort !== undefined) {
      const { url } = await this.#serve(startHttp({ sources, registry, port: pagePort, page: true }));
      output.say('page', { url: `${url}/` }, `Live page on ${url}/`);
    }
    if (metricsPort !== undefined) {
      const { url } = await this.#serve(startHttp({ sources, registry, port: metricsPort }));
      output.say(
        'metrics',
        { url: `${url}/metrics` },
        `Metrics on ${url}/metrics, beside /healthz, /readyz and /cameras`,
      );
    }
  }

  async run(): Promise<number> {
    const source = this.#source;
    const output = this.#output;
    tellEvents(source, output);
    const statistics = every(this.#clock, STATISTICS_MS, () => this.#tellStatistics());
    const isDrawn = this.#options.display && output.isTerminal;
    const drawing = isDrawn ? every(this.#clock, LINE_MS, () => this.#draw()) : (): void => {};
    let exitCode = 0;
    try {
      await this.#readAll();
    } catch (error) {
      exitCode = 1;
      this.#seeEnding();
      this.#tellError(error);
    } finally {
      this.#isEnding = true;
      statistics();
      drawing();
    }
    await this.close();
    const report = { ...this.#report(), endedAs: this.#endedAs };
    output.say('report', report, describe(report, this.#options.out?.directory));
    // Who asked for files is told that some are not there, also where only the exit code is looked at.
    return report.snapshotErrors > 0 ? 1 : exitCode;
  }

  /** Ends everything. Idempotent. */
  async close(): Promise<void> {
    for (let end = this.#endings.pop(); end !== undefined; end = this.#endings.pop()) await end();
  }

  async #serve(starting: Promise<HttpServer>): Promise<HttpServer> {
    const server = await starting;
    this.#endings.push(() => server.close());
    return server;
  }

  async #readAll(): Promise<void> {
    const { maxFrames = Infinity, targetFps = Infinity } = this.#options;
    const pace = new FramePace(targetFps);
    const tally = this.#tally;
    for await (const frame of this.#source) {
      if (!pace.wants(frame.timestampMs)) {
        tally.skippedFrames += 1;
        continue;
      }
      if (frame.synthetic) {
        tally.repeatedFrames += 1;
        continue;
      }
      const nowMs = this.#clock.monotonic();
      tally.add(frame, nowMs);
      this.#rate.add(frame.timestampMs, nowMs);
      this.#snapshots?.offer(frame);
      if (tally.frames >= maxFrames) {
        // To leave the loop stops the source.
        this.#seeEnding();
        break;
      }
    }
    this.#seeEnding();
    await this.#source.stop();
    await this.#snapshots?.close();
  }

  /** Of several times the first counts: after a stop every source is stopped. */
  #seeEnding(): void {
    const { status, reason, lastFrameAgoMs } = this.#source.health();
    this.#endedAs ??= { status, reason, lastFrameAgoMs };
  }

  #report(): ReturnType<Tally['report']> {
    return this.#tally.report(this.#source, this.#clock.monotonic(), this.#snapshots);
  }

  #tellStatistics(): void {
    const report = this.#report();
    const text = `${report.durationSeconds.toFixed(0)} s: ${describeBriefly(report)}`;
    this.#output.say('statistics', { ...report }, text);
  }

  #draw(): void {
    if (this.#isEnding) return;
    const source = this.#source;
    const facts = {
      cameraId: source.cameraId,
      nowMs: this.#clock.now(),
      fps: this.#rate.fps(this.#clock.monotonic()),
      ageMs: this.#tally.lastAgeMs,
      health: source.health(),
      metrics: source.getMetrics(),
    };
    this.#output.line(statusLine(facts, this.#output.columns));
  }

  #tellError(error: unknown): void {
    const { code } = error as { code?: string };
    const message = error instanceof Error ? error.message : String(error);
    if (this.#output.isJson) {
      this.#output.say('error', { code: code ?? null, message }, '');
    } else {
      this.#output.note(`${code ?? 'Error'}: ${message}`);
      this.#output.note('kvs-frames doctor, with the same stream, tells more and how to mend it.');
    }
  }

  #onTermination(): void {
    this.#isEnding = true;
    this.#seeEnding();
    this.#output.line('Ending; Ctrl-C once more ends at once');
    // Its failure is met where it is awaited, at the end.
    this.#source.stop().catch(() => {});
  }
}
