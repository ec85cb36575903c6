import { sleep } from '../clock.js';
import { checkFragment } from './boxes.js';
import { extentOf, mediaDigest, type Extent } from './digest.js';
import { FragmentFetch, type FetchDependencies } from './fragment-fetch.js';
import type { ListedFragment } from './playlist.js';
import type { Track } from './track.js';

/** Where a list stands, by what its fragments hold. */
export type Standing =
  /** The last fragment is listed, at this index. */
  | { kind: 'found'; index: number }
  /** It lists an earlier one as its newest: what comes next is not listed yet. */
  | { kind: 'behind' }
  /** Nothing known is listed. */
  | { kind: 'unknown' };

/** Listed fragments that are looked at, from the newest back: more than a window commonly holds. */
const MAX_EXAMINED = 16;

interface Examined {
  digest: string;
  /** Until it is taken, or found to be known. */
  media: Uint8Array | null;
}

/**
 * Finds the last fragments handed over in a list that neither numbers nor dates place: by fetching what is listed and
 * comparing digests. What is fetched and turns out to be new is not fetched again.
 */
export class Overlap {
  readonly #track: Track;
  readonly #with: FetchDependencies;
  /** By {@link keyOf}. */
  readonly #examined = new Map<string, Examined>();

  constructor(track: Track, dependencies: FetchDependencies) {
    this.#track = track;
    this.#with = dependencies;
  }

  /**
   * Looks at listed fragments from the newest back until one is known. Those that can't be had are passed over.
   *
   * @param known digests of the last fragments, oldest first, asked for each time: they may become more meanwhile
   * @throws HlsStreamError if the session is at fault; the signal's reason once it is aborted
   */
  async examine(known: () => readonly string[], signal: AbortSignal): Promise<void> {
    const { fragments } = this.#track.list;
    const listed = new Set(fragments.map(keyOf));
    for (const key of this.#examined.keys()) if (!listed.has(key)) this.#examined.delete(key);
    // The pauses of all that can't be had are limited together: meanwhile the list moves on unseen.
    let sinceMs = this.#with.clock.monotonic();
    const extent = extentOf(known().at(-1) ?? '');
    for (const entry of fragments.slice(-MAX_EXAMINED).reverse()) {
      if (entry.gap) continue;
      const examined =
        this.#examined.get(keyOf(entry)) ?? (await this.#examine(entry, extent, sinceMs, signal));
      if (examined === null) continue;
      if (isProof(examined.digest, known())) return;
      sinceMs = this.#with.clock.monotonic();
    }
  }

  /** Where the list stands, as far as it was examined. */
  standing(known: readonly string[]): Standing {
    const { fragments } = this.#track.list;
    for (let index = fragments.length - 1; index >= 0; index--) {
      const examined = this.#examined.get(keyOf(fragments[index]!));
      if (examined === undefined || !isProof(examined.digest, known)) continue;
      examined.media = null;
      return examined.digest === known.at(-1) ? { kind: 'found', index } : { kind: 'behind' };
    }
    return { kind: 'unknown' };
  }

  /** The bytes of a fragment that was looked at, once; else `null`. */
  take(entry: ListedFragment): Uint8Array | null {
    const examined = this.#examined.get(keyOf(entry));
    const media = examined?.media ?? null;
    if (examined !== undefined) examined.media = null;
    return media;
  }

  async #examine(
    entry: ListedFragment,
    extent: Extent,
    sinceMs: number,
    signal: AbortSignal,
  ): Promise<Examined | null> {
    const media = await this.#load(entry, sinceMs, signal);
    if (media === null) return null;
    const kept = [...this.#examined.values()].reduce((sum, other) => sum + (other.media?.byteLength ?? 0), 0);
    const examined = {
      digest: mediaDigest(media, checkFragment(media), extent),
      media: kept + media.byteLength <= this.#with.maxKeptBytes ? media : null,
    };
    this.#examined.set(keyOf(entry), examined);
    return examined;
  }

  async #load(entry: ListedFragment, sinceMs: number, signal: AbortSignal): Promise<Uint8Array | null> {
    const fetch = new FragmentFetch(this.#track, entry, this.#with, null, sinceMs);
    for (;;) {
      try {
        return (await fetch.load(signal)).media;
      } catch (error) {
        signal.throwIfAborted();
        const verdict = fetch.judge(error);
        if (verdict.kind === 'throw') throw error;
        if (verdict.kind === 'give-up') return null;
        await sleep(this.#with.clock, verdict.afterMs, signal);
      }
    }
  }
}

/** Fragments of one file differ by their ranges. */
function keyOf({ url, byteRange }: ListedFragment): string {
  return `${byteRange?.offset ?? ''} ${url}`;
}

/** One digest of several fragments, such as those of a picture that stands still, tells nothing. */
function isProof(digest: string, known: readonly string[]): boolean {
  return known.filter((other) => other === digest).length === 1;
}
