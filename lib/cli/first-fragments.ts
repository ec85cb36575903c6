import type { Clock } from '../clock.js';
import type { SimulatedStream } from '../simulator/index.js';

/** How long they are waited for: a camera may send none, or have long ones. */
const LIMIT_MS = 10_000;

/**
 * Resolves when each stream has a fragment that a reader can have, or after 10 s, or at the signal. Answers, in words, what kept
 * the others from it; none at the signal.
 */
export async function firstFragments(
  streams: readonly Pick<SimulatedStream, 'name' | 'untilVisible'>[],
  clock: Clock,
  signal: AbortSignal,
): Promise<string[]> {
  const waiting = new Set(streams.map(({ name }) => name));
  const failures: string[] = [];
  const each = streams.map(async (stream) => {
    try {
      await stream.untilVisible();
    } catch (error) {
      failures.push((error as Error).message);
    }
    waiting.delete(stream.name);
  });
  await new Promise<void>((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(LIMIT_MS, end);
    signal.addEventListener('abort', end, { once: true });
    void Promise.all(each).then(end);
    if (signal.aborted) end();
  });
  if (signal.aborted) return [];
  const late = [...waiting].map((name) => `${name} has sent no fragment within ${LIMIT_MS / 1000} s`);
  return [...failures, ...late];
}
