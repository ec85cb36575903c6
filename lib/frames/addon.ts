import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type * as Addon from '../../binding.js';
import { FrameSourceError } from '../errors.js';

// lib/frames and dist/frames are equally deep, so this holds in the sources and in the package.
const PACKAGE = join(__dirname, '..', '..');

let addon: typeof Addon | undefined;

/** How to come by an addon for this machine. An installed package has nothing to build it with; a clone of the project has. */
export function howToBuild(): string {
  return existsSync(join(PACKAGE, 'scripts', 'build.mjs'))
    ? `Build the addon: cd ${PACKAGE} && npm run build`
    : 'Make the package on this machine: in a clone of the project npm install && npm run build && npm pack, then here ' +
        'npm install /path/to/kvs-frames-VERSION.tgz, which that has made';
}

/**
 * Loads the native addon, once. Throws `ADDON_UNAVAILABLE` with what to do.
 */
export function loadAddon(): typeof Addon {
  if (addon !== undefined) return addon;
  const path = join(PACKAGE, 'build', 'Release', 'kvs_frames.node');
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the only way to load a .node file
    addon = require(path) as typeof Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    throw new FrameSourceError(
      'ADDON_UNAVAILABLE',
      `The native addon could not be loaded (${reason}). ${howToBuild()}. ` +
        'It needs the run-time libraries libavformat, libavcodec, libavutil and libswscale (FFmpeg 5.0 or later).',
      { cause },
    );
  }
  return addon;
}
