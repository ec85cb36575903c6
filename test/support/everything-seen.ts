import pino from 'pino';
import type { Registry } from 'prom-client';
import type { FrameSource, Logger } from '../../lib/index';
import { CapturedOutput } from './captured-output';
import { everythingOf, printsOf } from './secrets';

/** For who never gives up. */
const LONGEST_MS = 12_000;
const EVENTS = ['state', 'session', 'gap', 'format', 'reconnect', 'fault', 'drop', 'decoder'] as const;

/** All that a program gets to see of its sources: what they say, throw, publish and print. */
export class EverythingSeen {
  readonly #texts: string[] = [];
  readonly #output = new CapturedOutput();
  /** Keeps lines as they are given, and as pino writes them. */
  readonly logger: Logger;

  constructor() {
    const write = (line: string): void => void this.#texts.push(line);
    const printer = pino({ level: 'debug', timestamp: false, base: null }, { write });
    const at =
      (level: keyof Logger) =>
      (...words: [string, ...unknown[]]): void => {
        this.see(words);
        printer[level]({ err: words[1], details: words.slice(1) }, words[0]);
      };
    this.logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  /** Keeps what can be reached from a value, and what is printed of it. */
  see(value: unknown): void {
    // The source's own logger keeps all this.
    this.#texts.push(everythingOf(value, [this, this.logger]), printsOf(value));
  }

  text(text: string): void {
    this.#texts.push(text);
  }

  /** Listens to all of a source's events. */
  watch<Source extends FrameSource>(source: Source): Source {
    for (const name of EVENTS) source.on(name, (news: unknown) => this.see(news));
    return source;
  }

  /** Reads so many frames or until it ends, and keeps what it says of itself meanwhile and at the end. */
  async read(source: FrameSource, registry: Registry, maxFrames: number): Promise<void> {
    this.watch(source);
    try {
      for await (const frame of source.frames({ maxFrames, signal: AbortSignal.timeout(LONGEST_MS) })) {
        if (frame.index % 10 === 0) this.see(frame);
      }
    } catch (error) {
      this.see(error);
    }
    for (const one of [source, source.getMetrics(), source.health()]) this.see(one);
    this.text(await registry.metrics());
    await source.stop();
    this.see(source);
  }

  /** Answers all of it. */
  end(): string {
    return [...this.#texts.splice(0), this.#output.end()].join('\n');
  }
}
