import type { LostFragments } from '../hls/fragment.js';
import type { GapCause } from './gap.js';

/** What the ledger needs to know of a fragment; the object itself names it. */
export interface LedgerFragment {
  /** When its first picture was taken, Unix ms; `null` if it bears no date, or none to be believed. */
  dateMs: number | null;
  /** Length in ms as the playlist says. */
  durationMs: number;
  /** By how much `dateMs` was ahead of the host's clock when the fragment was received, ms; usually below 0. */
  aheadMs: number;
  sessionId: number;
  /** The list shows it right behind the fragment pushed before. */
  isAdjacent: boolean;
  lost: LostFragments | null;
  elapsedMs: number | null;
}

/** A fragment in the decoder. */
export interface Entry {
  fragment: LedgerFragment;
  /** Its length in ms: the playlist's word until it is measured. */
  lengthMs: number;
  /** How many fragments it stands for. */
  fragments: number;
  /** The stream was seen to be silent before it. */
  isAfterSilence: boolean;
  /** Why it can't be used, or not as a whole. */
  refused: GapCause | null;
  /** Up to where its pictures came out, ms from its start. */
  endMs: number;
}

export function newEntry(fragment: LedgerFragment, isAfterSilence: boolean): Entry {
  return { fragment, lengthMs: fragment.durationMs, fragments: 1, isAfterSilence, refused: null, endMs: 0 };
}

/** Why media is missing of which only the dates tell. */
export function restCause(before: Entry, since: readonly Entry[]): GapCause {
  if (since.every(({ fragment, isAfterSilence }) => fragment.isAdjacent || isAfterSilence)) return 'producer';
  const unmeasured = since.find(({ fragment }) => fragment.lost?.ms === 0)?.fragment.lost;
  if (unmeasured) return unmeasured.cause;
  const isSameSession = since.every(({ fragment }) => fragment.sessionId === before.fragment.sessionId);
  return isSameSession ? 'producer' : 'outage';
}

/** Two entries in succession as one. */
export function folded(first: Entry, second: Entry): Entry {
  const lost = [first.fragment.lost, second.fragment.lost].filter((one) => one !== null);
  return {
    fragment: {
      ...second.fragment,
      elapsedMs: null,
      lost:
        lost.length === 0
          ? null
          : {
              count: lost.reduce((total, one) => total + one.count, 0),
              ms: lost.reduce((total, one) => total + one.ms, 0),
              cause: lost[0]!.cause,
            },
    },
    lengthMs: first.lengthMs + second.lengthMs,
    fragments: first.fragments + second.fragments,
    isAfterSilence: first.isAfterSilence || second.isAfterSilence,
    refused: second.refused ?? first.refused,
    endMs: 0,
  };
}
