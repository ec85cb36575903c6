import type { Socket } from 'node:net';
import { Agent, buildConnector, errors, type Dispatcher } from 'undici';
import { deadline, type Clock } from '../clock.js';
import { HlsStreamError, type FrameSourceErrorCode } from '../errors.js';
import { DEFAULT_LIMITS, type SourceLimits } from '../limits.js';
import { retryAfterMs } from '../retry-after.js';
import { certificateAdvice } from '../tls-fault.js';
import { contentLength, readBody } from './body.js';
import { admit, type OriginRule } from './origin.js';
import type { ByteRange } from './playlist.js';
import { redirectAdvice, redirectTarget } from './redirect.js';

/** `master` is a session's first playlist, whatever it turns out to be. */
export type ResourceKind = 'master' | 'playlist' | 'init' | 'fragment';

/** How patient a request may be. */
export interface LoadPolicy {
  /** Until the response's headers are in, connecting and redirects included. */
  firstByteTimeoutMs: number;
  /** From one piece of the body to the next. */
  stallTimeoutMs: number;
  /** Until the body's last byte is in. */
  totalTimeoutMs: number;
}

/** Defaults. KVS's playlists are answered in well under a second; the times leave room for a slow uplink. */
const DEFAULT_POLICIES: Record<ResourceKind, LoadPolicy> = {
  master: { firstByteTimeoutMs: 5_000, stallTimeoutMs: 5_000, totalTimeoutMs: 10_000 },
  playlist: { firstByteTimeoutMs: 5_000, stallTimeoutMs: 5_000, totalTimeoutMs: 10_000 },
  init: { firstByteTimeoutMs: 5_000, stallTimeoutMs: 5_000, totalTimeoutMs: 10_000 },
  fragment: { firstByteTimeoutMs: 5_000, stallTimeoutMs: 5_000, totalTimeoutMs: 30_000 },
};

/** Which limit holds for the bytes of a body. */
const SIZE_LIMITS = {
  master: 'maxPlaylistBytes',
  playlist: 'maxPlaylistBytes',
  init: 'maxInitBytes',
  fragment: 'maxFragmentBytes',
} as const satisfies Record<ResourceKind, keyof SourceLimits>;

/** How a request came out: well, broken off by whoever made it, or failed. */
export type LoadOutcome = 'ok' | 'cancelled' | Extract<FrameSourceErrorCode, `HLS_${string}`>;

/** One request that has ended, for metrics. */
export interface LoadEvent {
  kind: ResourceKind;
  /** HTTP status, 0 if no answer came. */
  status: number;
  /** Bytes of the body; 0 if it did not come whole. */
  bytes: number;
  /** From the request to the last byte, or the failure. */
  ms: number;
  result: LoadOutcome;
}

export interface LoaderOptions {
  clock: Clock;
  /** Until the connection stands, DNS and TLS included. Default 5,000. */
  connectTimeoutMs?: number;
  /** Changes to the defaults by kind. */
  policies?: Partial<Record<ResourceKind, Partial<LoadPolicy>>>;
  /** Sizes of bodies, and redirects. Default: `DEFAULT_LIMITS`. */
  limits?: SourceLimits;
  /** Origins (`https://host:port`) that may be read besides the session's own. Default: none. */
  allowedOrigins?: readonly string[];
  /** Told of each request when it has ended. Must not throw. */
  onLoad?: (event: LoadEvent) => void;
}

export interface LoadRequest {
  url: string;
  kind: ResourceKind;
  /** Origin of the session's URL: the only one that is read, unless allowed. */
  origin: string;
  byteRange?: ByteRange | null;
  signal: AbortSignal;
  /** Throws `HlsStreamError` if the bytes are not whole. */
  check?: (bytes: Uint8Array) => void;
  /** Told of each piece that arrives: bytes so far, and in all, if that was announced. */
  onBytes?: (received: number, total: number | null) => void;
}

export interface LoadResult {
  /** The whole body; nobody else holds it. */
  bytes: Uint8Array;
  /** Where they came from: what was asked for, or where that was redirected to. */
  url: string;
  status: number;
  headers: Dispatcher.ResponseData['headers'];
  /** Unix ms of its start, then ms since. */
  timing: { startedAtMs: number; firstByteMs: number; totalMs: number };
}

function header(headers: LoadResult['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** A header's value if it is what it should be; anything else might echo what must not be shown. */
function plain(value: string | undefined, pattern: RegExp): string | undefined {
  return value !== undefined && pattern.test(value) ? value : undefined;
}
const ERROR_NAME =
  /^[a-z]{0,60}(?:Exception|Error|Fault|Failure|Throttled|Throttling|Exceeded|TooManyRequests|SlowDown|Unavailable|Denied|Expired|ExpiredToken|NotFound|NoDataRetention|UnsupportedStreamMediaType|Gateway|Timeout)$/i;
const REQUEST_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const ENCODING = /^(?:gzip|x-gzip|deflate|br|zstd|compress)$/;

/** What a file is called that nobody needs to hide: KVS's names and words with a number behind them. Tokens have digits in between. */
const PLAIN_NAME = /^(?:getMP4|getHLS)?[a-z]{1,20}(?:[_.-][a-z]{1,20}){0,3}[_.-]?\d{0,10}$/i;
const FILE = /^(.*?)(\.[a-z][a-z\d]{1,3})?$/i;

/** Host and file name: what a message may say of a URL. Queries, parameters and paths hold tokens. */
function shown({ host, pathname }: URL): string {
  const file = pathname.split('/').at(-1)?.split(';', 1)[0] ?? '';
  const [, stem = '', ending = ''] = FILE.exec(file) ?? [];
  const name = stem === '' || PLAIN_NAME.test(stem) ? stem : '…';
  return `${host}/…/${name}${ending}`.slice(0, 120);
}

/**
 * GETs playlists, init sections and fragments on kept-alive connections, with deadlines and size limits. The only
 * file that speaks HTTP to the media plane. Each request is made once: its callers know whether another is worth it.
 * Redirects are not followed unless `limits` says so: they could carry the token elsewhere.
 */
export class Loader {
  readonly #options: LoaderOptions;
  readonly #limits: Required<SourceLimits>;
  readonly #agent: Agent;
  /** Sockets whose connection, DNS and TLS included, does not stand yet. */
  readonly #connecting = new Set<Socket>();

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#agent = new Agent({
      connect: this.#connector(options.connectTimeoutMs ?? 5_000),
      // A poll, a fragment and an init section, and the same for the session that is to follow.
      connections: 6,
      pipelining: 1,
      // Longer than the pause between two polls; servers that close sooner say so in Keep-Alive.
      keepAliveTimeout: 30_000,
      // This file's own deadlines hold instead: these are coarse, and know no injected clock.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * Fetches one resource.
   *
   * @throws HlsStreamError `HLS_SESSION_EXPIRED` (403), `HLS_STATUS`, `HLS_NETWORK`, `HLS_TIMEOUT`, `HLS_TRUNCATED`,
   *   `HLS_TOO_LARGE`, `HLS_FOREIGN_ORIGIN`, `HLS_UNSUPPORTED`; the signal's reason once it is aborted
   */
  async load(request: LoadRequest): Promise<LoadResult> {
    const { clock, onLoad } = this.#options;
    const { kind } = request;
    const url = this.#admit(request);
    const startedMs = clock.monotonic();
    const seen = { status: 0 };
    try {
      const result = await this.#get(url, request, this.#policy(kind), seen);
      request.check?.(result.bytes);
      onLoad?.({
        kind,
        status: seen.status,
        bytes: result.bytes.byteLength,
        ms: result.timing.totalMs,
        result: 'ok',
      });
      return result;
    } catch (error) {
      const failure: unknown = request.signal.aborted
        ? request.signal.reason
        : this.#translate(error, url, kind, seen.status);
      const ms = clock.monotonic() - startedMs;
      onLoad?.({ kind, status: seen.status, bytes: 0, ms, result: outcomeOf(failure) });
      throw failure;
    }
  }

  /** Ends all connections; requests under way fail. */
  close(): void {
    // Its promise only tells when the sockets are gone, which nobody waits for.
    void this.#agent.destroy();
    for (const socket of this.#connecting) socket.destroy();
  }

  /** undici's own, whose agent leaves sockets that are still connecting to their timeout when it is destroyed. */
  #connector(timeout: number): buildConnector.connector {
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: the URLs hold tokens.
    const connect = buildConnector({ timeout, rejectUnauthorized: true });
    return (options, callback) => {
      // Answers the socket, whatever its type says.
      const socket = connect(options, (...outcome: Parameters<buildConnector.Callback>) => {
        if (socket) this.#connecting.delete(socket);
        callback(...outcome);
      }) as unknown as Socket | undefined;
      if (socket) this.#connecting.add(socket);
    };
  }

  #policy(kind: ResourceKind): LoadPolicy {
    return { ...DEFAULT_POLICIES[kind], ...this.#options.policies?.[kind] };
  }

  #admit(request: LoadRequest): URL {
    const url = new URL(request.url);
    admit(url, request.kind, this.#ruleFor(request));
    return url;
  }

  #ruleFor({ origin }: LoadRequest): OriginRule {
    return { origin, allowed: this.#options.allowedOrigins ?? [] };
  }

  async #get(
    url: URL,
    request: LoadRequest,
    policy: LoadPolicy,
    seen: { status: number },
  ): Promise<LoadResult> {
    const { clock } = this.#options;
    const { kind, byteRange } = request;
    const startedAtMs = clock.now();
    const startedMs = clock.monotonic();
    const timeout = (what: string, ms: number) => (): HlsStreamError =>
      new HlsStreamError('HLS_TIMEOUT', `The ${kind} at ${shown(url)} had ${what} after ${ms} ms`, {
        resource: kind,
      });

    using total = deadline(
      clock,
      policy.totalTimeoutMs,
      timeout('not ended', policy.totalTimeoutMs),
      request.signal,
    );
    const stop = new AbortController();
    total.signal.addEventListener('abort', () => stop.abort(total.signal.reason), { once: true });
    if (total.signal.aborted) stop.abort(total.signal.reason);
    const noAnswer = timeout('no answer', policy.firstByteTimeoutMs);
    const cancelFirstByte = clock.after(policy.firstByteTimeoutMs, () => stop.abort(noAnswer()));

    const { response, from } = await this.#ask(url, request, stop.signal).finally(cancelFirstByte);
    const firstByteMs = clock.monotonic() - startedMs;
    seen.status = response.statusCode;
    const stalled = timeout('stalled', policy.stallTimeoutMs);
    let cancelStall = (): void => {};
    let received = 0;
    const announced = contentLength(response.headers);
    const onProgress = (bytes: number): void => {
      received += bytes;
      request.onBytes?.(received, announced);
      cancelStall();
      cancelStall = clock.after(policy.stallTimeoutMs, () => stop.abort(stalled()));
    };
    try {
      this.#judge(response, from, kind);
      onProgress(0);
      const name = SIZE_LIMITS[kind];
      const limit = { name, bytes: this.#limits[name] };
      const bytes = await readBody(response, kind, limit, byteRange ?? null, onProgress);
      return {
        bytes,
        url: from.href,
        status: response.statusCode,
        headers: response.headers,
        timing: { startedAtMs, firstByteMs, totalMs: clock.monotonic() - startedMs },
      };
    } catch (error) {
      letGo(response);
      throw error;
    } finally {
      cancelStall();
    }
  }

  /** The first response that is no redirect to follow, and where it came from. */
  async #ask(
    url: URL,
    request: LoadRequest,
    signal: AbortSignal,
  ): Promise<{ response: Dispatcher.ResponseData; from: URL }> {
    const { kind, byteRange } = request;
    const { maxRedirects } = this.#limits;
    const rule = this.#ruleFor(request);
    let from = url;
    for (let followed = 0; ; followed++) {
      const { origin, pathname, search } = from;
      const headers = headersFor(from, byteRange);
      const answer = this.#agent.request({ origin, path: pathname + search, method: 'GET', headers, signal });
      // undici looks at its signal only once it is connected.
      const response = await orAborted(answer, signal);
      try {
        const target = redirectTarget(response, from, { kind, rule, followed, maxRedirects });
        if (target === null) return { response, from };
        from = target;
      } catch (error) {
        letGo(response);
        throw error;
      }
      letGo(response);
    }
  }

  #judge(response: Dispatcher.ResponseData, url: URL, kind: ResourceKind): void {
    const { statusCode: status, headers } = response;
    if (status === 200 || status === 206) {
      const encoding = header(headers, 'content-encoding') ?? 'identity';
      if (encoding === 'identity') return;
      throw new HlsStreamError(
        'HLS_UNSUPPORTED',
        `The ${kind} at ${shown(url)} is compressed (${plain(encoding, ENCODING) ?? 'in an unknown way'}), though it was asked for as it is`,
        {
          resource: kind,
          status,
        },
      );
    }
    // AWS adds a URL after the name.
    const errorName = plain(header(headers, 'x-amzn-errortype')?.split(':', 1)[0], ERROR_NAME);
    const requestId = plain(header(headers, 'x-amzn-requestid'), REQUEST_ID);
    const pauseMs = retryAfterMs(
      header(headers, 'retry-after'),
      header(headers, 'date'),
      this.#options.clock.now(),
    );
    const advice =
      status === 403
        ? ': the session is expired or refused, a new one is needed'
        : status >= 300 && status < 400
          ? redirectAdvice(this.#limits.maxRedirects)
          : '';
    throw new HlsStreamError(
      status === 403 ? 'HLS_SESSION_EXPIRED' : 'HLS_STATUS',
      `The ${kind} at ${shown(url)} was answered ${status}${errorName ? ` ${errorName}` : ''}${advice}`,
      { status, resource: kind, errorName, requestId, retryAfterMs: pauseMs },
    );
  }

  /** Errors of the HTTP client in this package's words. */
  #translate(error: unknown, url: URL, kind: ResourceKind, status: number): unknown {
    if (error instanceof HlsStreamError) return error;
    const { code: value } = error as { code?: unknown };
    const code = typeof value === 'string' ? value : '';
    if (error instanceof errors.ConnectTimeoutError) {
      return new HlsStreamError('HLS_TIMEOUT', `No connection to ${url.host} in time for the ${kind}`, {
        resource: kind,
        cause: error,
      });
    }
    // A connection that ends in the middle of a body is the network's doing, not damage: the next try may well get it all.
    const what = status === 0 ? 'can not be had' : 'broke off';
    const advice = certificateAdvice(code);
    const why = advice === null ? code || 'connection failed' : `${advice} (${code})`;
    return new HlsStreamError('HLS_NETWORK', `The ${kind} at ${shown(url)} ${what}: ${why}`, {
      resource: kind,
      ...(status !== 0 && { status }),
      cause: error,
    });
  }
}

/** A deadline of the caller's is a failure; any other reason to abort is its own affair. */
function outcomeOf(failure: unknown): LoadOutcome {
  return failure instanceof HlsStreamError ? (failure.code as LoadOutcome) : 'cancelled';
}

/** Left unread a body would hold its connection; its own failure is of no interest any more. */
function letGo({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => {}).destroy();
}

/** What a promise brings, or the signal's reason as soon as that is aborted; an answer that comes later is let go. */
function orAborted(
  answer: Promise<Dispatcher.ResponseData>,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    answer.then((response) => {
      if (signal.aborted) letGo(response);
      else resolve(response);
    }, reject);
  });
}

function headersFor(url: URL, byteRange: ByteRange | null | undefined): Record<string, string> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'kvs-frames' };
  if (url.username !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  if (byteRange) headers['range'] = `bytes=${byteRange.offset}-${byteRange.offset + byteRange.length - 1}`;
  return headers;
}
