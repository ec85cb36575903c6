import { HlsStreamError } from '../errors.js';
import type { Session, SessionProvider, SessionRequest } from './provider.js';

/** A given playlist URL that needs no session: it never expires, and every acquisition counts as a new session. */
export class FixedUrlProvider implements SessionProvider {
  readonly #url: string;
  #lastId = 0;

  /** @param url master or media playlist, http or https */
  constructor(url: string) {
    this.#url = url;
  }

  /** @throws HlsStreamError `HLS_UNSUPPORTED` for a range: a URL has no past to ask for; the signal's reason */
  async acquire({ signal, range }: SessionRequest): Promise<Session> {
    signal.throwIfAborted();
    if (range !== undefined) {
      throw new HlsStreamError('HLS_UNSUPPORTED', 'A fixed URL has no recording that could be asked for');
    }
    return Promise.resolve({ id: ++this.#lastId, url: this.#url, expiresAtMs: Infinity, endsAtMs: Infinity });
  }

  close(): void {}
}
