// How late an event loop is.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const EVERY_MS = 5;

/** Begins to watch; the answer ends it and tells the delay beyond the watching timer's own period, in ms. */
export function watchEventLoop() {
  const histogram = monitorEventLoopDelay({ resolution: EVERY_MS });
  histogram.enable();
  return () => {
    histogram.disable();
    const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - EVERY_MS);
    return {
      p50Ms: ms(histogram.percentile(50)),
      p99Ms: ms(histogram.percentile(99)),
      maxMs: ms(histogram.max),
    };
  };
}
