import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { EngineStats } from '../../binding';
import type { KvsHlsFrameSourceOptions } from '../../lib/index';
import type { SourcePhase } from '../../lib/policy/supervisor';
import { ROOT } from './child';

/**
 * How a life of a source ends: `stop()`, the signal given to `frames()`, the one given to `read()`, or `break`. `unused`:
 * `stop()`, and nobody ever asked for a frame.
 */
export type Way = 'stop' | 'abort' | 'read' | 'break' | 'unused';

/**
 * Where the source lives: on the main thread of a process, in a worker of one that has no other source; on a main thread beside
 * sources that stream in another copy of the package (`copies`) or in two workers (`environments`); in a process `forked` by one
 * with a source that streams, or `clustered` by one.
 */
export type Place = 'main' | 'worker' | 'copies' | 'environments' | 'forked' | 'clustered';

/**
 * How a process, or the worker in which the source lives, ends with the source as it is. `stop`: by itself, behind `stop()`.
 * `reload`: the same, after the package was loaded again and has read.
 * `throw` and `reject`: by an exception that nobody catches. `handled`: by a handler of SIGTERM that stops the source. `forget`: by
 * `process.exit()`, after the source was forgotten and the collector ran. `terminate`: a worker by its parent.
 */
export type EndingKind =
  'stop' | 'reload' | 'exit' | 'throw' | 'reject' | 'SIGTERM' | 'SIGINT' | 'handled' | 'forget' | 'terminate';

export interface Life {
  way: Way;
  /** The reader keeps the first frame it gets, and takes no other. */
  hold: boolean;
  options: Partial<KvsHlsFrameSourceOptions>;
  /** Of the sources that stream beside it, where its place has some, and the other copy of the package. */
  companion?: { options: Partial<KvsHlsFrameSourceOptions>; copyPath: string };
}

/** What the child tells of the life of its source. */
export type News =
  | { kind: 'ready' }
  /** The source is there, and can be ended; so are those beside it. */
  | { kind: 'begun' }
  | { kind: 'frame'; count: number }
  | { kind: 'reconnect'; afterMs: number }
  | { kind: 'phase'; phase: SourcePhase }
  | { kind: 'engine'; engine: EngineStats | null }
  | { kind: 'log'; line: string }
  /** The reader has no more to read: `end`, or the error's code or message. */
  | { kind: 'read'; outcome: string }
  | { kind: 'defect'; stack: string }
  /** The worker with the source has ended: by which code and error, and how many threads more than before there are. */
  | { kind: 'gone'; code: number; error?: string; threads: number }
  /** The process with the source has ended, and the one that started it has read on. */
  | { kind: 'gone'; code: number | null; signal: NodeJS.Signals | null }
  | ({ kind: 'ended' } & Ending);

export interface Ending {
  /** From the end's beginning until all that was awaited has settled. */
  ms: number;
  /** A `stop()` behind that. */
  stopMs: number;
  outcome: string;
  /** Active resources that were not there before. */
  handles: string[];
  /** Threads more than before. */
  threads: number;
}

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** A process in which one source after the other lives, or that starts where it does. */
export class StoppingChild {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #news: News[] = [];
  #stderr = '';
  readonly #waiting = new Set<() => void>();

  /** @param packagePath where the package is */
  constructor(place: Place = 'main', packagePath = process.env.KVS_FRAMES_LIFECYCLE_PACKAGE ?? ROOT) {
    const env = {
      ...process.env,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      NODE_OPTIONS: `--require ${join(ROOT, 'test', 'support', 'hanging-dns.cjs')}`,
    };
    const program = [join(ROOT, 'test', 'support', 'stopping-child.cjs'), packagePath, place];
    this.#child = spawn(process.execPath, ['--expose-gc', ...program], {
      env,
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#closed = new Promise((resolve) => this.#child.on('close', resolve));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#wake();
    });
    this.#child.on('message', (news: News) => {
      this.#news.push(news);
      this.#wake();
    });
    this.#child.on('close', () => this.#wake());
  }

  /** Begins a life; what was told of the one before is forgotten. */
  begin(life: Life): void {
    this.#news = [];
    this.#stderr = '';
    this.#child.send({ kind: 'begin', ...life });
  }

  /** Ends the life. */
  async end(): Promise<Ending> {
    this.#child.send({ kind: 'end' });
    const { kind: _, ...ending } = await this.told('ended');
    return ending;
  }

  /** Resolves with the first such news of this life, also if it has been told already. */
  async told<Kind extends News['kind']>(
    kind: Kind,
    isIt: (news: Extract<News, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<News, { kind: Kind }>> {
    for (;;) {
      const found = this.#news.find(
        (news): news is Extract<News, { kind: Kind }> => news.kind === kind && isIt(news as never),
      );
      if (found !== undefined) return found;
      await this.#change();
    }
  }

  /** Resolves when the name is being looked up, on whichever thread. */
  async looksUp(name: string): Promise<void> {
    while (!this.#stderr.includes(`looking up ${name}`)) await this.#change();
  }

  /** Ends the process, or the worker, with the source as it is; with `isStopping` just after `stop()` was called. */
  async leave(ending: EndingKind, isStopping = false): Promise<Exit> {
    this.#child.send({ kind: 'end', ending, isStopping });
    return this.#exit();
  }

  /** Lets go of the process: it ends by itself, or not at all. */
  async exit(): Promise<Exit> {
    this.#child.send({ kind: 'exit' });
    return this.#exit();
  }

  async #exit(): Promise<Exit> {
    await this.#closed;
    return { code: this.#child.exitCode, signal: this.#child.signalCode, stderr: this.#stderr };
  }

  /** Ends the process if it is still there. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
    const defect = this.#news.find((news) => news.kind === 'defect');
    if (defect !== undefined) throw new Error(`In the child: ${defect.stack}`);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      throw new Error(
        `The child has ended: ${this.#child.exitCode ?? this.#child.signalCode} ${this.#stderr}`,
      );
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
