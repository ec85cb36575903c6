import { checkInit } from './boxes.js';
import type { Loader } from './loader.js';
import type { ResourceRef } from './playlist.js';

/** More than a window lists at once, unless the camera changes with every fragment. */
const MAX_KEPT = 8;

/** Init sections by URL. The same bytes are always the same object, whatever URL they came from. */
export class InitCache {
  readonly #loader: Loader;
  /** Oldest use first. */
  readonly #kept = new Map<string, Uint8Array>();

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  /** Throws what {@link Loader.load} throws. */
  async get(ref: ResourceRef, origin: string, signal: AbortSignal): Promise<Uint8Array> {
    const key = `${ref.byteRange?.offset ?? ''}+${ref.byteRange?.length ?? ''} ${ref.url}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#keep(key, kept);
      return kept;
    }
    const request = {
      url: ref.url,
      byteRange: ref.byteRange,
      kind: 'init' as const,
      origin,
      signal,
      check: checkInit,
    };
    const { bytes } = await this.#loader.load(request);
    const same = [...this.#kept.values()].find((other) => Buffer.compare(other, bytes) === 0) ?? bytes;
    this.#keep(key, same);
    return same;
  }

  #keep(key: string, bytes: Uint8Array): void {
    this.#kept.delete(key);
    this.#kept.set(key, bytes);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
  }
}
