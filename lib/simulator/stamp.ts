/** What a test camera wrote into a picture. */
export interface Stamp {
  /** 0, 1, 2 … over the life of a live camera; within the clip for a prepared one. */
  readonly frameNumber: number;
  /** Unix ms of capture for a live camera; ms since the clip's start for a prepared one. */
  readonly captureMs: number;
}

const columns = 16;
const numberRows = 2;
const timeRows = 3;
const rows = numberRows + timeRows + 1;
const cells = columns * rows;

/** The largest prime below 2^16: a change of any single bit changes the check word. */
const checkModulus = 65_521;
/** Odd sizes keep the sum within 53 bits: 2^32 × 40503 + 2^41 × 2003 + 9. */
const checkNumberFactor = 40_503;
const checkTimeFactor = 2_003;
/** Keeps an all-black strip from being a valid stamp. */
const checkOffset = 9;

/** Smallest picture a stamp fits into. */
export const minStampedWidth = 160;
export const minStampedHeight = 90;

/**
 * Side of one cell in pixels: 8 below a width of 1280, then 8 more per further 640. Multiples of 8 fall
 * on the block grid of both codecs; the steps let a picture scaled from 1920 to 1280 or 640 be read.
 */
export function stampCellPixels(width: number): number {
  return 8 * Math.max(1, Math.floor(width / 640));
}

/**
 * ffmpeg filters that draw the stamp strip, to be laid over the top left corner of a picture.
 *
 * The strip is 16 × 6 cells, most significant bit first, white is 1: two rows of frame number, three
 * rows of capture time in ms, one row of check word. It is drawn one pixel per cell and enlarged.
 *
 * @param firstFrame number of the first picture
 * @param epochMs capture time of the first picture; 0 for a clip
 */
export function stampFilter(width: number, fps: string, firstFrame: number, epochMs: number): string {
  const cell = stampCellPixels(width);
  const frame = `(N+${firstFrame})`;
  const time = `floor(${epochMs}+T*1000+0.5)`;
  const check = `mod(${frame}*${checkNumberFactor}+${time}*${checkTimeFactor}+${checkOffset},${checkModulus})`;
  const bit = (value: string, firstRow: number, bits: number): string =>
    `mod(floor(${value}/pow(2,${bits - 1}-X-${columns}*(Y-${firstRow}))),2)`;
  const rowValue =
    `if(lt(Y,${numberRows}),${bit(frame, 0, numberRows * columns)},` +
    `if(lt(Y,${numberRows + timeRows}),${bit(time, numberRows, timeRows * columns)},` +
    `${bit(check, numberRows + timeRows, columns)}))`;
  return (
    `nullsrc=s=${columns}x${rows}:r=${fps},format=yuv420p,` +
    `geq=lum='16+219*${rowValue}':cb=128:cr=128,` +
    `scale=${columns * cell}:${rows * cell}:flags=neighbor`
  );
}

/**
 * Reads the stamp back from decoded BGR24 pixels (top row first). `null` when there is none, or the
 * check word says it was damaged.
 *
 * @param width picture width in pixels, at least 160
 * @param height picture height in pixels, at least 90
 * @param stride bytes per row; width × 3 unless rows are padded
 */
export function readStamp(
  pixels: Uint8Array,
  width: number,
  height: number,
  stride: number = width * 3,
): Stamp | null {
  if (width < minStampedWidth || height < minStampedHeight) return null;
  if (pixels.length < stride * (height - 1) + width * 3) return null;
  const cell = stampCellPixels(width);
  const bits: number[] = [];
  for (let index = 0; index < cells; index++) {
    const left = (index % columns) * cell;
    const top = Math.floor(index / columns) * cell;
    bits.push(isWhite(pixels, left, top, cell, stride) ? 1 : 0);
  }
  const value = (firstRow: number, rowCount: number): number =>
    bits.slice(firstRow * columns, (firstRow + rowCount) * columns).reduce((sum, bit) => sum * 2 + bit, 0);
  const frameNumber = value(0, numberRows);
  const captureMs = value(numberRows, timeRows);
  const check = (frameNumber * checkNumberFactor + captureMs * checkTimeFactor + checkOffset) % checkModulus;
  return captureMs < 2 ** 41 && check === value(numberRows + timeRows, 1) ? { frameNumber, captureMs } : null;
}

/** Judges by the middle half of the cell: its borders are where compression rings. */
function isWhite(pixels: Uint8Array, left: number, top: number, cell: number, stride: number): boolean {
  let sum = 0;
  let count = 0;
  for (let y = top + cell / 4; y < top + (cell * 3) / 4; y++) {
    const from = y * stride + (left + cell / 4) * 3;
    for (let at = from; at < from + (cell / 2) * 3; at++) sum += pixels[at]!;
    count += (cell / 2) * 3;
  }
  return sum >= count * 128;
}
