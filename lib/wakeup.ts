/** One waiter and those who wake it. A wake with nobody waiting is forgotten: check the condition before each wait. */
export class Wakeup {
  #wake: (() => void) | undefined;

  /** Resolves at the next `wake`; rejects with the signal's reason when it fires. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#wake = undefined;
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        settle();
        reject(signal?.reason as Error);
      };
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      this.#wake = () => {
        settle();
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  wake(): void {
    this.#wake?.();
  }
}
