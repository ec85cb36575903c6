import { execFileSync } from 'node:child_process';
import type { FrameLayout, PixelFormat } from '../../lib/frames/layout';

/** The pixels of image files of one type and size, as the ffmpeg command decodes them. */
export function decodeImages(files: readonly Buffer[], pixelFormat: 'bgr24' | 'rgb24' | 'gray'): Buffer[] {
  const type = files[0]?.[0] === 0xff ? 'jpeg_pipe' : 'png_pipe';
  // Without these flags swscale is off by several levels.
  const exact = ['-sws_flags', 'accurate_rnd+full_chroma_int+bitexact'];
  const pixels = execFileSync(
    'ffmpeg',
    [
      ...['-nostdin', '-v', 'error', '-f', type, '-i', 'pipe:0'],
      ...[...exact, '-f', 'rawvideo', '-pix_fmt', pixelFormat, 'pipe:1'],
    ],
    { input: Buffer.concat(files), maxBuffer: 1 << 28 },
  );
  const bytes = pixels.length / files.length;
  return files.map((_, i) => pixels.subarray(i * bytes, (i + 1) * bytes));
}

/** Likewise of one file. */
export function decodeImage(file: Buffer, pixelFormat: 'bgr24' | 'rgb24' | 'gray'): Buffer {
  return decodeImages([file], pixelFormat)[0] ?? Buffer.alloc(0);
}

/** How a frame lies that shows a camera's picture as it is. */
export function plainLayout(
  width: number,
  height: number,
  format: PixelFormat,
  more: Partial<FrameLayout> = {},
): FrameLayout {
  const whole = { x: 0, y: 0, width, height };
  return {
    width,
    height,
    format,
    dataType: 'uint8',
    stride: width * (format === 'gray8' ? 1 : 3),
    sourceWidth: width,
    sourceHeight: height,
    source: whole,
    picture: whole,
    ...more,
  };
}

/** The likeness of two pictures, in dB. */
export function psnr(a: Buffer, b: Buffer): number {
  let squares = 0;
  for (const [i, value] of a.entries()) squares += (value - (b[i] ?? 0)) ** 2;
  return 10 * Math.log10((255 * 255 * a.length) / squares);
}

/** Bytes that no encoder can shrink, the same in each run. */
export function noise(bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  let state = 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    buffer[i] = state >>> 16;
  }
  return buffer;
}
