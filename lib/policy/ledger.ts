/** Why media time is missing. */
export type GapCause =
  /** The camera sent nothing for that time: its dates jump, no fragment is missing from the sequence. */
  | 'producer'
  /** Fragments left the playlist, or the server, before they were fetched. */
  | 'window-slid'
  /** No session could be had or followed meanwhile. */
  | 'outage'
  /** Fragments came damaged each time they were fetched. */
  | 'media';

/** One hole in the media time that was delivered. */
export interface Gap {
  cause: GapCause;
  /** Where the hole starts and ends, Unix ms of the stream's own clock; `null` if the stream is not dated. */
  fromMs: number | null;
  toMs: number | null;
  /** Length in ms of media; an estimate from fragment lengths if the stream is not dated. */
  ms: number;
  /** Whole fragments known to be missing; 0 if the camera never made them. */
  fragments: number;
}

/** What the ledger needs to know of a fragment. */
export interface LedgerFragment {
  dateMs: number | null;
  durationMs: number;
  missed: number;
  damaged: number;
  sessionId: number;
}

/**
 * A jump between two fragments counts as a hole from 250 ms on, or half a fragment if that is more: EXTINF differs
 * from the true length by a few frames, and producers' clocks jitter.
 */
function toleranceMs(before: LedgerFragment): number {
  return Math.max(250, before.durationMs / 2);
}

/** The hole between two fragments that were handed over one after the other, or `null`. */
export function gapBetween(before: LedgerFragment, after: LedgerFragment): Gap | null {
  const fromMs = before.dateMs === null ? null : before.dateMs + before.durationMs;
  const toMs = after.dateMs;
  const isDated = fromMs !== null && toMs !== null;
  const ms = isDated ? toMs - fromMs : after.missed * before.durationMs;
  const isHole = after.missed > 0 || (isDated && ms > toleranceMs(before));
  if (!isHole) return null;
  const isSameSession = before.sessionId === after.sessionId;
  const missing = after.damaged === after.missed ? 'media' : 'window-slid';
  const cause = after.missed > 0 ? missing : isSameSession ? 'producer' : 'outage';
  return {
    cause,
    fromMs: isDated ? fromMs : null,
    toMs: isDated ? toMs : null,
    ms: Math.max(0, ms),
    fragments: after.missed,
  };
}

/** The holes of one source so far. */
export class Ledger {
  #last: LedgerFragment | undefined;
  #gaps = 0;
  #gapMs = 0;

  /** How many there were. */
  get gaps(): number {
    return this.#gaps;
  }

  /** Their sum in ms of media. */
  get gapMs(): number {
    return this.#gapMs;
  }

  /** Length of the fragment handed over last, ms; 0 before the first. */
  get fragmentMs(): number {
    return this.#last?.durationMs ?? 0;
  }

  /** Notes that a fragment is handed over; answers the hole before it, if there is one. */
  note(fragment: LedgerFragment): Gap | null {
    const gap = this.#last === undefined ? null : gapBetween(this.#last, fragment);
    const { dateMs, durationMs, missed, damaged, sessionId } = fragment;
    this.#last = { dateMs, durationMs, missed, damaged, sessionId };
    if (gap !== null) {
      this.#gaps += 1;
      this.#gapMs += gap.ms;
    }
    return gap;
  }
}
