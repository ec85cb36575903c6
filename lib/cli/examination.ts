import { deadline, type Clock } from '../clock.js';
import { FrameSourceError, KvsConnectionError } from '../errors.js';
import { abortable } from '../session/shared-call.js';
import { mendingOf, rootOf } from './mending.js';
import type { Mending } from './mending-row.js';
import type { Output } from './output.js';
import type { Subject } from './subject.js';
import { redact } from '../redact.js';

/** How often a running step says for how long it has run. */
const PROGRESS_MS = 250;

/** Something found that is no error of the package, with what to do about it. */
export class Complaint extends Error {
  constructor(
    finding: string,
    readonly mending: Mending,
  ) {
    super(finding);
    this.name = 'Complaint';
  }
}

export interface CheckOptions {
  /** The step fails when it takes longer, ms. */
  limitMs: number;
  /** Whether all is lost with it; else it is told as a note. Default true. */
  isVital?: boolean;
}

/** Takes one step after another, and tells how they went. */
export class Examination {
  readonly #output: Output;
  readonly #clock: Clock;
  /** What advice is about; steps add what they learn. */
  readonly subject: Subject;
  /** Vital steps that did not go well. */
  readonly failed: string[] = [];
  readonly #noted: string[] = [];
  readonly #notTried: string[] = [];

  constructor(output: Output, clock: Clock, subject: Subject) {
    this.#output = output;
    this.#clock = clock;
    this.subject = subject;
  }

  /** Takes one step and tells how it went; answers whether it went well. */
  async check(
    what: string,
    examine: (signal: AbortSignal) => Promise<string> | string,
    { limitMs, isVital = true }: CheckOptions,
  ): Promise<boolean> {
    const tooLong = (): Error =>
      new KvsConnectionError('KVS_CALL_FAILED', `${what}: no answer within ${limitMs / 1000} s`, {
        errorName: 'TimeoutError',
      });
    const stopProgress = this.#progress(what, limitMs);
    try {
      using limit = deadline(this.#clock, limitMs, tooLong);
      const finding = await abortable(Promise.resolve(examine(limit.signal)), limit.signal);
      stopProgress();
      this.#output.say(
        'check',
        { what, ok: true, finding, why: null, mend: [] },
        `ok    ${what}: ${finding}`,
      );
      return true;
    } catch (error) {
      stopProgress();
      (isVital ? this.failed : this.#noted).push(what);
      this.#tellFailure(what, isVital, error);
      return false;
    }
  }

  /** Tells of a step that could not be tried. */
  notTried(what: string, why: string): void {
    this.#notTried.push(what);
    this.#output.say('check', { what, ok: null, finding: why, why: null, mend: [] }, `--    ${what}: ${why}`);
  }

  /** The last word. */
  report(): void {
    const { failed } = this;
    const fields = { ok: failed.length === 0, failed, notTried: this.#notTried };
    this.#output.say('report', fields, `\n${this.#verdict()}`);
  }

  #verdict(): string {
    const { failed } = this;
    if (failed.length > 0) return `Not well: ${failed.join(', ')}. What to do is said above.`;
    const noted = this.#noted.length === 0 ? '' : `; see the note on ${this.#noted.join(', ')}`;
    return this.#notTried.length === 0
      ? `All is well${noted}.`
      : `Nothing failed${noted}; not tried: ${this.#notTried.join(', ')}.`;
  }

  #tellFailure(what: string, isVital: boolean, error: unknown): void {
    const root = rootOf(error);
    const code = root instanceof FrameSourceError ? root.code : null;
    // OpenSSL's messages end in a line break.
    const finding = redact(error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ');
    const { why = null, mend = [] } =
      (error instanceof Complaint ? error.mending : mendingOf(error, this.subject)) ?? {};
    const lines = [
      `${isVital ? 'FAIL ' : 'note '} ${what}: ${finding}`,
      ...(why === null ? [] : [`      why:  ${why}`]),
      ...mend.map((one) => `      mend: ${one.replaceAll('\n', '\n            ')}`),
    ];
    this.#output.say(
      'check',
      { what, ok: false, vital: isVital, code, finding, why, mend },
      lines.join('\n'),
    );
  }

  /** On a terminal a line that tells which step runs, and its limit. The answered function ends it. */
  #progress(what: string, limitMs: number): () => void {
    const startedMs = this.#clock.monotonic();
    let cancel = (): void => {};
    const draw = (): void => {
      const s = Math.floor((this.#clock.monotonic() - startedMs) / 1000);
      this.#output.line(`…     ${what} (${s} of at most ${Math.round(limitMs / 1000)} s)`);
      cancel = this.#clock.after(PROGRESS_MS, draw);
    };
    draw();
    return () => cancel();
  }
}
