import { checkOptions, type Rules } from '../config.js';
import { ConfigError, FrameSourceError } from '../errors.js';
import { loadAddon } from './addon.js';
import type { FrameLayout } from './layout.js';

/** What `frame.toJpeg()` may be given. */
export interface JpegOptions {
  /** 1 (small, poor) to 100 (large, hardly any loss), on the scale of libjpeg. Default 85. */
  quality?: number;
}

/** A file that a frame can become. */
export type ImageType = 'jpeg' | 'png';

const DEFAULT_QUALITY = 85;
const RULES: Rules = { quality: { kind: 'integer', min: 1, max: 100, default: DEFAULT_QUALITY } };

/** Numbers that are not used. */
const NO_LEVELS = { factor: [1, 1, 1], offset: [0, 0, 0] } as const;
/** BT.601 by ITU-T H.273. */
const NO_YUV = { matrix: 6, fullRange: false };

/** The quality in checked options. Throws `ConfigError`. */
export function qualityOf(options: JpegOptions = {}): number {
  return checkOptions<Required<JpegOptions>>(options, RULES, 'toJpeg()').quality;
}

/**
 * The file of a frame's pixels, encoded on another thread; `data` must not change until it settles. Rejects with `ConfigError` for access units, and
 * with `ENGINE_FAILED` if libavcodec can't encode them.
 */
export async function encodeImage(
  type: ImageType,
  data: Buffer,
  layout: FrameLayout,
  quality = DEFAULT_QUALITY,
): Promise<Buffer> {
  const { format, dataType, width, height } = layout;
  if (format === 'annexb' || format === 'avcc') {
    throw new ConfigError(
      `Expected a frame of pixels for a ${type.toUpperCase()} but received an access unit. Decode frame.data, or read ` +
        'pictures from a source without the option encoded',
    );
  }
  try {
    return await loadAddon().encodeImage({
      type,
      quality,
      pixels: data,
      width,
      height,
      format,
      dataType: dataType === 'float16' ? 'float16' : 'float32',
      ...(layout.levels ?? NO_LEVELS),
      ...(layout.yuv ?? NO_YUV),
    });
  } catch (cause) {
    if (cause instanceof FrameSourceError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FrameSourceError(
      'ENGINE_FAILED',
      `The frame can't be made a ${type.toUpperCase()}: ${reason}`,
      {
        cause,
      },
    );
  }
}
