import { KvsConnectionError, type FrameSourceErrorCode } from '../errors.js';
import { redact } from '../redact.js';
import { retryAfterMs } from '../retry-after.js';
import { certificateAdvice } from '../tls-fault.js';

/** The two control calls. */
export type KvsOperation = 'GetDataEndpoint' | 'GetHLSStreamingSessionURL';

/** What an SDK error carries besides a message; all of it optional, since not every failure is an answer. */
interface SdkError {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  /** Not enumerable; header names are in lower case. */
  $response?: { headers?: Record<string, string | undefined> };
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

/** Refusals that new credentials, or the same with a corrected clock, may mend; others are verdicts (kvs-hls §2.4). */
const CREDENTIALS_FAULT =
  /^(NotAuthorized|ExpiredToken|UnrecognizedClient|InvalidClientTokenId|RequestExpired|InvalidSignature|SignatureDoesNotMatch)(Exception)?$/;

const NEEDED = 'kinesisvideo:GetDataEndpoint and kinesisvideo:GetHLSStreamingSessionURL';

/** What to change, by the name of the error, where that says more than the code. */
const ADVICE_BY_NAME: [RegExp, string][] = [
  [
    /ExpiredToken/,
    'the credentials are expired; renew them, or give the option credentials a function that does',
  ],
  [
    /Signature|RequestExpired/,
    "the signature is refused; check the secret access key, the region and this host's clock",
  ],
  [
    /UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId/,
    'AWS does not know the access key; check the credentials, and the session token that belongs to them',
  ],
  [
    /ProviderError/,
    'there are no credentials; set AWS_PROFILE or the AWS_ACCESS_KEY_ID variables, run with a role, or give the option credentials',
  ],
  [/AccessDenied|NotAuthorized/, `allow these credentials ${NEEDED} on the stream`],
  [
    /CodecPrivateData/,
    'the camera must send codec private data (avcC or hvcC, not Annex B) for each track; mend the producer',
  ],
  [
    /UnsupportedStreamMediaType/,
    'HLS takes H.264 or H.265 video and AAC audio only; change what the camera sends',
  ],
  [/InvalidArgument|Validation/, 'an option is out of what KVS takes; change the one it names'],
  [/EndpointError/, 'no endpoint can be made of these options; check endpoint and region'],
];

const ADVICE: Record<KvsCode, string> = {
  KVS_NO_FRAGMENTS: 'the stream has no fragment for this; is the camera sending, does the range hold any?',
  KVS_STREAM_NOT_FOUND: 'no such stream here, or it is not ACTIVE; check name, region and account',
  KVS_NO_RETENTION:
    'the stream keeps no data, which HLS needs; raise its data retention above 0 hours (UpdateDataRetention)',
  KVS_THROTTLED: 'asked too often for this stream or account; wait longer between calls',
  KVS_DENIED: `credentials are missing or not allowed to; ${NEEDED} are needed`,
  KVS_REJECTED: "KVS refuses a parameter or the stream's media; change what it names",
  KVS_NO_URL: 'KVS answered without what was asked for; check that endpoint is a KVS endpoint',
  KVS_CALL_FAILED: 'the call failed; check network, endpoint and region',
};
/** A status of 500 or more. */
const SERVICE_FAILS = 'the service was reached, but is failing; wait, and see the AWS health dashboard';

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
  // Thrown by the SDK over an answer it can't read.
  if (status === 200) return 'KVS_NO_URL';
  if (name === 'ResourceNotFoundException') {
    const isEmpty = operation === 'GetHLSStreamingSessionURL' && /no fragments/i.test(message);
    return isEmpty ? 'KVS_NO_FRAGMENTS' : 'KVS_STREAM_NOT_FOUND';
  }
  const named = CODE_BY_NAME.find(([pattern]) => pattern.test(name));
  if (named !== undefined) return named[1];
  if (isRegionMissing(message)) return 'KVS_REJECTED';
  if (status === 429) return 'KVS_THROTTLED';
  // KVS refuses in JSON. XML says that the host is none of its data planes, a page that something is in between.
  if (name === 'SyntaxError') return 'KVS_CALL_FAILED';
  if (status === 401 || status === 403) return 'KVS_DENIED';
  if (status === 404) return 'KVS_STREAM_NOT_FOUND';
  return 'KVS_CALL_FAILED';
}

function adviceOn(code: KvsCode, name: string, status: number): string {
  if (code === 'KVS_CALL_FAILED' && status >= 500) return SERVICE_FAILS;
  if (code === 'KVS_CALL_FAILED') return certificateAdvice(name) ?? ADVICE[code];
  if (code !== 'KVS_DENIED' && code !== 'KVS_REJECTED') return ADVICE[code];
  return ADVICE_BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? ADVICE[code];
}

/**
 * An error of the AWS SDK in this package's words.
 *
 * `nowMs`, Unix ms, is what a dated `Retry-After` is counted from.
 *
 * AWS's own text is kept where it helps, but not for refused signatures: it quotes the signed request, session token
 * included.
 */
export function kvsError(
  operation: KvsOperation | 'credentials',
  stream: string,
  region: string,
  error: unknown,
  nowMs: number,
): KvsConnectionError {
  const {
    name: nameValue,
    message: messageValue,
    code: codeValue,
    $metadata: metadata,
    $response: response,
  } = (error ?? {}) as SdkError;
  const message = text(messageValue);
  // Node names its errors by code, their name is just "Error"; the SDK wraps those of another realm by their message.
  const name = text(codeValue) || /\b(E[A-Z]{4,}|EAI_AGAIN)\b/.exec(message)?.[0] || text(nameValue);
  const status = metadata?.httpStatusCode ?? 0;
  const code = codeOf(operation, name, message, status);
  const quotesRequest = /Signature/.test(name);
  const detail = quotesRequest || message === '' ? '' : `: ${redact(message).slice(0, 300)}`;
  const what = `${name || 'unknown error'}${status === 0 ? '' : ` ${status}`}${detail}`;
  const pauseMs = retryAfterMs(response?.headers?.['retry-after'], response?.headers?.['date'], nowMs);
  const advice = isRegionMissing(message)
    ? 'give the option region, or set AWS_REGION'
    : adviceOn(code, name, status);
  const about = stream === '' ? '' : ` for stream ${stream}`;
  return new KvsConnectionError(code, `${operation}${about} in ${region}: ${advice} (${what})`, {
    resource: operation,
    ...(status !== 0 && { status }),
    ...(name !== '' && { errorName: name }),
    ...(metadata?.requestId !== undefined && { requestId: metadata.requestId }),
    ...(pauseMs !== undefined && { retryAfterMs: pauseMs }),
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

/** Whether asking for the credentials anew may help. */
export function blamesCredentials(error: unknown): boolean {
  return error instanceof KvsConnectionError && CREDENTIALS_FAULT.test(error.errorName ?? '');
}
