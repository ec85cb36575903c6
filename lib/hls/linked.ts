/** A controller that its parents abort too. `unlink` it when the guarded work has ended. */
export interface Linked {
  controller: AbortController;
  unlink: () => void;
}

/** Not `AbortSignal.any`: on Node 20 that can be collected while it is waited for, and then never fires. */
export function linked(...parents: AbortSignal[]): Linked {
  const controller = new AbortController();
  const onAbort = (event: Event): void => controller.abort((event.target as AbortSignal).reason);
  for (const parent of parents) {
    if (parent.aborted) controller.abort(parent.reason);
    parent.addEventListener('abort', onAbort, { once: true });
  }
  const unlink = (): void => parents.forEach((parent) => parent.removeEventListener('abort', onAbort));
  return { controller, unlink };
}
