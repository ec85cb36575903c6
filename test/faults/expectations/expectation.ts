import type { GapCause, HealthStatus } from '../../../lib/index';
import type { RowSettings } from '../run-fault';

/** From and to, both inclusive. */
export type Range = readonly [from: number, to: number];

/** What one fault must lead to, and what a person reads about it at night. */
export interface Expectation {
  /** What the reader does about it. */
  does: string;
  /** What it means, if it is seen with a real camera. */
  means: string;
  /** What to do. */
  todo: string;
  /** Media that the camera sent and the program did not get, ms, by the pixels. Default: none. */
  lostMs?: Range;
  /** What the ledger says it was lost to. Only with `lostMs`. */
  causes?: readonly GapCause[];
  /** What the ledger says the camera did not send, ms. Default: nothing. */
  silentMs?: Range;
  /** What is lost was never shown to the reader, which can't tell that from a camera that sent nothing. */
  unlisted?: true;
  /** The fault sets the clock by which frames are dated, or takes it away. */
  jumps?: true;
  /** Pictures come in another order than they were taken in; a hole that was told is filled late. */
  reordered?: true;
  /** Code that the source ends with, and its cause's. Default: it goes on. */
  ends?: { code: string; cause?: string };
  /** All phases from the start to when the row is over, in one text. Default: connecting connected. */
  phases?: RegExp;
  /** Verdict when the row is over. Default: flowing, or failed. */
  health?: HealthStatus;
  /** Control calls, from the script's setting on; of an opening that includes its own two. Default: none. */
  calls?: Range;
  /** Longest time from the fault's end to the next frame, ms. Default 3,000: a playlist's poll and a fragment. */
  recoveryMs?: number;
  settings?: RowSettings;
}

export type Expectations = Readonly<Record<string, Expectation>>;

/** Sequences of phases. */
export const CALM = /^connecting connected$/;
export const RECONNECTED = /^connecting connected reconnecting connected$/;
export const CALM_OR_RECONNECTED = /^connecting connected( reconnecting connected)?$/;
export const OFFLINE = /^connecting connected offline connected$/;
export const REFUSED_AT_OPENING = /^connecting failed$/;
export const GAVE_UP = /^connecting connected reconnecting failed$/;

/** A row that gives up soon. */
export const impatient: RowSettings = { source: { maxConsecutiveErrors: 3 } };
export const gaveUp = (cause: string): Pick<Expectation, 'ends' | 'settings'> => ({
  ends: { code: 'TOO_MANY_ERRORS', cause },
  settings: impatient,
});
