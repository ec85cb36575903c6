import type { Clock } from '../../lib/clock';

interface Timer {
  atMs: number;
  callback: () => void;
}

/** A clock that stands still until told to go on. */
export class FakeClock implements Clock {
  #nowMs: number;
  #timers: Timer[] = [];
  #setByMs = 0;

  constructor(nowMs = Date.UTC(2026, 10, 22, 10, 15)) {
    this.#nowMs = nowMs;
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#nowMs + this.#setByMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  afterIfAlive(ms: number, callback: () => void): () => void {
    return this.after(ms, callback);
  }

  /** The host's clock is set forward by `ms`, or back: no time passes. */
  set(ms: number): void {
    this.#setByMs += ms;
  }

  /** Goes on by `ms` at once: fires what falls due, in order. */
  step(ms: number): void {
    const end = this.#nowMs + ms;
    while (this.#fireNext(end));
    this.#nowMs = end;
  }

  /** Like `step`, but lets what waited for a timer run before the next one fires. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    do await settled();
    while (this.#fireNext(end));
    this.#nowMs = end;
  }

  #fireNext(end: number): boolean {
    const next = this.#timers.filter((timer) => timer.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
    if (next === undefined) return false;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.callback();
    return true;
  }
}

/** Resolves when all promise callbacks that can run have run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
