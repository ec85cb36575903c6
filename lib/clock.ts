/** Time as a value: everything that waits takes one of these, so tests can hold the hands. */
export interface Clock {
  /** Unix time in ms; may step when the host's clock is set. */
  now(): number;
  /** Milliseconds since an arbitrary start; never steps. */
  monotonic(): number;
  /** Calls `callback` once after `ms`; answers a function that cancels it. Keeps the process alive. */
  after(ms: number, callback: () => void): () => void;
  /** As `after`, but the process may end meanwhile. */
  afterIfAlive(ms: number, callback: () => void): () => void;
}

/** The host's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  afterIfAlive(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` of the clock; rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** An abort signal that also fires after a time. Dispose it when the guarded work has ended. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** True once the time, not the parent signal, has fired it. */
  readonly expired: boolean;
  [Symbol.dispose](): void;
}

/**
 * Follows `parent` and fires with `reason()` after `ms`.
 *
 * Not `AbortSignal.any([parent, AbortSignal.timeout(ms)])`: on Node 20 that combination can be
 * garbage collected while awaited and then never fires. Here the timer holds the controller.
 */
export function deadline(clock: Clock, ms: number, reason: () => Error, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  let expired = false;
  const onAbort = (): void => controller.abort(parent?.reason);
  const cancel = clock.after(ms, () => {
    expired = true;
    controller.abort(reason());
  });
  if (parent?.aborted) onAbort();
  else parent?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    [Symbol.dispose]() {
      cancel();
      parent?.removeEventListener('abort', onAbort);
    },
  };
}
