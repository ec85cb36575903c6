import type { FrameSourceError } from '../errors.js';
import type { Subject } from './subject.js';

/** Why something failed, and what to do about it. */
export interface Mending {
  why: string;
  /** One thing to do each, the likeliest first; may have several lines, a command among them. */
  mend: readonly string[];
}

/** One cause of an error code. What is left out matches anything. */
export interface MendingRow {
  /** Of `errorName`, or where there is none, of the message. */
  sign?: RegExp;
  /** Of the message, also where there is an `errorName`. */
  message?: RegExp;
  /** Of the HTTP status; does not match without one. */
  status?: RegExp;
  explain: (subject: Subject, error: FrameSourceError) => Mending;
}

/** The causes of a code, most special first; the last has no condition. */
export type MendingRows = readonly [...MendingRow[], Pick<MendingRow, 'explain'>];

/** A row with nothing to fill in. */
export function row(why: string, ...mend: string[]): MendingRow {
  return { explain: () => ({ why, mend }) };
}
