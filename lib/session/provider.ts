/** One HLS streaming session: a URL that opens the video to whoever holds it, and until when. */
export interface Session {
  /** Counts up from 1 within a provider; safe to log, unlike the URL. */
  readonly id: number;
  /** Master or media playlist URL. Holds the session token: never logged, never in an error. */
  readonly url: string;
  /** Unix ms after which the server refuses the session; `Infinity` if it never does. */
  readonly expiresAtMs: number;
}

/** What a new session should be good for. */
export interface SessionRequest {
  signal: AbortSignal;
  /**
   * Date (Unix ms, of the session's own fragment clock) of the last fragment that was consumed.
   * LIVE_REPLAY and ON_DEMAND sessions start there instead of at the range's start; LIVE ignores it.
   */
  resumeAtMs?: number;
}

/** Where sessions come from. Callers that overlap share one acquisition. */
export interface SessionProvider {
  /** Throws `KvsConnectionError`; never retries by itself beyond what the SDK does. */
  acquire(request: SessionRequest): Promise<Session>;
  /** Lets go of connections and caches it owns. */
  close(): void;
}
