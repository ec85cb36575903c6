import type { Clock } from '../clock.js';
import { SharedCalls } from './shared-call.js';

/** A stream's data endpoint. */
export interface Endpoint {
  readonly url: string;
  /** When it is to be asked for again, by the monotonic clock. */
  readonly refreshAtMs: number;
}

/**
 * The data endpoints of streams, for all providers that read them: KVS allows 5 calls a second for a stream's (kvs-hls §1.4), and
 * who asks for it anew on failure only may keep it.
 */
export class Endpoints {
  readonly #clock: Clock;
  readonly #known = new Map<string, Endpoint>();
  /** Who reads a stream, by key. */
  readonly #users = new Map<string, Set<object>>();
  readonly #calls = new SharedCalls<Endpoint>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The endpoint that is known, or that `ask` answers, which is called once for all who want it meanwhile.
   *
   * @param key whose calls, of which stream; shown to nobody
   * @param user who wants it: an endpoint is remembered until all its users have left
   * @returns `isNew`: it was asked for just now
   */
  async get(
    key: string,
    user: object,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<Endpoint>,
  ): Promise<{ endpoint: Endpoint; isNew: boolean }> {
    const users = this.#users.get(key) ?? new Set();
    this.#users.set(key, users.add(user));
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.monotonic() < known.refreshAtMs) {
      return { endpoint: known, isNew: false };
    }
    const endpoint = await this.#calls.get(key, signal, ask);
    // All may have left meanwhile.
    if (this.#users.has(key)) this.#known.set(key, endpoint);
    return { endpoint, isNew: true };
  }

  /** It wants no endpoint any more. */
  leave(user: object): void {
    for (const [key, users] of this.#users) {
      if (!users.delete(user) || users.size > 0) continue;
      this.#users.delete(key);
      this.#known.delete(key);
    }
  }

  /** It failed: who wants one asks again. */
  forget(key: string, url: string): void {
    if (this.#known.get(key)?.url === url) this.#known.delete(key);
  }
}

const ENDPOINTS = new WeakMap<Clock, Endpoints>();

/** The endpoints of all who go by this clock: in a program, the whole process (each worker thread has its own). */
export function endpointsOf(clock: Clock): Endpoints {
  let endpoints = ENDPOINTS.get(clock);
  if (endpoints === undefined) ENDPOINTS.set(clock, (endpoints = new Endpoints(clock)));
  return endpoints;
}
