import { howToBuild } from '../frames/addon.js';
import { row, type MendingRows } from './mending-row.js';

const BUILD = howToBuild();
/** Debian's names of the libraries that are linked by default there. */
const INSTALL =
  'Install the libraries: apt-get install -y libavformat59 libavcodec59 libavutil57 libswscale6 (Debian 12; elsewhere FFmpeg ' +
  '5.0 or later)';

/** `libavcodec.so.59` comes in the package `libavcodec59`. */
function packageOf(message: string): string | null {
  const [, name, version] = /\b(lib[a-z0-9]+)\.so\.(\d+)\b/.exec(message) ?? [];
  return name === undefined || version === undefined ? null : `${name}${version}`;
}

/** Causes of `ADDON_UNAVAILABLE`, told apart by what the dynamic linker says. */
export const addonRows: MendingRows = [
  {
    message: /Cannot find module/,
    ...row(
      'The native addon is not there: it was not built, or the package was packed without it.',
      BUILD,
      'In a program that bundles its modules, leave kvs-frames out of the bundle: it loads its addon from its own folder.',
    ),
  },
  {
    message: /cannot open shared object file/,
    explain: (_subject, { message }) => {
      const wanted = packageOf(message);
      return {
        why: 'A library that the addon needs is missing, or there in another version than the one it was built with.',
        mend: [
          wanted === null ? INSTALL : `Install the library: apt-get install -y ${wanted}`,
          `If this system has another version of FFmpeg (ffmpeg -version), the addon must be built for it. ${BUILD}`,
        ],
      };
    },
  },
  {
    message: /version .*not found|undefined symbol/,
    ...row(
      'A library on this system, FFmpeg or the C library, is older than the one the addon was built with.',
      `${BUILD} (on this system, or on one as old)`,
      INSTALL,
    ),
  },
  {
    message: /ELF|file too short|NODE_MODULE_VERSION|wrong architecture/,
    ...row('The addon is there, but it is not whole, or it was built for another kind of machine.', BUILD),
  },
  row('The native addon could not be loaded.', BUILD, INSTALL),
];
