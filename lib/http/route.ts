import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that was let in: host, token and method are checked. */
export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST';
  /** Decoded, without the query, e.g. `/cameras`. */
  path: string;
  /** What a route's pattern captured. */
  parameters: readonly string[];
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** The body's JSON, of at most 4 KiB; `undefined` where there is none. */
  json: unknown;
  /** The token was shown, or none is asked for: the answer may name cameras. Always true but for open routes. */
  isTrusted: boolean;
  /** Fires when the answer's last byte is written, the client has gone, or the server closes. */
  signal: AbortSignal;
}

/** Something that is served. */
export interface Route {
  /** `GET` answers `HEAD` too. */
  method: 'GET' | 'POST';
  /** The path, or a pattern of all of it. */
  path: string | RegExp;
  /** May be asked for without the token. Default false. */
  isOpen?: boolean;
  /**
   * Answers. The headers that every answer has are set already; it may replace them. It has 30 s to begin, and once it has ended,
   * the client has 10 s to take the rest; a stream is its route's to end at the signal. What it throws becomes a 500 without
   * its words, or a `ConfigError` a 400 with them.
   */
  handle(request: HttpRequest, response: ServerResponse): void | Promise<void>;
}
