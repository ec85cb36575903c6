import type { LostFragments } from './fragment.js';
import type { Mark } from './mark.js';

/** Fragments in a row that could not be fetched, and no more: then the session, not the fragment, is at fault. */
const MAX_FAILED = 3;
/** The same for fragments that come, but damaged or too large: another session is less likely to help. */
const MAX_DAMAGED = 9;

/** What a fragment that is given up leads to. */
export interface SkipOutcome {
  /** The session, not the fragment. */
  isAtFault: boolean;
  /** Where another session should go on, to try those of this row once more; `null`: behind them. */
  rewind: Mark | null;
}

/** Counts fragments given up with none fetched between them. */
export class SkipRow {
  #failed = 0;
  #damaged = 0;
  /** Before the first of them that could not be fetched. */
  #start: Mark | null = null;
  #hasRewound = false;

  /** Another session is followed. */
  onSession(): void {
    this.#failed = 0;
    this.#damaged = 0;
    this.#start = null;
  }

  onFetched(): void {
    this.onSession();
    this.#hasRewound = false;
  }

  /**
   * Another one can't be had.
   *
   * @param before where it would be taken again
   * @param ended the list has ended. There, and from the second time on, there is no way back: what nobody has would
   *   be asked for again for ever
   */
  onGivenUp(cause: LostFragments['cause'], before: Mark, ended: boolean): SkipOutcome {
    if (cause === 'media' || cause === 'policy') {
      return { isAtFault: ++this.#damaged > MAX_DAMAGED, rewind: null };
    }
    this.#start ??= before;
    if (++this.#failed <= MAX_FAILED) return { isAtFault: false, rewind: null };
    const rewind = ended || this.#hasRewound ? null : this.#start;
    this.#hasRewound = true;
    return { isAtFault: true, rewind };
  }
}
