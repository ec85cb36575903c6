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

/** A timer that is so late, in ms, is so because the process stood still: it was stopped, or its thread was busy. */
const STOOD_STILL_MS = 500;

/**
 * Calls back after `ms`. After a standstill all timers are due at once, before anything was looked at that came meanwhile: what
 * is waited for with a deadline may be there. So an overdue one lets Node read from its sockets first.
 */
function inTime(ms: number, callback: () => void, keepsAlive: boolean): () => void {
  const dueMs = performance.now() + ms;
  let overdue: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    if (performance.now() - dueMs < STOOD_STILL_MS) callback();
    else {
      overdue = setImmediate(callback);
      if (!keepsAlive) overdue.unref();
    }
  }, ms);
  if (!keepsAlive) timer.unref();
  return () => {
    clearTimeout(timer);
    clearImmediate(overdue);
  };
}

/** The host's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, callback) => inTime(ms, callback, true),
  afterIfAlive: (ms, callback) => inTime(ms, callback, false),
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
