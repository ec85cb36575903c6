import { FrameSourceError, type FrameSourceErrorCode } from '../errors.js';
import { addonRows } from './mending-addon.js';
import { hlsMending } from './mending-hls.js';
import { kvsMending } from './mending-kvs.js';
import { row, type Mending, type MendingRow, type MendingRows } from './mending-row.js';
import type { Subject } from './subject.js';

const programsAffair = (why: string, ...mend: string[]): MendingRows => [row(why, ...mend)];

/** Every code there is. */
const table = {
  ...kvsMending,
  ...hlsMending,
  ADDON_UNAVAILABLE: addonRows,
  CONFIG_INVALID: [
    row('An option is not one that can be used.', 'Change the option that the finding names.'),
  ],
  ENGINE_FAILED: [
    row(
      'The native decoder could not go on, or could not begin: as a rule for want of memory or threads.',
      'Look at the free memory (free -m) and the limits of the user (ulimit -u, ulimit -v), and of the container.',
      'If there is enough, report it with what `kvs-frames read --verbose` and `kvs-frames doctor --json` write.',
    ),
  ],
  READ_TIMEOUT: [
    row(
      'The session is open, but no frame came out of it in time.',
      'See whether the camera sends, and whether its fragments are longer than 10 s: a fragment is decoded when it is whole.',
      'Run `kvs-frames read --verbose` with the same stream: it tells what it waits for.',
    ),
  ],
  TOO_MANY_ERRORS: [
    row(
      'Several failures came in a row, with no frame between.',
      'Run `kvs-frames read --verbose` with the same stream: it tells each of them.',
    ),
  ],
  ALREADY_READING: programsAffair(
    'Two consumers ask the same source for frames.',
    'Let one loop hand the frames on, or make a source for each consumer.',
  ),
  FRAME_RELEASED: programsAffair(
    'A frame was used after its memory was given back.',
    'Call frame.retain() before the next frame is asked for, or copy what is needed.',
  ),
  FRAME_SHARED_OUT: programsAffair(
    'A frame was shared with more readers than it can have at a time.',
    'Share it with fewer workers at once, or let one worker hand it on.',
  ),
  HANDLE_SPENT: programsAffair(
    'A handle of a shared frame was opened twice, or too late.',
    'Make a handle for each reader, and open it within openWithinMs.',
  ),
  SOURCE_STOPPED: programsAffair(
    'The source was stopped before it could answer.',
    'Make a new source to read the stream again.',
  ),
} as const satisfies Record<FrameSourceErrorCode, MendingRows>;

/** The error that says what failed, where it is wrapped in one that counts failures. */
export function rootOf(error: unknown): unknown {
  const isCount = error instanceof FrameSourceError && error.code === 'TOO_MANY_ERRORS';
  return isCount && error.cause instanceof FrameSourceError ? error.cause : error;
}

/** Why it failed and what to do; `null` for what is no error of this package. */
export function mendingOf(error: unknown, subject: Subject): Mending | null {
  const root = rootOf(error);
  if (!(root instanceof FrameSourceError)) return null;
  const rows: readonly MendingRow[] = table[root.code];
  const found = rows.find(
    ({ sign, message, status }) =>
      (sign === undefined || sign.test(root.errorName ?? root.message)) &&
      (message === undefined || message.test(root.message)) &&
      (status === undefined || status.test(String(root.status))),
  );
  return found?.explain(subject, root) ?? null;
}
