import { types } from 'node:util';
import { redact } from './redact.js';

/** Every `code` this package's errors carry. Codes are stable; messages are for people and may change. */
export type FrameSourceErrorCode =
  /** An option is unknown, misspelt, of the wrong type or out of range. */
  | 'CONFIG_INVALID'
  /** The native addon could not be loaded. */
  | 'ADDON_UNAVAILABLE'
  /** The decoding engine can't go on. */
  | 'ENGINE_FAILED'
  /** A second consumer asked for frames while the first still reads. */
  | 'ALREADY_READING'
  /** A frame's pixels were asked for after it was released. */
  | 'FRAME_RELEASED'
  /** A frame has as many shares as it can have at a time. */
  | 'FRAME_SHARED_OUT'
  /** A handle of a shared frame was opened before, or taken back because nobody opened it in time. */
  | 'HANDLE_SPENT'
  /** The source was stopped and can't be started again. */
  | 'SOURCE_STOPPED'
  /** `read` saw no frame within its `timeoutMs`. */
  | 'READ_TIMEOUT'
  /** More than `maxConsecutiveErrors` failures in a row; `cause` is the last of them. */
  | 'TOO_MANY_ERRORS'
  /** An AWS control call failed; `errorName` and `status` say how. */
  | 'KVS_CALL_FAILED'
  /** KVS has no fragment for the request: the camera is not sending, or the range is empty. */
  | 'KVS_NO_FRAGMENTS'
  /** The recorded range that was asked for holds no fragment. */
  | 'KVS_EMPTY_RANGE'
  /** KVS does not know the stream in this account and region, or it is not ACTIVE. */
  | 'KVS_STREAM_NOT_FOUND'
  /** The stream keeps no data (retention 0 h), so HLS cannot work. */
  | 'KVS_NO_RETENTION'
  /** KVS throttles (`ClientLimitExceededException` and kin). */
  | 'KVS_THROTTLED'
  /** Credentials are missing, expired or not allowed to do this. */
  | 'KVS_DENIED'
  /** KVS refused a parameter or the stream's media. */
  | 'KVS_REJECTED'
  /** A control call answered 200 without what it is for. */
  | 'KVS_NO_URL'
  /** A playlist, init section or fragment was answered with an HTTP error; `status` has it. */
  | 'HLS_STATUS'
  /** 403 on a playlist, init section or fragment: the session's token is expired or invalid. Or a live list that ended. */
  | 'HLS_SESSION_EXPIRED'
  /** The connection failed, was reset or could not be made. */
  | 'HLS_NETWORK'
  /** A connect, first-byte or total deadline passed. */
  | 'HLS_TIMEOUT'
  /** A resource is larger than its limit, or a playlist has too many entries. */
  | 'HLS_TOO_LARGE'
  /** The body ended early, or a fragment's boxes or packets don't add up. */
  | 'HLS_TRUNCATED'
  /** The playlist is not one, or not one that can be followed. */
  | 'HLS_PLAYLIST_INVALID'
  /** Several fragments in a row gave no frame. */
  | 'HLS_UNDECODABLE'
  /** Encrypted or otherwise unsupported media. */
  | 'HLS_UNSUPPORTED'
  /** A playlist points to another host or scheme than the session's and that was not allowed. */
  | 'HLS_FOREIGN_ORIGIN'
  /** The playlist stopped moving for too long. */
  | 'HLS_STALLED';

/** What may be attached to an error; absent where it does not apply. */
export interface FrameSourceErrorDetails {
  cause?: unknown;
  /** HTTP status. */
  status?: number;
  /** AWS's name of the error, from the SDK or from `x-amzn-ErrorType`. */
  errorName?: string;
  /** AWS's request id, for support. */
  requestId?: string;
  /** What was being fetched or called, e.g. `fragment` or `GetDataEndpoint`. */
  resource?: string;
  /** The server's `Retry-After`, in ms. */
  retryAfterMs?: number;
}

/** Base of every error this package throws. Holds no session token and no credential. */
export class FrameSourceError extends Error {
  /** Stable; what callers compare. */
  readonly code: FrameSourceErrorCode;
  readonly status?: number;
  readonly errorName?: string;
  readonly requestId?: string;
  readonly resource?: string;
  readonly retryAfterMs?: number;

  constructor(code: FrameSourceErrorCode, message: string, details: FrameSourceErrorDetails = {}) {
    super(
      redact(message),
      details.cause === undefined ? undefined : { cause: withoutSecrets(details.cause) },
    );
    this.name = new.target.name;
    this.code = code;
    if (details.status !== undefined) this.status = details.status;
    // Servers choose these.
    if (details.errorName !== undefined) this.errorName = redact(details.errorName);
    if (details.requestId !== undefined) this.requestId = redact(details.requestId);
    if (details.resource !== undefined) this.resource = details.resource;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

/** An option is wrong. Thrown at construction, before anything is opened. */
export class ConfigError extends FrameSourceError {
  constructor(message: string) {
    super('CONFIG_INVALID', message);
  }
}

/** An AWS control call, or the session it should yield, failed. Codes `KVS_…`. */
export class KvsConnectionError extends FrameSourceError {}

/** A playlist, init section or fragment could not be had or used. Codes `HLS_…`. */
export class HlsStreamError extends FrameSourceError {}

/** Classes that a copy of an error can be of. */
const KINDS = [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

/**
 * The part of a foreign error that is safe to keep as `cause`, or to log: name, message, code and stack, redacted,
 * down its own causes. SDK errors hold the raw response and sometimes the request, which have tokens. What is no error is a
 * redacted string, or `undefined`.
 */
export function withoutSecrets(cause: unknown, depth = 0): unknown {
  if (cause instanceof FrameSourceError) return cause;
  // Errors of Node itself are not instances of Error where the program runs in a context of its own.
  if (!(cause instanceof Error || types.isNativeError(cause)))
    return typeof cause === 'string' ? redact(cause) : undefined;
  const inner = depth < 4 && cause.cause !== undefined ? withoutSecrets(cause.cause, depth + 1) : undefined;
  const Kind = KINDS.find(({ name }) => name === cause.name) ?? Error;
  const safe: Error & { code?: unknown } = new Kind(
    redact(cause.message),
    inner === undefined ? undefined : { cause: inner },
  );
  safe.name = redact(cause.name);
  if (cause.stack !== undefined) safe.stack = redact(cause.stack);
  const code = (cause as { code?: unknown }).code;
  if (typeof code === 'string') safe.code = redact(code);
  else if (typeof code === 'number') safe.code = code;
  return safe;
}
