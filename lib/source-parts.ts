import type { CatchUpSource } from './catch-up.js';
import type { Clock } from './clock.js';
import type { DateTrust } from './frames/timestamp.js';
import type { FragmentBytes } from './hls/fragment.js';
import type { LoadStatistics } from './hls/load-statistics.js';
import type { FragmentSource } from './session-loop.js';
import type { CallCounts } from './session/call-counts.js';
import type { SessionProvider } from './session/provider.js';

/** Fragments of a provider's sessions, over the network. */
export interface Fragments extends FragmentSource {
  /** Gets ready for the first session. */
  open(): void;
  /** Lets go of all connections. */
  close(): Promise<void>;
  /** The bytes of a fragment that was handed over recently, fetched anew; `null` if they can't be had. */
  again(of: { sessionId: number; sequence: number }, signal: AbortSignal): Promise<FragmentBytes | null>;
  /** Fragments that end before this date are not wanted any more. */
  setFloor(dateMs: number): void;
  /** How long the stream may show nothing new before it counts as stalled, ms; `null` before it is known. */
  readonly stallLimitMs: number | null;
}

/** What a kind of source is made of. */
export interface SourceParts {
  provider: SessionProvider;
  fragments: Fragments;
  /** Counts the requests of all its followers. */
  loads: LoadStatistics;
  /** Counts the provider's control calls. */
  calls: CallCounts;
  /** Holes of the live stream are read from its recording. */
  catchUp?: CatchUpSource;
  dates: DateTrust;
  /** How long before its end a session is replaced, ms. */
  renewalMarginMs: number;
  /** The stream has no end: a session whose playlist says so is of no more use, and another one is needed. */
  isEndless: boolean;
  /** Whether a playlist that ended after this many new fragments is only part of what was asked for. */
  continues(fragmentsInSession: number): boolean;
  clock?: Clock;
  /** Answers [0, 1). */
  random?: () => number;
}
