/** The sanitizer that the addon is built with, e.g. `tsan`; `undefined`: none. `scripts/sanitize.mjs` says so. */
const sanitizer = process.env['KVS_FRAMES_SANITIZER'];

/** How much longer all may take than without a sanitizer. */
export const SLOWNESS = sanitizer === undefined ? 1 : 10;

/** Whether resident memory tells what our code holds: sanitizers hold back what was freed, and have notes on every piece. */
export const RSS_TELLS = sanitizer === undefined;
