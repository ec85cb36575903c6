import type { Clock } from '../../../lib/clock';
import type { FrameSource } from '../../../lib/frame-source';
import { Frame } from '../../../lib/frames/frame';
import type { FrameLayout } from '../../../lib/frames/layout';
import { OwnRings, SLOT, type Ring, type RingSupply, type Slot } from '../../../lib/frames/ring';
import type { Outlet } from '../../../lib/outlet';
import type { SourceHealth } from '../../../lib/health';
import type { SourceMetrics } from '../../../lib/source-metrics';
import type { CheckedFrameSourceOptions } from '../../../lib/options';

export const LAYOUT: FrameLayout = {
  width: 2,
  height: 1,
  format: 'bgr24',
  dataType: 'uint8',
  stride: 6,
  sourceWidth: 4,
  sourceHeight: 2,
  source: { x: 0, y: 0, width: 4, height: 2 },
  picture: { x: 0, y: 0, width: 2, height: 1 },
};
const FRAME_BYTES = 6;

export function newFrame(cameraId: string, index: number, slot: Slot, free: () => void = () => {}): Frame {
  return new Frame({
    cameraId,
    slot,
    bytes: FRAME_BYTES,
    layout: LAYOUT,
    codec: 'h264',
    parameterSets: null,
    index,
    ptsMs: index * 40,
    dtsMs: index * 40,
    durationMs: 40,
    timestampMs: index * 40,
    timestampSource: 'producer',
    keyFrame: index === 0,
    discontinuity: false,
    gapMs: 0,
    damaged: false,
    synthetic: false,
    fragment: { number: '0', sequence: 0, dateMs: 0, durationMs: 1000, sessionId: 1 },
    free,
  });
}

/** The engines' part in a ring of blocks: slots are taken, and blocks left out, as native/core/frame_ring.cc does it. */
export class Engines {
  #count = 0;

  constructor(readonly ring: Ring) {}

  /** The slot that is written next. */
  take(writer = 0): number {
    const { states, blockSlots } = this.ring;
    const cursor = this.ring.cursor as Int32Array;
    if ((cursor[0] as number) % blockSlots === 0) this.#begin(cursor);
    const slot = (cursor[0] as number) % states.length;
    this.#moveOn(cursor, 1);
    this.ring.states[slot] = SLOT.writing + 8 * writer;
    return slot;
  }

  #begin(cursor: Int32Array): void {
    const { states, blockSlots } = this.ring;
    const isFree = (state: number): boolean => state === SLOT.free || (state & 7) === SLOT.abandoned;
    for (let skipped = 0; skipped < states.length; skipped += blockSlots) {
      const first = (cursor[0] as number) % states.length;
      if (states.subarray(first, first + blockSlots).every(isFree)) {
        states.fill(SLOT.reserved, first, first + blockSlots);
        cursor[2 + first / blockSlots] = cursor[0] as number;
        return;
      }
      this.#moveOn(cursor, blockSlots);
    }
    throw new Error('Every block is in use');
  }

  #moveOn(cursor: Int32Array, slots: number): void {
    const span = 2 ** 30 - (2 ** 30 % this.ring.states.length);
    cursor[0] = ((cursor[0] as number) + slots) % span;
  }

  publish(slot: number, writer = 0, cameraId = 'a', index = this.#count++): Frame {
    this.ring.states[slot] = SLOT.frame + 8 * writer;
    this.ring.slots[slot]?.data.fill(index);
    return newFrame(cameraId, index, this.ring.slots[slot] as Slot, () => this.ring.free(slot));
  }

  frames(count: number): Frame[] {
    return Array.from({ length: count }, () => this.publish(this.take()));
  }
}

interface FakeOptions {
  output?: { width?: number; height?: number; format?: string };
  memory?: 'shared' | 'private';
  delivery?: 'every' | 'latest';
}

/** A source whose frames the test makes. It stands for those that read a stream. */
export class FakeSource {
  readonly outlet: Outlet;
  readonly released: number[] = [];
  beganAtMs: number | undefined;
  stops = 0;
  isClaimed = false;
  /** How long a stop takes, if the test wants to see it pending. */
  stopping: Promise<void> = Promise.resolve();
  beginError: Error | undefined;
  dueInMs: number | undefined;
  rings: RingSupply | undefined;
  readonly #ready: Frame[] = [];
  #nextIndex = 0;
  #outcome: { error: Error | null } | undefined;
  #ring: Ring | undefined;

  constructor(
    readonly cameraId: string,
    clock: Clock,
    { output = {}, memory = 'shared', delivery = 'every' }: FakeOptions = {},
  ) {
    const options = {
      cameraId,
      memory,
      bufferedFrames: 64,
      choice: {
        output: { format: 'bgr24', dataType: 'float32', width: 2, height: 1, ...output },
        encoded: null,
        delivery: { kind: delivery },
        isPaced: false,
      },
    } as unknown as CheckedFrameSourceOptions;
    const isPlaced = (): boolean => this.beganAtMs !== undefined || this.rings !== undefined;
    const dueInMs = (): number | undefined => this.dueInMs;
    const outcome = (): Outlet['outcome'] => this.#outcome;
    const isStopped = (): boolean => this.stops > 0;
    this.outlet = {
      cameraId,
      clock,
      options,
      onNews: undefined,
      claim: () => {
        if (this.isClaimed) throw Object.assign(new Error('read already'), { code: 'ALREADY_READING' });
        this.isClaimed = true;
      },
      unclaim: () => (this.isClaimed = false),
      get isStopped() {
        return isStopped();
      },
      get isPlaced() {
        return isPlaced();
      },
      useRings: (rings) => (this.rings = rings),
      begin: () => {
        if (this.beginError !== undefined) throw this.beginError;
        this.beganAtMs ??= clock.monotonic();
      },
      take: () => (this.dueInMs === undefined ? this.#ready.shift() : undefined),
      get dueInMs() {
        return dueInMs();
      },
      get outcome() {
        return outcome();
      },
      close: () => this.stop(),
    };
  }

  /** As the group takes it. */
  get source(): FrameSource {
    return this as unknown as FrameSource;
  }

  /** Makes frames that wait to be taken. */
  give(count = 1): void {
    this.#ring ??= (this.rings ?? new OwnRings(64, 'shared')).next(LAYOUT, FRAME_BYTES);
    for (let i = 0; i < count; i++) {
      const index = this.#nextIndex++;
      if (this.#ring.cursor !== null) {
        const engines = new Engines(this.#ring);
        const writer = this.rings?.writer;
        this.#ready.push(engines.publish(engines.take(writer), writer, this.cameraId, index));
        continue;
      }
      const slot = this.#ring.slots[index % this.#ring.slots.length] as Slot;
      this.#ready.push(newFrame(this.cameraId, index, slot, () => this.released.push(index)));
    }
    this.outlet.onNews?.();
  }

  /** Writes a frame of which nobody is told. */
  lose(): void {
    this.#ring ??= (this.rings as RingSupply).next(LAYOUT, FRAME_BYTES);
    const engines = new Engines(this.#ring);
    engines.publish(engines.take(this.rings?.writer), this.rings?.writer);
  }

  end(error: Error | null = null): void {
    this.#outcome = { error };
    this.outlet.onNews?.();
  }

  async stop(): Promise<void> {
    this.stops += 1;
    this.#outcome ??= { error: null };
    await this.stopping;
  }

  health(): SourceHealth {
    return { healthy: this.beganAtMs !== undefined } as SourceHealth;
  }

  isHealthy(): boolean {
    return this.health().healthy;
  }

  getMetrics(): SourceMetrics {
    return { frames: this.#nextIndex } as SourceMetrics;
  }
}
