import type * as Addon from '../../binding.js';

/** Options with room for whatever a test pushes. */
export const ENGINE_OPTIONS: Addon.EngineOptions = {
  matrix: 'auto',
  decoderThreads: 1,
  maxQueuedFragments: 8,
  maxQueuedBytes: 1 << 26,
  maxPixels: 8192 * 8192,
};

/** A `frame` record. */
export interface TakenFrame {
  fragmentId: number;
  ringId: number;
  slot: number;
  width: number;
  height: number;
  stride: number;
  ptsMs: number;
  offsetMs: number;
  flags: number;
  durationMs: number;
}

/** Drives one engine: takes records, answers `ring` records, and frees slots unless told to hold them. */
export class EngineDriver {
  readonly engine: Addon.Engine;
  readonly frames: TakenFrame[] = [];
  readonly fragments: { id: number; packets: number; durationMs: number; troubled: boolean }[] = [];
  /** Ids of `trouble` records. */
  readonly troubles: number[] = [];
  readonly faults: Addon.EngineFault[] = [];
  readonly rings = new Map<number, Addon.Ring>();
  ringRequests = 0;
  wakes = 0;
  ended = false;
  holdFrames = false;
  answerRings = true;
  takeOnWake = true;
  onTrouble: ((fragmentId: number) => void) | undefined;
  readonly #records: Float64Array;
  readonly #stride: number;
  readonly #waiters: (() => void)[] = [];

  constructor(
    addon: typeof Addon,
    options: Partial<Addon.EngineOptions> = {},
    readonly memory: 'shared' | 'private' = 'shared',
    readonly slots = 4,
  ) {
    this.#stride = addon.recordDoubles;
    this.#records = new Float64Array(5 * addon.recordDoubles + 3);
    this.engine = new addon.Engine({ ...ENGINE_OPTIONS, ...options }, () => {
      this.wakes += 1;
      if (this.takeOnWake) this.takeAll();
      for (const waiter of [...this.#waiters]) waiter();
    });
  }

  takeAll(): void {
    for (let count = this.take(); count > 0; count = this.take());
  }

  take(): number {
    const count = this.engine.take(this.#records);
    for (let i = 0; i < count; i++) {
      this.#onRecord(this.#records.subarray(i * this.#stride, (i + 1) * this.#stride));
    }
    return count;
  }

  /** Resolves once `isDone` is true, looking after each wake. */
  until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isDone()) return;
        this.#waiters.splice(this.#waiters.indexOf(look), 1);
        resolve();
      };
      this.#waiters.push(look);
      look();
    });
  }

  release(frame: TakenFrame): void {
    Atomics.store(this.rings.get(frame.ringId)!.states, frame.slot, 0);
  }

  answerRing(slotBytes: number): void {
    const id = 10 + this.rings.size;
    const Memory = this.memory === 'shared' ? SharedArrayBuffer : ArrayBuffer;
    const ring: Addon.Ring = {
      id,
      pixels: new Uint8Array(new Memory(this.slots * slotBytes)),
      states: new Int32Array(new Memory(this.slots * 4)),
      slotBytes,
    };
    this.rings.set(id, ring);
    this.engine.setRing(ring);
  }

  #onRecord(r: Float64Array): void {
    switch (r[0]) {
      case 1: {
        const frame: TakenFrame = {
          fragmentId: r[1]!,
          ringId: r[2]!,
          slot: r[3]!,
          width: r[4]!,
          height: r[5]!,
          stride: r[6]!,
          ptsMs: r[7]!,
          offsetMs: r[8]!,
          flags: r[9]!,
          durationMs: r[10]!,
        };
        this.frames.push(frame);
        if (!this.holdFrames) this.release(frame);
        break;
      }
      case 2:
        this.ringRequests += 1;
        if (this.answerRings) this.answerRing(r[4]!);
        break;
      case 3:
        this.fragments.push({ id: r[1]!, packets: r[2]!, durationMs: r[3]!, troubled: r[4] === 1 });
        break;
      case 4:
        this.faults.push(this.engine.takeFault());
        break;
      case 5:
        this.ended = true;
        break;
      case 6:
        this.troubles.push(r[1]!);
        this.onTrouble?.(r[1]!);
        break;
      default:
        throw new Error(`unknown record kind ${r[0]}`);
    }
  }
}
