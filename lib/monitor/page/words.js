/** @typedef {import('../protocol.js').CameraFacts} CameraFacts */
/** @typedef {CameraFacts['status']} Status */
/** @typedef {'trouble' | 'waiting' | 'idle' | 'well' | 'stopped'} Kind */

/** What is shown where nothing is known. */
export const NOTHING = '–';

/** @type {Record<Status, { word: string, kind: Kind, rank: number }>} */
const statuses = {
  failed: { word: 'Failed', kind: 'trouble', rank: 0 },
  stalled: { word: 'Stalled', kind: 'trouble', rank: 1 },
  reconnecting: { word: 'Reconnecting', kind: 'trouble', rank: 2 },
  connecting: { word: 'Connecting', kind: 'waiting', rank: 3 },
  idle: { word: 'Idle', kind: 'idle', rank: 4 },
  'not-started': { word: 'Not started', kind: 'stopped', rank: 5 },
  stopped: { word: 'Stopped', kind: 'stopped', rank: 6 },
  flowing: { word: 'Flowing', kind: 'well', rank: 7 },
};

/** @param {Status} status */
export function wordOf(status) {
  return statuses[status].word;
}

/**
 * What a status comes to: its colour, its sign, its height in the strip.
 *
 * @param {Status} status
 */
export function kindOf(status) {
  return statuses[status].kind;
}

/**
 * The smaller, the more urgent.
 *
 * @param {Status} status
 */
export function rankOf(status) {
  return statuses[status].rank;
}

/** @type {Record<import('../protocol.js').GapNote['cause'], string>} */
const causes = {
  producer: 'the camera sent nothing',
  'window-slid': 'gone before it could be fetched',
  outage: 'no session meanwhile',
  media: 'damaged media',
  policy: 'left out on purpose',
  format: 'can’t be decoded',
};

/** @param {import('../protocol.js').GapNote} gap */
export function gapWords(gap) {
  const length = durationWords(gap.ms);
  return gap.recovered ? `${length} had after all` : `${length} missing: ${causes[gap.cause]}`;
}

/** @type {Record<NonNullable<CameraFacts['nextStep']>, string>} */
const steps = {
  renew: 'opens the next session',
  reconnect: 'connects again',
  look: 'looks for the camera again',
  stall: 'counts as stalled',
  end: 'ends with its session',
};
/** That a fragment is waited for is worth a word only when it is late. */
const STALL_WORTH_TELLING_MS = 5000;

/**
 * What comes next by itself, and when; `''` if nothing does.
 *
 * @param {CameraFacts} facts
 * @param {number} nowMs
 */
export function nextWords({ nextStep, nextAtMs, status }, nowMs) {
  if (nextStep === null || nextAtMs === null) return '';
  const inMs = nextAtMs - nowMs;
  if (nextStep === 'stall' && status === 'flowing' && inMs > STALL_WORTH_TELLING_MS) return '';
  return inMs < 1000 ? `${steps[nextStep]} now` : `${steps[nextStep]} in ${durationWords(inMs, true)}`;
}

/**
 * A length of time: `1.2 s`, `42 s`, `3 min 20 s`, `2 h 5 min`.
 *
 * @param {number} ms
 * @param {boolean} [whole] in whole seconds
 */
export function durationWords(ms, whole = false) {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 9.95 && !whole) return `${seconds.toFixed(1)} s`;
  const rest = Math.round(seconds);
  if (rest < 100) return `${rest} s`;
  const minutes = Math.floor(rest / 60);
  if (minutes < 60) return `${minutes} min ${rest % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * A clock that runs down: `4:07`, `1:02:07`.
 *
 * @param {number} ms
 */
export function countdownWords(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** @param {number | null} fps */
export function fpsWords(fps) {
  if (fps === null) return NOTHING;
  return fps >= 9.95 || fps === 0 ? String(Math.round(fps)) : fps.toFixed(1);
}

/** @param {number | null} bytesPerSecond */
export function bandwidthWords(bytesPerSecond) {
  if (bytesPerSecond === null) return NOTHING;
  const kilobits = (bytesPerSecond * 8) / 1000;
  if (kilobits < 1000) return `${Math.round(kilobits)} kbit/s`;
  const megabits = kilobits / 1000;
  return `${megabits < 9.95 ? megabits.toFixed(1) : Math.round(megabits)} Mbit/s`;
}

const timeOfDay = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const withDate = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const A_DAY_MS = 86_400_000;

/**
 * A moment in the viewer's zone, with its date if that is not about today.
 *
 * @param {number} atMs
 * @param {number} nowMs
 */
export function timeWords(atMs, nowMs) {
  return (Math.abs(nowMs - atMs) < A_DAY_MS / 2 ? timeOfDay : withDate).format(atMs);
}

/** @param {number} count */
export function cameraWords(count) {
  return count === 1 ? '1 camera' : `${count} cameras`;
}
