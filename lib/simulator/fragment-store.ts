import type { CameraFragment } from './camera.js';

/** A fragment as the stream keeps it. */
export interface StoredFragment extends CameraFragment {
  /** Counts up from 0 within the stream. */
  readonly index: number;
  /** KVS's fragment number: 47 digits, increasing with ingestion. */
  readonly number: string;
  /** When KVS began receiving it, Unix ms. */
  readonly serverMs: number;
  /** From when on it is listed and served, Unix ms. */
  readonly visibleAtMs: number;
  /** Decode time of its first sample since the stream's first fragment, in ticks of its timescale. */
  readonly streamTicks: number;
}

/** The fragments of one stream, oldest first, bounded by age and by bytes. */
export class FragmentStore {
  readonly #retentionMs: number;
  readonly #maxBytes: number;
  readonly #ingestDelayMs: number;
  #fragments: StoredFragment[] = [];
  #bytes = 0;
  #added = 0;
  #originMs: number | null = null;

  constructor(limits: { retentionMs: number; maxBytes: number; ingestDelayMs: number }) {
    this.#retentionMs = limits.retentionMs;
    this.#maxBytes = limits.maxBytes;
    this.#ingestDelayMs = limits.ingestDelayMs;
  }

  /** All that is kept, visible or not yet. */
  get all(): readonly StoredFragment[] {
    return this.#fragments;
  }

  /** Index that the next fragment will get. */
  get nextIndex(): number {
    return this.#added;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(fragment: CameraFragment, nowMs: number): StoredFragment {
    this.#originMs ??= fragment.connectionMs;
    const index = this.#added++;
    const serverMs = fragment.sentFromMs + this.#ingestDelayMs;
    const sinceOrigin = fragment.connectionMs - this.#originMs;
    const stored: StoredFragment = {
      ...fragment,
      index,
      number: fragmentNumber(serverMs, index),
      serverMs,
      visibleAtMs: fragment.sentUntilMs + this.#ingestDelayMs,
      streamTicks: Math.round((sinceOrigin * fragment.init.timescale) / 1000) + fragment.decodeTicks,
    };
    this.#fragments.push(stored);
    this.#bytes += fragment.media.length;
    this.#evict(nowMs);
    return stored;
  }

  /** Those that readers can see at that time, oldest first. */
  visible(nowMs: number): StoredFragment[] {
    this.#evict(nowMs);
    return this.#fragments.filter((fragment) => fragment.visibleAtMs <= nowMs);
  }

  /** The newest one that readers can see. */
  newest(nowMs: number): StoredFragment | undefined {
    return this.#fragments.findLast((fragment) => fragment.visibleAtMs <= nowMs);
  }

  has(fragment: StoredFragment): boolean {
    const oldest = this.#fragments[0];
    return oldest !== undefined && fragment.index >= oldest.index;
  }

  #evict(nowMs: number): void {
    let keepFrom = 0;
    for (const fragment of this.#fragments) {
      const tooOld = fragment.serverMs < nowMs - this.#retentionMs;
      if (!tooOld && this.#bytes <= this.#maxBytes) break;
      this.#bytes -= fragment.media.length;
      keepFrom += 1;
    }
    if (keepFrom > 0) this.#fragments = this.#fragments.slice(keepFrom);
  }
}

/** 17 digits as real streams show them, 13 of server time, 17 of a count: together 47. */
function fragmentNumber(serverMs: number, index: number): string {
  const time = String(Math.floor(serverMs)).padStart(13, '0');
  return `91343852333181432${time}${String(index + 1).padStart(17, '0')}`;
}
