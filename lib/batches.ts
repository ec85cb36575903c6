import { checkOptions, type Rules } from './config.js';
import { ConfigError } from './errors.js';
import type { FrameBatch } from './frames/batch.js';
import { BlockAssembler } from './frames/block-assembler.js';
import { OwnRings } from './frames/ring.js';
import type { Outlet } from './outlet.js';
import { SIGNAL_RULE } from './read-options.js';
import { Wakeup } from './wakeup.js';

/** What `source.batches()` may be given. */
export interface BatchesOptions {
  /** Ends the loop by throwing the signal's reason, and stops the source. */
  signal?: AbortSignal;
  /** Ends the loop after this many batches, ≥ 1; the source goes on and the next call continues. Default: no end. */
  maxBatches?: number;
  /** How long a batch that is asked for waits for more frames after its first, in ms, 1–3600000; then it is shorter.
   *  Default: no limit. */
  maxWaitMs?: number;
}

/** The longest batch: models take far fewer, and memory is kept for two at least. */
const MAX_BATCH_FRAMES = 1024;
const LENGTH: Rules = { length: { kind: 'integer', min: 1, max: MAX_BATCH_FRAMES } };

export const BATCHES_RULES: Rules = {
  signal: SIGNAL_RULE,
  maxBatches: { kind: 'integer', min: 1, max: Infinity, optional: true },
  maxWaitMs: { kind: 'number', min: 1, max: 3_600_000, optional: true },
};

/** Throws `ConfigError`. */
export function checkBatchLength(length: number): void {
  checkOptions({ length }, LENGTH, 'batches()');
}

/** Whether a source's frames can be put together. Throws `ConfigError`. */
export function checkBatchable({ cameraId, options, isPlaced }: Outlet): void {
  const { choice, fillGaps } = options;
  if (isPlaced) {
    throw new ConfigError(
      `Ask for batches before ${cameraId} is started: where its frames lie can't be changed any more`,
    );
  }
  const refuse = (option: string, why: string): never => {
    throw new ConfigError(`batches() and ${option}, which ${cameraId} has, don't go together: ${why}`);
  };
  if (choice.encoded !== null) refuse('encoded', 'access units differ in length');
  if (choice.delivery.kind !== 'every') {
    refuse("a delivery other than 'every'", 'frames that are dropped would leave holes in a batch');
  }
  if (choice.isPaced) refuse("pace 'realtime'", 'a batch is handed over once its frames are there');
  if (fillGaps !== undefined) refuse('fillGaps', 'a repeated picture has no memory of its own');
}

/** Resolves at the next wake, or after that time. */
export async function waitForNews(
  news: Wakeup,
  { clock }: Pick<Outlet, 'clock'>,
  afterMs: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const cancel = afterMs === undefined ? undefined : clock.after(afterMs, () => news.wake());
  try {
    await news.wait(signal);
  } finally {
    cancel?.();
  }
}

/** Batches of one source, from its first frame on. */
export class BatchReader {
  readonly #outlet: Outlet;
  readonly #length: number;
  readonly #frames: BlockAssembler;
  readonly #news = new Wakeup();

  /** Throws `ConfigError` if the source's frames can't be put together, or lie elsewhere already. */
  constructor(outlet: Outlet, length: number) {
    // Who reads it otherwise, a group perhaps, has to let go of it first.
    outlet.claim();
    outlet.unclaim();
    checkBatchable(outlet);
    const { bufferedFrames, memory } = outlet.options;
    outlet.useRings(new OwnRings(bufferedFrames, memory, length));
    this.#outlet = outlet;
    this.#length = length;
    this.#frames = new BlockAssembler(outlet.clock);
  }

  /** See `FrameSource.batches`. */
  read(length: number, options: BatchesOptions): AsyncGenerator<FrameBatch, void, undefined> {
    const { cameraId } = this.#outlet;
    if (length !== this.#length) {
      throw new ConfigError(
        `${cameraId} gives batches of ${this.#length}, which can't be changed to ${length}: make a new source for these`,
      );
    }
    return this.#read(checkOptions<BatchesOptions>(options, BATCHES_RULES, 'batches()'));
  }

  async *#read({
    signal,
    maxBatches = Infinity,
    maxWaitMs = Infinity,
  }: BatchesOptions): AsyncGenerator<FrameBatch, void, undefined> {
    const outlet = this.#outlet;
    outlet.claim();
    outlet.onNews = () => this.#news.wake();
    this.#frames.maxWaitMs = maxWaitMs;
    let batch: FrameBatch | null = null;
    let isLeftEarly = true;
    try {
      outlet.begin();
      for (let count = 0; count < maxBatches; count++) {
        batch?.release();
        batch = await this.#next(signal);
        if (batch === null) break;
        yield batch;
      }
      isLeftEarly = false;
      batch?.release();
    } finally {
      outlet.onNews = undefined;
      outlet.unclaim();
      if (isLeftEarly) {
        this.#frames.release();
        await outlet.close();
      }
    }
  }

  async #next(signal: AbortSignal | undefined): Promise<FrameBatch | null> {
    const outlet = this.#outlet;
    for (;;) {
      signal?.throwIfAborted();
      if (outlet.isStopped) {
        this.#frames.release();
        return null;
      }
      // Looked at before the frames, as those that came before the end are taken first.
      const { outcome } = outlet;
      for (let frame = outlet.take(); frame !== undefined; frame = outlet.take()) this.#frames.add(frame);
      const batch = this.#frames.next(outcome !== undefined);
      if (batch !== undefined) return batch;
      if (outcome !== undefined) {
        await outlet.close();
        if (outcome.error !== null) throw outcome.error;
        return null;
      }
      await waitForNews(this.#news, outlet, this.#frames.dueInMs, signal);
    }
  }
}
