import { EventEmitter } from 'node:events';
import type { FrameSource, FrameSourceEvents, SourceMetrics } from '../../lib/index';
import type { SourceHealth } from '../../lib/health';
import { newDropCounts } from '../../lib/policy/drop';
import type { GapCause, GapTotals } from '../../lib/policy/gap';

const noGaps = (): Record<GapCause, GapTotals> => ({
  producer: { gaps: 0, ms: 0 },
  'window-slid': { gaps: 0, ms: 0 },
  outage: { gaps: 0, ms: 0 },
  media: { gaps: 0, ms: 0 },
  policy: { gaps: 0, ms: 0 },
  format: { gaps: 0, ms: 0 },
});

/** Numbers of a source that nothing happened to. */
export function metrics(changes: Partial<SourceMetrics> = {}): SourceMetrics {
  const calm: Partial<SourceMetrics> = {
    frames: 0,
    fragments: 0,
    fragmentBytes: 0,
    fetchedBytes: 0,
    calls: [],
    reconnects: 0,
    urlRefreshes: 0,
    renewals: 0,
    readErrors: 0,
    gaps: 0,
    gapMs: 0,
    gapsByCause: noGaps(),
    recoveredMs: 0,
    dropsByCause: newDropCounts(),
    session: null,
  };
  return { ...calm, ...changes } as SourceMetrics;
}

export type FakeFrame = Record<string, unknown> & { timestampMs: number };

/** A source that gives what a test hands it. */
export class FakeSource extends EventEmitter<FrameSourceEvents> {
  readonly cameraId = 'front-door';
  metrics = metrics();
  status: SourceHealth['status'] = 'flowing';
  reason = 'frames flow';
  lastFrameAgoMs: number | null = null;
  isStopped = false;
  #queue: (FakeFrame | Error)[] = [];
  #wake = (): void => {};

  /** For those who want a whole one. */
  get source(): FrameSource {
    return this as unknown as FrameSource;
  }

  give(...frames: (FakeFrame | Error)[]): void {
    this.#queue.push(...frames);
    this.#wake();
  }

  getMetrics(): SourceMetrics {
    return this.metrics;
  }

  health(): Pick<SourceHealth, 'status' | 'reason' | 'next' | 'lastFrameAgoMs' | 'rhythm'> {
    const rhythm = { fragmentMs: null, stallAfterMs: null };
    const { reason, lastFrameAgoMs } = this;
    return { status: this.isStopped ? 'stopped' : this.status, reason, next: null, lastFrameAgoMs, rhythm };
  }

  stop(): Promise<void> {
    this.isStopped = true;
    this.#wake();
    return Promise.resolve();
  }

  read(): Promise<FakeFrame | null> {
    const next = this.#queue.shift();
    if (next instanceof Error) return Promise.reject(next);
    return Promise.resolve(next ?? null);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FakeFrame, void, undefined> {
    try {
      while (!this.isStopped) {
        const next = this.#queue.shift();
        if (next instanceof Error) throw next;
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      await this.stop();
    }
  }
}
