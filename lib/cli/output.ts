import { fitted, printable } from './terminal-text.js';

/** Columns of a terminal that does not say how many it has. */
const USUAL_COLUMNS = 80;
const CLEAR_LINE = '\r\x1b[K';

/** Where a command's words go: lines for people, or one JSON object a line for programs. */
export class Output {
  constructor(
    readonly isJson: boolean,
    private readonly stdout: NodeJS.WriteStream = process.stdout,
    private readonly stderr: NodeJS.WriteStream = process.stderr,
  ) {}

  #isLineOpen = false;
  #clearsAtExit = false;

  /** True if a line may be drawn over and over. */
  get isTerminal(): boolean {
    return !this.isJson && this.stdout.isTTY;
  }

  /** Columns that a line may take: the last one is left free, where some terminals wrap. */
  get columns(): number {
    return (this.stdout.columns || USUAL_COLUMNS) - 1;
  }

  /** A fact: `text` for people, `{ type, ...fields }` for programs. */
  say(type: string, fields: Record<string, unknown>, text: string): void {
    this.#closeLine();
    this.stdout.write(this.isJson ? `${JSON.stringify({ type, ...fields })}\n` : `${text}\n`);
  }

  /** A fact that programs want to know and people can do without. */
  record(type: string, fields: Record<string, unknown>): void {
    if (this.isJson) this.say(type, fields, '');
  }

  /** Something people should know and programs need not: on standard error. */
  note(text: string): void {
    this.#closeLine();
    this.stderr.write(`${text}\n`);
  }

  /** Draws over the last such line, in one row. Only on a terminal. */
  line(text: string): void {
    if (!this.isTerminal) return;
    this.stdout.write(`\r${fitted(printable(text), this.columns)}\x1b[K`);
    this.#isLineOpen = true;
    if (this.#clearsAtExit) return;
    this.#clearsAtExit = true;
    // Also a second Ctrl-C leaves the shell's prompt at the beginning of a row.
    process.once('exit', () => this.#closeLine());
  }

  #closeLine(): void {
    if (!this.#isLineOpen) return;
    this.stdout.write(CLEAR_LINE);
    this.#isLineOpen = false;
  }
}
