/** Where a command's words go: lines for people, or one JSON object a line for programs. */
export class Output {
  constructor(
    readonly isJson: boolean,
    private readonly stdout: NodeJS.WriteStream = process.stdout,
    private readonly stderr: NodeJS.WriteStream = process.stderr,
  ) {}

  #isLineOpen = false;

  /** True if a line may be drawn over and over. */
  get isTerminal(): boolean {
    return !this.isJson && this.stdout.isTTY;
  }

  /** A fact: `text` for people, `{ type, ...fields }` for programs. */
  say(type: string, fields: Record<string, unknown>, text: string): void {
    this.#closeLine();
    this.stdout.write(this.isJson ? `${JSON.stringify({ type, ...fields })}\n` : `${text}\n`);
  }

  /** Something people should know and programs need not: on standard error. */
  note(text: string): void {
    this.#closeLine();
    this.stderr.write(`${text}\n`);
  }

  /** Draws over the last such line. Only on a terminal. */
  line(text: string): void {
    if (!this.isTerminal) return;
    this.stdout.write(`\r${text.slice(0, Math.max(20, (this.stdout.columns || 80) - 1))}\x1b[K`);
    this.#isLineOpen = true;
  }

  #closeLine(): void {
    if (!this.#isLineOpen) return;
    this.stdout.write('\r\x1b[K');
    this.#isLineOpen = false;
  }
}
