import { join } from 'node:path';
import type * as Addon from '../../binding.js';
import { FrameSourceError } from '../errors.js';

let addon: typeof Addon | undefined;

/**
 * Loads the native addon, once. Throws `ADDON_UNAVAILABLE` with what to do: it is built by `npm run build`, and needs
 * libav's run-time libraries.
 */
export function loadAddon(): typeof Addon {
  if (addon !== undefined) return addon;
  // lib/frames and dist/frames are equally deep, so this holds in the sources and in the package.
  const path = join(__dirname, '..', '..', 'build', 'Release', 'kvs_frames.node');
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the only way to load a .node file
    addon = require(path) as typeof Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    throw new FrameSourceError(
      'ADDON_UNAVAILABLE',
      `The native addon could not be loaded (${reason}). Build it with "npm run build" in the package's folder; ` +
        'it needs the run-time libraries libavformat, libavcodec, libavutil and libswscale (FFmpeg 5.0 or later).',
      { cause },
    );
  }
  return addon;
}
