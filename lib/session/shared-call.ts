/** Waits for a promise, but no longer than until the signal is aborted. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

interface Flight<T> {
  promise: Promise<T>;
  controller: AbortController;
  waiting: number;
}

/**
 * Runs a call once for all who ask for it while it is under way. Each has its own signal: an abort ends only its own
 * wait, and the call itself when nobody waits any more.
 */
export class SharedCalls<T> {
  readonly #flights = new Map<string, Flight<T>>();

  async get(key: string, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, call);
    flight.waiting++;
    try {
      return await abortable(flight.promise, signal);
    } finally {
      if (--flight.waiting === 0) {
        this.#forget(key, flight);
        flight.controller.abort(new Error('Nobody waits for this call any more'));
      }
    }
  }

  /** Ends all calls with this reason. */
  abort(reason: Error): void {
    for (const { controller } of this.#flights.values()) controller.abort(reason);
  }

  #start(key: string, call: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const promise = abortable(call(controller.signal), controller.signal);
    const flight = { promise, controller, waiting: 0 };
    this.#flights.set(key, flight);
    const forget = (): void => this.#forget(key, flight);
    promise.then(forget, forget);
    return flight;
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
