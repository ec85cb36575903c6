import { readdirSync, readlinkSync } from 'node:fs';
import type { Vitals } from './messages';

const MIB = 2 ** 20;

/** What this process holds right now, after a collection; needs `--expose-gc`. */
export function takeVitals(startedAtMs: number): Vitals {
  global.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const byResource: Record<string, number> = {};
  const resources = process.getActiveResourcesInfo();
  for (const name of resources) byResource[name] = (byResource[name] ?? 0) + 1;
  const files = openFiles();
  return {
    atSeconds: (performance.now() - startedAtMs) / 1000,
    rssMiB: rss / MIB,
    heapMiB: heapUsed / MIB,
    externalMiB: external / MIB,
    threads: readdirSync('/proc/self/task').length,
    sockets: files.filter((file) => file.startsWith('socket:')).length,
    descriptors: files.length,
    resources: resources.length,
    byResource,
  };
}

/** What the descriptors of this process lead to. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)];
    } catch {
      // It was the folder's own, or was closed meanwhile by another thread.
      return [];
    }
  });
}
