import { FrameSourceError, type FrameSourceErrorCode } from '../errors.js';

/**
 * What a failure means for the reader. Each class has one policy, in the supervisor.
 *
 * - `expired`: the session is refused; a new one helps at once. No error by itself.
 * - `offline`: the camera sends nothing; it is waited for. No error.
 * - `throttled`: asked too often; wait long, and longer if told so.
 * - `denied`: credentials are missing, wrong or not allowed to, also after they were asked for again. Stop.
 * - `misconfigured`: an option, the stream or its media must be changed by somebody. Stop.
 * - `credentials`: nobody answers who could give them. Stop at first; once frames have flowed, wait.
 * - `network`: connection, timeout, 5xx, an answer that makes no sense; try again.
 * - `media`: what arrives can't be used; try again, the next may be good.
 * - `defect`: the reader itself can't go on. Stop.
 */
export type FaultClass =
  | 'expired'
  | 'offline'
  | 'throttled'
  | 'denied'
  | 'misconfigured'
  | 'credentials'
  | 'network'
  | 'media'
  | 'defect';

/** Every class there is. */
export const faultClasses: readonly FaultClass[] = [
  'expired',
  'offline',
  'throttled',
  'denied',
  'misconfigured',
  'credentials',
  'network',
  'media',
  'defect',
];

/** One line of the table. What is left out matches anything. */
export interface FaultRow {
  code: FrameSourceErrorCode;
  /** AWS's, Node's or OpenSSL's name of it. */
  errorName?: RegExp;
  /** HTTP status, from and to. */
  status?: readonly [number, number];
  /** `master`, `playlist`, `init`, `fragment`, or the control call. */
  resource?: RegExp;
  class: FaultClass;
  /** When that is, in a few words. */
  when: string;
}

const THROTTLING_NAME = /LimitExceeded|Throttl|TooManyRequests|SlowDown/;

/**
 * Every failure that can end a session, most special first. Statuses and names of playback requests follow kvs-hls §3.7,
 * those of control calls §2.4; names go before statuses, since AWS's own documents differ in the latter.
 */
export const faultTable: readonly FaultRow[] = [
  {
    code: 'HLS_SESSION_EXPIRED',
    class: 'expired',
    when: '403 on a playlist, init section or fragment; the end of a list that has none',
  },

  { code: 'KVS_NO_FRAGMENTS', class: 'offline', when: 'no session, since no fragment came for 30 s' },
  { code: 'HLS_STALLED', class: 'offline', when: 'the playlist stands still' },
  {
    code: 'HLS_STATUS',
    errorName: /^ResourceNotFound/,
    resource: /^(master|playlist)$/,
    class: 'offline',
    when: '404 ResourceNotFoundException on a playlist: the session of a silent camera',
  },

  { code: 'KVS_THROTTLED', class: 'throttled', when: 'ClientLimitExceededException and its kin' },
  { code: 'HLS_STATUS', status: [429, 429], class: 'throttled', when: '429' },
  {
    code: 'HLS_STATUS',
    errorName: THROTTLING_NAME,
    class: 'throttled',
    when: '400 with a name of throttling',
  },

  {
    code: 'KVS_DENIED',
    errorName: /ProviderError/,
    class: 'credentials',
    when: 'the provider of credentials does not answer',
  },
  { code: 'KVS_DENIED', class: 'denied', when: 'not allowed, also with credentials asked for again' },

  {
    code: 'KVS_REJECTED',
    errorName: /CodecPrivateData/,
    class: 'media',
    when: "the camera's codec data is missing or unusable: its restart mends that",
  },
  { code: 'KVS_REJECTED', class: 'misconfigured', when: 'a parameter, or the kind of media, is refused' },
  { code: 'KVS_NO_RETENTION', class: 'misconfigured', when: 'the stream keeps no data' },
  { code: 'KVS_STREAM_NOT_FOUND', class: 'misconfigured', when: 'no such stream, or it is not ACTIVE' },
  { code: 'KVS_EMPTY_RANGE', class: 'misconfigured', when: 'a recorded range holds nothing' },
  { code: 'HLS_UNSUPPORTED', class: 'misconfigured', when: 'encrypted media, or a form that is not read' },
  { code: 'HLS_FOREIGN_ORIGIN', class: 'misconfigured', when: 'a playlist points to another host' },
  { code: 'CONFIG_INVALID', class: 'misconfigured', when: 'an option can not be met, such as memory' },

  { code: 'KVS_CALL_FAILED', class: 'network', when: 'a control call: DNS, connection, TLS, timeout, 5xx' },
  { code: 'KVS_NO_URL', class: 'network', when: 'a control call answered 200 without what it is for' },
  { code: 'HLS_NETWORK', class: 'network', when: 'DNS, connection, reset, TLS' },
  { code: 'HLS_TIMEOUT', class: 'network', when: 'no connection, no answer or no end in time' },
  {
    code: 'HLS_STATUS',
    errorName: /^(NoDataRetention|UnsupportedStreamMediaType)/,
    class: 'misconfigured',
    when: 'a playback request is refused for what the stream is',
  },
  { code: 'HLS_STATUS', class: 'network', when: 'any other status: 400, 404, 5xx, a redirect' },
  {
    code: 'HLS_PLAYLIST_INVALID',
    class: 'network',
    when: 'several playlists in a row that are none',
  },
  {
    code: 'HLS_TOO_LARGE',
    resource: /^(master|playlist)$/,
    class: 'network',
    when: 'a playlist above the limit',
  },
  {
    code: 'HLS_TRUNCATED',
    resource: /^(master|playlist)$/,
    class: 'network',
    when: 'a playlist cut short',
  },

  { code: 'HLS_TRUNCATED', class: 'media', when: 'fragment after fragment cut short or damaged' },
  { code: 'HLS_TOO_LARGE', class: 'media', when: 'fragment after fragment above the limit' },
  { code: 'HLS_UNDECODABLE', class: 'media', when: 'fragment after fragment without a picture' },

  { code: 'ENGINE_FAILED', class: 'defect', when: 'the decoding engine can not go on' },
  { code: 'ADDON_UNAVAILABLE', class: 'defect', when: 'the native addon can not be loaded' },
];

/** The one place that turns an error into a decision. What the table does not know is a defect. */
export function classify(error: unknown): FaultClass {
  if (!(error instanceof FrameSourceError)) return 'defect';
  const { code, status, errorName, resource } = error;
  const row = faultTable.find(
    (one) =>
      one.code === code &&
      (one.errorName === undefined || one.errorName.test(errorName ?? '')) &&
      (one.status === undefined ||
        (status !== undefined && status >= one.status[0] && status <= one.status[1])) &&
      (one.resource === undefined || one.resource.test(resource ?? '')),
  );
  return row?.class ?? 'defect';
}
