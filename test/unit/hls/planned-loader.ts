import type { Clock } from '../../../lib/clock.js';
import { Loader, type LoadRequest, type LoadResult, type ResourceKind } from '../../../lib/hls/loader.js';
import { admit } from '../../../lib/hls/origin.js';

/** A request that was let out, and when by the monotonic clock. */
export interface Asked {
  url: URL;
  kind: ResourceKind;
  atMs: number;
}

/** Requests of one run, at most: more is a follower that goes round in circles. */
const MAX_REQUESTS = 3000;

/** Answers from memory, without a socket: what it admits, checks and throws is what the real one does. */
export class PlannedLoader extends Loader {
  readonly #clock: Clock;
  readonly #answer: (url: URL, kind: ResourceKind) => Uint8Array | string;
  readonly asked: Asked[] = [];

  /** `answer` throws for a failure. */
  constructor(clock: Clock, answer: (url: URL, kind: ResourceKind) => Uint8Array | string) {
    super({ clock });
    this.#clock = clock;
    this.#answer = answer;
  }

  override async load(request: LoadRequest): Promise<LoadResult> {
    const { kind, origin, signal, check } = request;
    const url = new URL(request.url);
    admit(url, kind, { origin, allowed: [] });
    if (this.asked.length >= MAX_REQUESTS) throw new Error('Too many requests');
    this.asked.push({ url, kind, atMs: this.#clock.monotonic() });
    await Promise.resolve();
    signal.throwIfAborted();
    const answer = this.#answer(url, kind);
    const bytes = typeof answer === 'string' ? new TextEncoder().encode(answer) : Uint8Array.from(answer);
    check?.(bytes);
    const timing = { startedAtMs: this.#clock.now(), firstByteMs: 0, totalMs: 0 };
    return { bytes, url: url.href, status: 200, headers: {}, timing };
  }

  /** The most requests of these kinds within a second, of one session by its path's first part. */
  rate(...kinds: ResourceKind[]): number {
    const bySession = new Map<string, number[]>();
    for (const { url, kind, atMs } of this.asked) {
      if (!kinds.includes(kind)) continue;
      const session = url.pathname.split('/')[1] ?? '';
      bySession.set(session, [...(bySession.get(session) ?? []), atMs]);
    }
    const most = (times: number[]): number =>
      Math.max(...times.map((from) => times.filter((atMs) => atMs >= from && atMs < from + 1000).length));
    return Math.max(0, ...[...bySession.values()].map(most));
  }
}
