import type * as Addon from '../../binding.js';

/** Options with room for whatever a test pushes. */
export const ENGINE_OPTIONS: Addon.EngineOptions = {
  matrix: 'auto',
  decoderThreads: 1,
  maxQueuedFragments: 8,
  maxQueuedBytes: 1 << 26,
  maxPixels: 8192 * 8192,
  maxFramesPerFragment: 10_000,
  maxDecodeSeconds: 60,
  output: {
    format: 'bgr24',
    dataType: 'float32',
    width: 0,
    height: 0,
    fit: 'stretch',
    crop: null,
    pad: [114, 114, 114],
    factor: [1 / 255, 1 / 255, 1 / 255],
    offset: [0, 0, 0],
  },
  selection: { everyNth: 1, periodMs: 0, keyFramesOnly: false },
  encoded: null,
  hwaccel: 'none',
};

/** A fragment as {@link EngineDriver.push} takes it: undated unless said. */
export type PushedBytes = Pick<Addon.FragmentBytes, 'id' | 'init' | 'media'> & Partial<Addon.FragmentBytes>;

/** A `frame` record. */
export interface TakenFrame {
  fragmentId: number;
  ringId: number;
  slot: number;
  bytes: number;
  /** Of the `layout` record before it. */
  width: number;
  height: number;
  stride: number;
  ptsMs: number;
  dtsMs: number;
  offsetMs: number;
  durationMs: number;
  flags: number;
  placeMs: number;
  placeDurationMs: number;
}

/** A `dropped` record. */
export interface DroppedRun {
  fragmentId: number;
  offsetMs: number;
  durationMs: number;
  pictures: number;
  cause: number;
}

/** Drives one engine: takes records, answers `layout` records, and frees slots unless told to hold them. */
export class EngineDriver {
  readonly engine: Addon.Engine;
  readonly frames: TakenFrame[] = [];
  readonly fragments: { id: number; packets: number; durationMs: number; troubled: boolean }[] = [];
  /** Ids of `trouble` records. */
  readonly troubles: number[] = [];
  readonly faults: Addon.EngineFault[] = [];
  /** `layout` records, without their kind. */
  readonly layouts: number[][] = [];
  readonly dropped: DroppedRun[] = [];
  readonly openings: Addon.DecoderOpening[] = [];
  /** What `log` records brought. */
  readonly logs: Addon.LogLine[][] = [];
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

  push(fragment: PushedBytes): boolean {
    return this.engine.push({ startMs: 0, isDated: false, ...fragment });
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
      blockSlots: 0,
      cursor: null,
    };
    this.rings.set(id, ring);
    this.engine.setRing(ring);
  }

  #onRecord(r: Float64Array): void {
    switch (r[0]) {
      case 1: {
        const [width = 0, height = 0, stride = 0] = this.layouts.at(-1) ?? [];
        const frame: TakenFrame = {
          fragmentId: r[1]!,
          ringId: r[2]!,
          slot: r[3]!,
          bytes: r[4]!,
          width,
          height,
          stride,
          ptsMs: r[5]!,
          dtsMs: r[6]!,
          offsetMs: r[7]!,
          durationMs: r[8]!,
          flags: r[9]!,
          placeMs: r[10]!,
          placeDurationMs: r[11]!,
        };
        this.frames.push(frame);
        if (!this.holdFrames) this.release(frame);
        break;
      }
      case 2:
        this.layouts.push([...r.subarray(1)]);
        if ((r[15]! & 1) === 0) break;
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
      case 7:
        this.dropped.push({
          fragmentId: r[1]!,
          offsetMs: r[2]!,
          durationMs: r[3]!,
          pictures: r[4]!,
          cause: r[5]!,
        });
        break;
      case 8:
        this.openings.push(this.engine.takeDecoder());
        break;
      case 9:
        this.logs.push(this.engine.takeLog());
        break;
      default:
        throw new Error(`unknown record kind ${r[0]}`);
    }
  }
}
