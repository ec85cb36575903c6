import type { EngineOutput } from '../../binding.js';
import { ConfigError } from '../errors.js';

/** Bytes that a source holds, by what they are for. */
export interface HeldMemory {
  /** Frames: its part of all rings that still have frames. */
  readonly ring: number;
  /** Fragments that wait for the decoder. */
  readonly queue: number;
  /** Pictures that the decoder keeps. */
  readonly pictures: number;
}

/** Throws `ConfigError` where a source holds more than `maxBytes`. */
export function boundMemory({ ring, queue, pictures }: HeldMemory, maxBytes: number): void {
  const bytes = ring + queue + pictures;
  if (bytes <= maxBytes) return;
  throw new ConfigError(
    `The source needs ${bytes} bytes (frames ${ring}, fragments that wait ${queue}, the decoder's pictures ${pictures}), ` +
      `more than the limit of ${maxBytes}; raise limits.maxMemoryBytes, or lower bufferedFrames or the size of output`,
  );
}

/** Bytes of a frame as far as the options alone say: 0 where its size is the camera's. */
export function knownFrameBytes({ format, dataType, width, height }: EngineOutput): number {
  const chroma = 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
  const pixels = width * height;
  if (pixels === 0) return 0;
  switch (format) {
    case 'gray8':
      return pixels;
    case 'nv12':
    case 'i420':
      return pixels + chroma;
    case 'bgr24':
    case 'rgb24':
      return 3 * pixels;
    case 'rgb-chw':
    case 'bgr-chw':
      return 3 * pixels * (dataType === 'float16' ? 2 : 4);
  }
}
