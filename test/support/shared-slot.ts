import { Frame } from '../../lib/frames/frame';
import type { FrameLayout } from '../../lib/frames/layout';
import type { PictureFacts } from '../../lib/frames/picture';
import { Ring, SLOT, type RingMemory } from '../../lib/frames/ring';

export const LAYOUT: FrameLayout = {
  width: 4,
  height: 2,
  format: 'bgr24',
  dataType: 'uint8',
  stride: 12,
  sourceWidth: 8,
  sourceHeight: 4,
  source: { x: 0, y: 0, width: 8, height: 4 },
  picture: { x: 0, y: 0, width: 4, height: 2 },
};

export function makeRing(
  slots: number,
  { memory = 'shared', ...layout }: { memory?: RingMemory } & Partial<FrameLayout> = {},
): Ring {
  const elementBytes = { uint8: 1, float16: 2, float32: 4 }[layout.dataType ?? 'uint8'];
  return new Ring(1, { ...LAYOUT, ...layout }, 24 * elementBytes, slots, memory);
}

/** What is known of a frame of that ring. */
export function factsOf({ slots, layout }: Ring): PictureFacts {
  return {
    cameraId: 'front-door',
    bytes: slots[0]?.data.length ?? 0,
    layout,
    codec: 'h264',
    parameterSets: null,
    index: 7,
    ptsMs: 40,
    dtsMs: 20,
    durationMs: 20,
    timestampMs: 1000,
    timestampSource: 'producer',
    keyFrame: true,
    discontinuity: true,
    gapMs: 500,
    damaged: false,
    synthetic: false,
    fragment: { number: '1', sequence: 1, dateMs: 960, durationMs: 1000, sessionId: 1 },
  };
}

/** A frame in a slot, as the engine would publish it: each of its bytes is `fill`. */
export function publish(ring: Ring, slot: number, facts: Partial<PictureFacts> = {}, fill = 1): Frame {
  const place = ring.slots[slot];
  const before = Atomics.compareExchange(ring.states, slot, SLOT.free, SLOT.writing);
  if (place === undefined || before !== SLOT.free) throw new Error(`Slot ${slot} is not free`);
  place.data.fill(fill);
  Atomics.store(ring.states, slot, SLOT.frame);
  return new Frame({ ...factsOf(ring), ...facts, slot: place, free: () => ring.free(slot) });
}

/** Whether the engine could take a slot. */
export function isFree(ring: Ring, slot: number): boolean {
  return Atomics.load(ring.states, slot) === SLOT.free;
}
