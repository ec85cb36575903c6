import { format } from 'node:util';
import { channels } from '../../lib/channels';
import { everythingOf } from './secrets';

const LEVELS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;
const TOLD = ['session', 'playlist', 'fragment', 'fault'] as const;

/**
 * All that this process writes to its console, standard output and standard error, its warnings, and what is published on the
 * package's channels, frames left out, until `end()`. It is written and published all the same.
 */
export class CapturedOutput {
  readonly #texts: string[] = [];
  readonly #undo: (() => void)[] = [];

  constructor() {
    for (const level of LEVELS) {
      const original = console[level];
      console[level] = (...words: unknown[]) => {
        this.#texts.push(format(...words));
        original(...words);
      };
      this.#undo.push(() => (console[level] = original));
    }
    for (const stream of [process.stdout, process.stderr]) {
      const original = stream.write;
      stream.write = (piece: string | Uint8Array, ...more: never[]) => {
        this.#texts.push(typeof piece === 'string' ? piece : Buffer.from(piece).toString());
        return original.call(stream, piece, ...more);
      };
      this.#undo.push(() => (stream.write = original));
    }
    const onMessage = (message: unknown): void => void this.#texts.push(everythingOf(message));
    for (const name of TOLD) {
      channels[name].subscribe(onMessage);
      this.#undo.push(() => channels[name].unsubscribe(onMessage));
    }
    const onWarning = (warning: Error): void => void this.#texts.push(everythingOf(warning));
    process.on('warning', onWarning);
    this.#undo.push(() => process.off('warning', onWarning));
  }

  /** Answers everything, and captures no more. */
  end(): string {
    for (const undo of this.#undo.splice(0)) undo();
    return this.#texts.join('\n');
  }
}
