/** Exit code after a second Ctrl-C: 128 + SIGINT. */
const INTERRUPTED = 130;

/**
 * Calls `onSignal` at the first SIGINT or SIGTERM, so that the command can end in order; a second one ends it at once. The
 * answered function stops listening.
 */
export function onTermination(onSignal: () => void): () => void {
  let isFirst = true;
  const listener = (): void => {
    if (!isFirst) process.exit(INTERRUPTED);
    isFirst = false;
    onSignal();
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return () => {
    process.off('SIGINT', listener);
    process.off('SIGTERM', listener);
  };
}
