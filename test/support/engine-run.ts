import type { DecoderOpening, LogLine } from '../../binding.js';
import { FrameEngine, type FrameEngineOptions, type PictureFormat } from '../../lib/frames/engine.js';
import type { Frame } from '../../lib/frames/frame.js';
import type { Fragment } from '../../lib/hls/fragment.js';
import type { Drop } from '../../lib/policy/drop.js';
import type { Gap } from '../../lib/policy/gap.js';
import { Ledger } from '../../lib/policy/ledger.js';
import { ENGINE_OPTIONS } from './engine-driver.js';

/** When the first picture of a run was taken. */
export const START_MS = Date.UTC(2026, 10, 22);

/** Fragments that follow each other, of so many ms each. */
export function fragmentsOf(
  clip: { init: Uint8Array | null; fragments: readonly Uint8Array[] },
  durationMs: number,
): Fragment[] {
  return clip.fragments.map((media, sequence) => ({
    container: clip.init === null ? 'mpegts' : 'fmp4',
    init: clip.init,
    media,
    dateMs: START_MS + sequence * durationMs,
    durationMs,
    sequence,
    number: null,
    sessionId: 1,
    variant: null,
    discontinuity: false,
    isAdjacent: true,
    lost: null,
    elapsedMs: null,
    receivedAtMs: START_MS,
  }));
}

/** An engine as the pipeline drives it; `onFrame` sees each frame before it is released. */
export class EngineRun {
  readonly engine: FrameEngine;
  readonly ledger = new Ledger();
  readonly formats: PictureFormat[] = [];
  readonly gaps: Gap[] = [];
  readonly drops: Drop[] = [];
  readonly openings: DecoderOpening[] = [];
  readonly faults: string[] = [];
  readonly logs: LogLine[] = [];
  readonly #onFrame: (frame: Frame) => void;
  readonly #ended: Promise<void>;
  #onRoom = (): void => {};

  constructor(options: Partial<FrameEngineOptions>, onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
    let onEnded = (): void => {};
    let onFailure = (_error: Error): void => {};
    this.#ended = new Promise((resolve, reject) => {
      onEnded = resolve;
      onFailure = reject;
    });
    this.engine = new FrameEngine(
      {
        ...ENGINE_OPTIONS,
        cameraId: 'camera',
        bufferedFrames: 8,
        memory: 'shared',
        dates: { source: 'producer', isLive: false },
        ledger: this.ledger,
        ...options,
      },
      {
        fetchAgain: () => Promise.resolve(null),
        onGap: (gap) => this.gaps.push(gap),
        onDrop: (drop) => this.drops.push(drop),
        onDecoder: (opening) => this.openings.push(opening),
        onFrames: () => this.takeAll(),
        onFormat: (format) => this.formats.push(format),
        onRoom: () => this.#onRoom(),
        onFault: ({ message }) => this.faults.push(message),
        onLog: (lines) => this.logs.push(...lines),
        onEnded,
        onFailure,
      },
    );
  }

  /** Feeds them all, and resolves with the engine closed once the last frame was seen. */
  async read(fragments: readonly Fragment[]): Promise<this> {
    for (const fragment of fragments) {
      while (!this.engine.push(fragment)) await new Promise<void>((resolve) => (this.#onRoom = resolve));
    }
    this.engine.finish(null);
    await this.#ended;
    this.takeAll();
    await this.engine.close();
    return this;
  }

  takeAll(): void {
    for (let frame = this.engine.take(); frame !== undefined; frame = this.engine.take()) {
      this.#onFrame(frame);
      frame.release();
    }
  }
}
