import { FrameSourceError, type FrameSourceErrorCode } from '../errors.js';

/**
 * What a failure means for the reader. Each class has one policy, in the supervisor.
 *
 * - `expired`: the session is refused; a new one helps at once.
 * - `offline`: the camera sends nothing; wait for it, it is no error.
 * - `throttled`: asked too often; wait, and longer if told so.
 * - `network`: connection, timeout, 5xx; try again.
 * - `media`: what arrived can't be used; try again, the next may be good.
 * - `credentials`: they can't be had, or ran out; fatal at first, worth waiting for once frames have flowed.
 * - `fatal`: trying again can't help; somebody must change something.
 */
export type FaultClass = 'expired' | 'offline' | 'throttled' | 'network' | 'media' | 'credentials' | 'fatal';

const CLASS_BY_CODE: Record<FrameSourceErrorCode, FaultClass> = {
  CONFIG_INVALID: 'fatal',
  ADDON_UNAVAILABLE: 'fatal',
  ENGINE_FAILED: 'fatal',
  ALREADY_READING: 'fatal',
  FRAME_RELEASED: 'fatal',
  SOURCE_STOPPED: 'fatal',
  READ_TIMEOUT: 'network',
  TOO_MANY_ERRORS: 'fatal',
  KVS_CALL_FAILED: 'network',
  KVS_NO_FRAGMENTS: 'offline',
  KVS_EMPTY_RANGE: 'fatal',
  KVS_STREAM_NOT_FOUND: 'fatal',
  KVS_NO_RETENTION: 'fatal',
  KVS_THROTTLED: 'throttled',
  KVS_DENIED: 'fatal',
  KVS_REJECTED: 'fatal',
  KVS_NO_URL: 'network',
  HLS_STATUS: 'network',
  HLS_SESSION_EXPIRED: 'expired',
  HLS_NETWORK: 'network',
  HLS_TIMEOUT: 'network',
  HLS_TOO_LARGE: 'media',
  HLS_TRUNCATED: 'media',
  HLS_PLAYLIST_INVALID: 'media',
  HLS_UNDECODABLE: 'media',
  HLS_UNSUPPORTED: 'fatal',
  HLS_FOREIGN_ORIGIN: 'fatal',
  HLS_STALLED: 'offline',
};

/** Throttling as the playback requests tell it: 429, or 400 with AWS's names for it (kvs-hls §3.7). */
function isThrottled(error: FrameSourceError): boolean {
  return error.status === 429 || /LimitExceeded|Throttl|TooManyRequests/.test(error.errorName ?? '');
}

/** The one place that turns an error into a decision. An error that is not ours is a defect: fatal. */
export function classify(error: unknown): FaultClass {
  if (!(error instanceof FrameSourceError)) return 'fatal';
  // A role's provider that is out of reach for a while is no verdict; a refusal is.
  if (error.code === 'KVS_DENIED' && /ProviderError|ExpiredToken/.test(error.errorName ?? ''))
    return 'credentials';
  // The producer's fault, and gone with its restart: KVS looks at codec data only when a session is made (kvs-hls §2.4).
  if (error.code === 'KVS_REJECTED' && /CodecPrivateData/.test(error.errorName ?? '')) return 'media';
  if (error.code === 'HLS_STATUS') {
    if (isThrottled(error)) return 'throttled';
    // KVS answers 404 on the playlist of a session whose camera has been silent for 30 s.
    if (error.status === 404 && error.resource !== 'fragment') return 'offline';
  }
  return CLASS_BY_CODE[error.code];
}
