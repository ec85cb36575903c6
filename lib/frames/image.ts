import { checkOptions, type Rules } from '../config.js';
import { ConfigError, FrameSourceError } from '../errors.js';
import { loadAddon } from './addon.js';
import type { FrameLayout } from './layout.js';

/** What `frame.toJpeg()` may be given. */
export interface JpegOptions {
  /** 1 (small, poor) to 100 (large, hardly any loss), on the scale of libjpeg. Default 85. */
  quality?: number;
  /**
   * The picture is made smaller, in its aspect ratio, if it is wider than this, 16–8192 pixels: each pixel is the average of those it
   * covers. Default: its own size.
   */
  maxWidth?: number;
}

/** A file that a frame can become. */
export interface ImageForm {
  type: 'jpeg' | 'png';
  quality: number;
  maxWidth: number;
}

/** The largest side of a frame, so no limit; the least is that of an icon. */
const WIDTHS = { min: 16, max: 8192 };
const RULES: Rules = {
  quality: { kind: 'integer', min: 1, max: 100, default: 85 },
  maxWidth: { kind: 'integer', ...WIDTHS, default: WIDTHS.max },
};

/** A PNG of the picture as it is; it has no quality. */
export const PNG: ImageForm = { type: 'png', quality: 100, maxWidth: WIDTHS.max };

/** Numbers that are not used. */
const NO_LEVELS = { factor: [1, 1, 1], offset: [0, 0, 0] } as const;
/** BT.601 by ITU-T H.273. */
const NO_YUV = { matrix: 6, fullRange: false };

/** The JPEG that options ask for. Throws `ConfigError`. */
export function jpegOf(options: JpegOptions = {}): ImageForm {
  return { type: 'jpeg', ...checkOptions<Required<JpegOptions>>(options, RULES, 'toJpeg()') };
}

/**
 * The file of a frame's pixels, encoded on another thread; `data` must not change until it settles. Rejects with `ConfigError` for access units, and
 * with `ENGINE_FAILED` if libavcodec can't encode them.
 */
export async function encodeImage(form: ImageForm, data: Buffer, layout: FrameLayout): Promise<Buffer> {
  const { type, quality, maxWidth } = form;
  const { format, dataType, width, height } = layout;
  if (format === 'annexb' || format === 'avcc') {
    throw new ConfigError(
      `Expected a frame of pixels for a ${type.toUpperCase()} but received an access unit. Decode frame.data, or read ` +
        'pictures from a source without the option encoded',
    );
  }
  const imageWidth = Math.min(width, maxWidth);
  try {
    return await loadAddon().encodeImage({
      type,
      quality,
      pixels: data,
      width,
      height,
      imageWidth,
      imageHeight: Math.max(1, Math.round((height * imageWidth) / width)),
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
