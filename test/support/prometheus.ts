import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_MS = 20_000;
const ANSWER_MS = 10_000;
const STOP_MS = 10_000;
const LOOK_EVERY_MS = 50;

export type Labels = Readonly<Record<string, string>>;

/** A series' value at the time it was asked for. */
export interface Instant {
  labels: Labels;
  value: number;
}

/** A sample as it was scraped. */
export interface Sample {
  /** When its scrape began, Unix ms. */
  atMs: number;
  value: number;
}

export interface RawSeries {
  labels: Labels;
  samples: readonly Sample[];
}

export interface PrometheusOptions {
  /** Host and port of what is scraped, and the token it asks for. */
  target: string;
  token: string;
  intervalMs: number;
  /** Files of alert rules. */
  rules: readonly string[];
}

interface Answer {
  status: string;
  error?: string;
  data: { result: { metric: Labels; value: [number, string]; values: [number, string][] }[] };
}

/** Looks again and again until the answer is there; throws with `what` after `withinMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await delay(LOOK_EVERY_MS);
  }
}

/** A Prometheus server as a child process, with a folder of its own, on loopback. */
export class Prometheus implements AsyncDisposable {
  /** All it has logged. */
  log = '';
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #closed: Promise<void>;
  #url = '';

  private constructor(program: string, configuration: object) {
    this.#folder = mkdtempSync(join(tmpdir(), 'kvs-frames-prometheus-'));
    const file = join(this.#folder, 'prometheus.yml');
    // JSON is YAML too.
    writeFileSync(file, JSON.stringify(configuration));
    // It dies with this process, however that ends.
    this.#child = spawn(
      'setpriv',
      [
        '--pdeathsig=KILL',
        program,
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(this.#folder, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
      ],
      { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const collect = (text: string): void => void (this.log += text);
    this.#child.stdout?.setEncoding('utf8').on('data', collect);
    this.#child.stderr?.setEncoding('utf8').on('data', collect);
    this.#closed = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        collect(error.message);
        resolve();
      });
      this.#child.once('close', () => resolve());
    });
  }

  /** Starts one under the job name `kvs-frames`; resolves when it answers. */
  static async start(
    program: string,
    { target, token, intervalMs, rules }: PrometheusOptions,
  ): Promise<Prometheus> {
    const interval = `${intervalMs}ms`;
    const server = new Prometheus(program, {
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: rules,
      scrape_configs: [
        {
          job_name: 'kvs-frames',
          authorization: { credentials: token },
          static_configs: [{ targets: [target] }],
        },
      ],
    });
    try {
      server.#url = await until('Prometheus listens', () => server.#listening(), START_MS);
      await until(
        'Prometheus is ready',
        async () => (await fetch(`${server.#url}/-/ready`, { signal: AbortSignal.timeout(ANSWER_MS) })).ok,
        START_MS,
      );
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw new Error(`Prometheus did not start:\n${server.log}`, { cause: error });
    }
  }

  #listening(): string | null {
    if (this.#child.exitCode !== null) throw new Error(`It ended with ${this.#child.exitCode}`);
    const found = /msg="Listening on" address=(127\.0\.0\.1:\d+)/.exec(this.log);
    return found === null ? null : `http://${found[1]}`;
  }

  async get(path: string): Promise<Response> {
    return fetch(`${this.#url}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) });
  }

  async #ask(expression: string, atMs: number | undefined): Promise<Answer['data']['result']> {
    const time = atMs === undefined ? '' : `&time=${atMs / 1000}`;
    const response = await this.get(`/api/v1/query?query=${encodeURIComponent(expression)}${time}`);
    const answer = (await response.json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`);
    return answer.data.result;
  }

  /** An instant vector. Default: as of now. */
  async query(expression: string, atMs?: number): Promise<Instant[]> {
    const result = await this.#ask(expression, atMs);
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** The samples that a range selector selects. */
  async raw(selector: string, atMs: number): Promise<RawSeries[]> {
    const result = await this.#ask(selector, atMs);
    return result.map(({ metric, values }) => ({
      labels: metric,
      samples: values.map(([at, value]) => ({ atMs: Math.round(at * 1000), value: Number(value) })),
    }));
  }

  /** Ends it and deletes all that it kept. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    const forced = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#closed;
    clearTimeout(forced);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
