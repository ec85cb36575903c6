import { KvsConnectionError, type FrameSourceErrorCode } from '../errors.js';

/** The two control calls. */
export type KvsOperation = 'GetDataEndpoint' | 'GetHLSStreamingSessionURL';

/** What an SDK error carries besides a message; all of it optional, since not every failure is an answer. */
interface SdkError {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  $metadata?: { httpStatusCode?: number; requestId?: string };
}

/** All but the one that depends on what was asked for. */
type KvsCode = Exclude<Extract<FrameSourceErrorCode, `KVS_${string}`>, 'KVS_EMPTY_RANGE'>;

/** Name first, status second: the service's model and its answers differ in statuses (kvs-hls §2.4, §13). */
const CODE_BY_NAME: [RegExp, KvsCode][] = [
  [/^NoDataRetentionException$/, 'KVS_NO_RETENTION'],
  [/LimitExceeded|Throttl|TooManyRequests|SlowDown|BandwidthLimit/, 'KVS_THROTTLED'],
  [
    /NotAuthorized|AccessDenied|ExpiredToken|UnrecognizedClient|InvalidClientTokenId|MissingAuthenticationToken|Signature|RequestExpired|InvalidAccessKeyId|OptInRequired|CredentialsProviderError|TokenProviderError/,
    'KVS_DENIED',
  ],
  [
    /CodecPrivateData|UnsupportedStreamMediaType|InvalidArgument|ValidationException|EndpointError/,
    'KVS_REJECTED',
  ],
];

const ADVICE: Record<KvsCode, string> = {
  KVS_NO_FRAGMENTS: 'the stream has no fragment for this; is the camera sending, does the range hold any?',
  KVS_STREAM_NOT_FOUND: 'no such stream here, or it is not ACTIVE; check name, region and account',
  KVS_NO_RETENTION: 'the stream keeps no data, which HLS needs; raise its data retention above 0 hours',
  KVS_THROTTLED: 'asked too often for this stream or account; wait longer between calls',
  KVS_DENIED:
    'credentials are missing, expired or not allowed to; kinesisvideo:GetDataEndpoint and kinesisvideo:GetHLSStreamingSessionURL are needed',
  KVS_REJECTED: "KVS refuses a parameter or the stream's media",
  KVS_NO_URL: 'KVS answered without what was asked for',
  KVS_CALL_FAILED: 'the call failed; check network, endpoint and region',
};

/**
 * Errors that mean: this host can't be reached, isn't who it should be, or isn't a data plane (kvs-hls §1.4). The names
 * are AWS's, Node's and OpenSSL's; an answer that is no JSON is a `SyntaxError`.
 */
const ENDPOINT_FAULT =
  /^(InvalidEndpointException|SyntaxError|TimeoutError|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPROTO|ERR_TLS_.*|ERR_SSL_.*|CERT_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*)$/;

/** The SDK's words when nothing names a region. */
function isRegionMissing(message: string): boolean {
  return /^Region is missing/.test(message);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function codeOf(operation: string, name: string, message: string, status: number): KvsCode {
  if (name === 'ResourceNotFoundException') {
    const isEmpty = operation === 'GetHLSStreamingSessionURL' && /no fragments/i.test(message);
    return isEmpty ? 'KVS_NO_FRAGMENTS' : 'KVS_STREAM_NOT_FOUND';
  }
  const named = CODE_BY_NAME.find(([pattern]) => pattern.test(name));
  if (named !== undefined) return named[1];
  if (isRegionMissing(message)) return 'KVS_REJECTED';
  if (status === 429) return 'KVS_THROTTLED';
  if (status === 401 || status === 403) return 'KVS_DENIED';
  if (status === 404) return 'KVS_STREAM_NOT_FOUND';
  return 'KVS_CALL_FAILED';
}

/**
 * An error of the AWS SDK in this package's words.
 *
 * AWS's own text is kept where it helps, but not for refused signatures: it quotes the signed request, session token
 * included.
 */
export function kvsError(
  operation: KvsOperation | 'credentials',
  stream: string,
  region: string,
  error: unknown,
): KvsConnectionError {
  const {
    name: nameValue,
    message: messageValue,
    code: codeValue,
    $metadata: metadata,
  } = (error ?? {}) as SdkError;
  const message = text(messageValue);
  // Node names its errors by code, their name is just "Error"; the SDK wraps those of another realm by their message.
  const name = text(codeValue) || /\b(E[A-Z]{4,}|EAI_AGAIN)\b/.exec(message)?.[0] || text(nameValue);
  const status = metadata?.httpStatusCode ?? 0;
  const code = codeOf(operation, name, message, status);
  const quotesRequest = /Signature/.test(name);
  const detail = quotesRequest || message === '' ? '' : `: ${message.slice(0, 300)}`;
  const what = `${name || 'unknown error'}${status === 0 ? '' : ` ${status}`}${detail}`;
  const advice = isRegionMissing(message) ? 'give the option region, or set AWS_REGION' : ADVICE[code];
  return new KvsConnectionError(code, `${operation} for stream ${stream} in ${region}: ${advice} (${what})`, {
    resource: operation,
    ...(status !== 0 && { status }),
    ...(name !== '' && { errorName: name }),
    ...(metadata?.requestId !== undefined && { requestId: metadata.requestId }),
    ...(!quotesRequest && { cause: error }),
  });
}

/** A 200 that is of no use (kvs-hls §1.2: that is how KVS answers an unknown operation). */
export function noUrl(
  operation: KvsOperation,
  stream: string,
  region: string,
  why: string,
): KvsConnectionError {
  return new KvsConnectionError('KVS_NO_URL', `${operation} for stream ${stream} in ${region}: ${why}`, {
    resource: operation,
    status: 200,
  });
}

/** Whether a data endpoint should be forgotten after this failure: it may have moved. */
export function blamesEndpoint(error: unknown): boolean {
  if (!(error instanceof KvsConnectionError)) return false;
  if (error.code === 'KVS_NO_URL' || error.code === 'KVS_STREAM_NOT_FOUND') return true;
  return ENDPOINT_FAULT.test(error.errorName ?? '');
}
