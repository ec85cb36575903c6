import { sleep, type Clock } from '../clock.js';
import { KvsConnectionError } from '../errors.js';
import type { Logger } from '../logger.js';

/** Growth of the time a gate stays closed (kvs-hls §2.4: exponential with jitter, up to 60 s). */
const FIRST_CLOSED_MS = 2_000;
const LONGEST_CLOSED_MS = 60_000;
/** `Retry-After` is obeyed up to here: a wrong date must not close a gate for years. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;
/** What was throttled this long ago says nothing of today. */
const FORGOTTEN_AFTER_MS = 300_000;

/** Who makes a call, and how long it is willing to wait. */
export interface Caller {
  signal: AbortSignal;
  /** Answers [0, 1). */
  random: () => number;
  logger: Logger;
}

/** Longest time for the `level`-th closing in a row (1 is the first), ms. */
export function longestClosedMs(level: number): number {
  return Math.min(FIRST_CLOSED_MS * 2 ** Math.min(level - 1, 16), LONGEST_CLOSED_MS);
}

/** How long the `level`-th closing in a row lasts: the upper half of its longest time by chance, or what the server says. */
export function closedMs(level: number, random: () => number, retryAfterMs = 0): number {
  const longest = longestClosedMs(level);
  const chosen = (longest / 2) * (1 + random());
  return Math.max(chosen, Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS));
}

/** Whether the service answered at all, and not with trouble of its own. */
function wasLetThrough(error: unknown): boolean {
  return error instanceof KvsConnectionError && error.status !== undefined && error.status < 500;
}

/** Closed while the service throttles one account in one region. */
class Gate {
  readonly #clock: Clock;
  readonly #what: string;
  /** Closings with no call let through between them. */
  #level = 0;
  #closings = 0;
  #closedUntilMs = -Infinity;
  #isTold = false;
  /** Calls that wait or are under way. */
  #calls = 0;

  constructor(clock: Clock, what: string) {
    this.#clock = clock;
    this.#what = what;
  }

  /** Whether nothing would be lost with it. */
  get isIdle(): boolean {
    return this.#calls === 0 && (this.#level === 0 || this.#isForgotten);
  }

  get #isForgotten(): boolean {
    return this.#clock.monotonic() - this.#closedUntilMs > FORGOTTEN_AFTER_MS;
  }

  async run<T>(caller: Caller, call: () => Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      await this.#wait(caller);
      const closings = this.#closings;
      try {
        const answer = await call();
        this.#onAnswer(closings, caller);
        return answer;
      } catch (error) {
        if (error instanceof KvsConnectionError && error.code === 'KVS_THROTTLED') {
          this.#onThrottled(closings, error.retryAfterMs, caller);
        } else if (wasLetThrough(error)) {
          this.#onAnswer(closings, caller);
        }
        throw error;
      }
    } finally {
      this.#calls -= 1;
    }
  }

  async #wait({ signal, random, logger }: Caller): Promise<void> {
    signal.throwIfAborted();
    for (;;) {
      const closedMs = this.#closedUntilMs - this.#clock.monotonic();
      if (closedMs <= 0) return;
      // Those who waited come back over a while: all in one moment, they would be throttled again.
      const waitMs = closedMs + longestClosedMs(this.#level) * random();
      logger.debug(`KVS throttles ${this.#what}: a control call waits ${Math.round(waitMs)} ms`);
      await sleep(this.#clock, waitMs, signal);
    }
  }

  /** `closings`: how often the gate had been closed when the call passed it. */
  #onThrottled(closings: number, retryAfterMs = 0, { random, logger }: Caller): void {
    const nowMs = this.#clock.monotonic();
    // Calls that were under way together are answered together: that is one reason to close, not many.
    const isNews = closings === this.#closings;
    if (isNews) {
      this.#level = this.#isForgotten ? 1 : this.#level + 1;
      this.#closings += 1;
    }
    const ms = isNews
      ? closedMs(this.#level, random, retryAfterMs)
      : Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS);
    this.#closedUntilMs = Math.max(this.#closedUntilMs, nowMs + ms);
    if (!isNews) return;
    this.#isTold = true;
    logger.warn(`KVS throttles ${this.#what}: no control call for ${Math.round(ms)} ms`);
  }

  #onAnswer(closings: number, { logger }: Caller): void {
    if (this.#level === 0 || closings !== this.#closings) return;
    this.#level -= 1;
    if (!this.#isTold) return;
    this.#isTold = false;
    logger.debug(`KVS throttles ${this.#what} no more`);
  }
}

/**
 * One gate per account and region, as the service counts: whoever is throttled holds up all sources of the process
 * that would be, and nobody else. For control calls only: KVS limits playback (lists and fragments) by session
 * and stream, not by account.
 */
export class CallGates {
  readonly #clock: Clock;
  readonly #gates = new Map<string, Gate>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gates that are remembered. */
  get size(): number {
    return this.#gates.size;
  }

  /**
   * Makes the call once the gate is open, and closes it if that is throttled (`KVS_THROTTLED`).
   *
   * @param key account and region; may hold an access key id and is shown to nobody
   * @param what the same for people, e.g. a region
   * @throws what the call throws; the signal's reason if it fires while the gate is closed
   */
  async run<T>(key: string, what: string, caller: Caller, call: () => Promise<T>): Promise<T> {
    let gate = this.#gates.get(key);
    if (gate === undefined) {
      gate = new Gate(this.#clock, what);
      for (const [other, { isIdle }] of this.#gates) if (isIdle) this.#gates.delete(other);
      this.#gates.set(key, gate);
    }
    try {
      return await gate.run(caller, call);
    } finally {
      if (gate.isIdle && this.#gates.get(key) === gate) this.#gates.delete(key);
    }
  }
}

const GATES = new WeakMap<Clock, CallGates>();

/** The gates of all who go by this clock: in a program, the whole process (each worker thread has its own). */
export function callGates(clock: Clock): CallGates {
  let gates = GATES.get(clock);
  if (gates === undefined) GATES.set(clock, (gates = new CallGates(clock)));
  return gates;
}
