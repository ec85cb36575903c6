/** One HLS streaming session: a URL that opens the video to whoever holds it, and until when. */
export interface Session {
  /** Counts up from 1 within a provider; safe to log, unlike the URL. */
  readonly id: number;
  /** Master or media playlist URL. Holds the session token: never logged, never in an error. */
  readonly url: string;
  /** Unix ms after which the server refuses the session; `Infinity` if it never does. */
  readonly expiresAtMs: number;
  /** The same by the monotonic clock, which is what waits go by: the host's clock may be set meanwhile. */
  readonly endsAtMs: number;
}

/** What a new session should be good for. */
export interface SessionRequest {
  signal: AbortSignal;
  /**
   * Date (Unix ms, of the session's own fragment clock) of the last fragment that was consumed.
   * LIVE_REPLAY and ON_DEMAND sessions start there instead of at the range's start; LIVE ignores it.
   */
  resumeAtMs?: number;
  /**
   * Instead of what the provider is for: a recording of this stretch of the same stream, `fromMs` inclusive to `toMs`
   * exclusive, Unix ms of the session's own fragment clock. Of more than 24 h the newest are taken. Fails with
   * `KVS_EMPTY_RANGE` if nothing was recorded, and with `HLS_UNSUPPORTED` where nothing can be.
   */
  range?: { readonly fromMs: number; readonly toMs: number };
}

/** Where sessions come from. Callers that overlap share one acquisition. */
export interface SessionProvider {
  /** Throws `KvsConnectionError`. Makes its calls once: when to try again is the caller's decision. */
  acquire(request: SessionRequest): Promise<Session>;
  /** Lets go of connections and caches it owns. */
  close(): void;
}
