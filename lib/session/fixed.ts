import type { Session, SessionProvider, SessionRequest } from './provider.js';

/** A given playlist URL that needs no session: it never expires, and every acquisition counts as a new session. */
export class FixedUrlProvider implements SessionProvider {
  readonly #url: string;
  #lastId = 0;

  /** @param url master or media playlist, http or https */
  constructor(url: string) {
    this.#url = url;
  }

  /** Rejects only with the signal's reason. */
  async acquire({ signal }: SessionRequest): Promise<Session> {
    signal.throwIfAborted();
    return Promise.resolve({ id: ++this.#lastId, url: this.#url, expiresAtMs: Infinity });
  }

  close(): void {}
}
