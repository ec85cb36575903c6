import type { FrameLayout, Framing, PixelFormat } from './layout.js';

/** Kinds of the engine's records, as binding.d.ts lists them. */
export const RECORD = {
  frame: 1,
  layout: 2,
  fragment: 3,
  fault: 4,
  ended: 5,
  trouble: 6,
  dropped: 7,
  decoder: 8,
  log: 9,
} as const;

/** Flags of a `frame` record. */
export const FLAG = { key: 1, damaged: 2, reopened: 4, hevc: 8 } as const;

/** Flags of a `layout` record; the rest of them is a number of ITU-T H.273, the matrix. */
const LAYOUT_FLAG = { ringWanted: 1, fullRange: 2 } as const;
const MATRIX_SHIFT = 2;

/** Causes of a `dropped` record. */
export const DROPPED = { unselected: 1, late: 2 } as const;

/** The fields of one record, by their numbers in binding.d.ts; the kind is field 0. */
export type Fields = (field: number) => number;

/** What a `layout` record says. `bytes`: of a slot. */
export function layoutOf(
  field: Fields,
  format: PixelFormat | Framing,
  dataType: FrameLayout['dataType'],
): { layout: FrameLayout; bytes: number; isRingWanted: boolean } {
  const flags = field(15);
  const yuv = { matrix: flags >> MATRIX_SHIFT, fullRange: (flags & LAYOUT_FLAG.fullRange) !== 0 };
  const layout: FrameLayout = {
    width: field(1),
    height: field(2),
    format,
    dataType,
    stride: field(3),
    sourceWidth: field(5),
    sourceHeight: field(6),
    source: { x: field(7), y: field(8), width: field(9), height: field(10) },
    picture: { x: field(11), y: field(12), width: field(13), height: field(14) },
    ...(format === 'nv12' || format === 'i420' ? { yuv } : {}),
  };
  return { layout, bytes: field(4), isRingWanted: (flags & LAYOUT_FLAG.ringWanted) !== 0 };
}

/** What a `frame` record says. */
export interface FrameRecord {
  fragmentId: number;
  ringId: number;
  slot: number;
  bytes: number;
  ptsMs: number;
  dtsMs: number;
  offsetMs: number;
  durationMs: number;
  keyFrame: boolean;
  damaged: boolean;
  isReopened: boolean;
  codec: 'h264' | 'hevc';
  /** The stretch of the fragment's time line that it accounts for. */
  placeMs: number;
  placeDurationMs: number;
}

export function frameOf(field: Fields): FrameRecord {
  const flags = field(9);
  return {
    fragmentId: field(1),
    ringId: field(2),
    slot: field(3),
    bytes: field(4),
    ptsMs: field(5),
    dtsMs: field(6),
    offsetMs: field(7),
    durationMs: field(8),
    keyFrame: (flags & FLAG.key) !== 0,
    damaged: (flags & FLAG.damaged) !== 0,
    isReopened: (flags & FLAG.reopened) !== 0,
    codec: (flags & FLAG.hevc) !== 0 ? 'hevc' : 'h264',
    placeMs: field(10),
    placeDurationMs: field(11),
  };
}
