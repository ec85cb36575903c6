import { checkInit } from './boxes.js';
import type { Loader } from './loader.js';
import type { ResourceRef } from './playlist.js';

/** More than a window lists at once, unless the camera changes with every fragment. */
const MAX_KEPT = 8;

/** KVS numbers its init sections: another one has another URL (kvs-hls §4.4). */
const NUMBERED = /[?&]SequenceNumber=/;

/** Init sections by URL. The same bytes are always the same object, whatever URL they came from. */
export class InitCache {
  readonly #loader: Loader;
  /** Oldest use first. */
  readonly #byUrl = new Map<string, Uint8Array>();
  /** What was loaded last, newest last: also what {@link distrust} has removed from `#byUrl`. */
  #known: Uint8Array[] = [];

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  /** From now on URLs may stand for other bytes: an encoder that restarts writes its init section anew. */
  distrust(): void {
    for (const key of this.#byUrl.keys()) if (!NUMBERED.test(key)) this.#byUrl.delete(key);
  }

  /** Throws what {@link Loader.load} throws. */
  async get(ref: ResourceRef, origin: string, signal: AbortSignal): Promise<Uint8Array> {
    const key = `${ref.byteRange?.offset ?? ''}+${ref.byteRange?.length ?? ''} ${ref.url}`;
    const kept = this.#byUrl.get(key) ?? (await this.#load(ref, origin, signal));
    this.#byUrl.delete(key);
    this.#byUrl.set(key, kept);
    for (const oldest of this.#byUrl.keys()) {
      if (this.#byUrl.size <= MAX_KEPT) break;
      this.#byUrl.delete(oldest);
    }
    return kept;
  }

  async #load(ref: ResourceRef, origin: string, signal: AbortSignal): Promise<Uint8Array> {
    const { url, byteRange } = ref;
    const { bytes } = await this.#loader.load({
      url,
      byteRange,
      kind: 'init',
      origin,
      signal,
      check: checkInit,
    });
    const same = this.#known.find((other) => Buffer.compare(other, bytes) === 0) ?? bytes;
    this.#known = [...this.#known.filter((other) => other !== same), same].slice(-MAX_KEPT);
    return same;
  }
}
