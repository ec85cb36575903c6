import type { FragmentBytes } from '../hls/fragment.js';

/**
 * Second copies in a row that were no better, after which no more are fetched until a fragment is whole at once: a stream
 * that is damaged where it is made must not double its bandwidth.
 */
const MAX_IN_VAIN = 3;

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}

/** Decides for which damaged fragments a second copy is fetched, and whether it is worth decoding. */
export class SecondCopies {
  /** The fragment whose second copy is being decoded. */
  #retriedId: number | undefined;
  /** A copy was asked for, for the fragment that the engine is at. */
  #isAsked = false;
  #inVain = 0;
  #fetched = 0;
  #repaired = 0;

  /** How many second copies were asked for. */
  get fetched(): number {
    return this.#fetched;
  }

  /** How many of them were decoded without trouble. */
  get repaired(): number {
    return this.#repaired;
  }

  /** Another copy of a fragment in trouble; `null` if there is none that differs from the first. */
  async get(
    id: number,
    original: FragmentBytes,
    fetchAgain: () => Promise<FragmentBytes | null>,
  ): Promise<FragmentBytes | null> {
    if (this.#inVain >= MAX_IN_VAIN) return null;
    this.#isAsked = true;
    this.#fetched += 1;
    // Why it can't be had is of no use here: the fault of the first copy is told.
    const copy = await fetchAgain().catch(() => null);
    if (copy === null || (isSame(copy.media, original.media) && isSame(copy.init, original.init)))
      return null;
    this.#retriedId = id;
    return copy;
  }

  /** The engine is done with a fragment; `isTroubled`: with all there was of it. */
  read(id: number, isTroubled: boolean): void {
    if (!isTroubled) {
      if (this.#retriedId === id) this.#repaired += 1;
      this.#inVain = 0;
    } else if (this.#isAsked) {
      this.#inVain += 1;
    }
    this.#isAsked = false;
  }
}
