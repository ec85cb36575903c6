import { randomBytes } from 'node:crypto';

import { Listing } from './listing.js';
import type { SessionParameters } from './session-parameters.js';
import type { KvsStream } from './stream.js';

/** What may be known about a session from outside; its token is not part of it. */
export interface SessionInfo {
  /** Counts up from 1 within the simulator. */
  readonly id: number;
  /** Counts up from 1 within the stream. */
  readonly ordinal: number;
  readonly stream: string;
  readonly parameters: SessionParameters;
  readonly createdAtMs: number;
  /** Unix ms from which on it is refused; 0 once {@link expire} was called. */
  readonly expiresAtMs: number;
  /** Refuses it from now on. */
  expire(): void;
}

export class PlaybackSession implements SessionInfo {
  readonly id: number;
  readonly ordinal: number;
  readonly token = sessionToken();
  readonly playedStream: KvsStream;
  readonly parameters: SessionParameters;
  readonly createdAtMs: number;
  readonly listing: Listing;
  /** Set once KVS would have given the session up for want of data; never cleared. */
  isAbandoned = false;
  #expiresAtMs: number;

  constructor(
    ids: { id: number; ordinal: number },
    stream: KvsStream,
    parameters: SessionParameters,
    times: { nowMs: number; lifetimeSeconds: number },
    liveNumbers: 'session' | 'global',
  ) {
    this.id = ids.id;
    this.ordinal = ids.ordinal;
    this.playedStream = stream;
    this.parameters = parameters;
    this.createdAtMs = times.nowMs;
    this.#expiresAtMs = times.nowMs + times.lifetimeSeconds * 1000;
    this.listing = new Listing(stream.store, parameters, liveNumbers);
  }

  get stream(): string {
    return this.playedStream.name;
  }

  get expiresAtMs(): number {
    return this.#expiresAtMs;
  }

  expire(): void {
    this.#expiresAtMs = 0;
  }
}

/** Expired sessions are remembered this long, for whoever asks what became of them. */
const rememberedMs = 3_600_000;

/** All sessions of a simulator, by token. */
export class Sessions {
  readonly #byToken = new Map<string, PlaybackSession>();
  readonly #madeByStream = new Map<string, number>();
  #made = 0;

  get all(): PlaybackSession[] {
    return [...this.#byToken.values()];
  }

  /** Sessions ever made of a stream. */
  madeOf(stream: string): number {
    return this.#madeByStream.get(stream) ?? 0;
  }

  create(
    stream: KvsStream,
    parameters: SessionParameters,
    times: { nowMs: number; lifetimeSeconds: number },
    liveNumbers: 'session' | 'global',
  ): PlaybackSession {
    for (const [token, session] of this.#byToken) {
      // Sessions that nobody polls any more must not keep media alive beyond the stream's own limits.
      session.listing.prune(times.nowMs >= session.expiresAtMs);
      if (
        session.createdAtMs < times.nowMs - rememberedMs &&
        session.expiresAtMs < times.nowMs - rememberedMs
      ) {
        this.#byToken.delete(token);
      }
    }
    const ordinal = this.madeOf(stream.name) + 1;
    this.#madeByStream.set(stream.name, ordinal);
    const ids = { id: ++this.#made, ordinal };
    const session = new PlaybackSession(ids, stream, parameters, times, liveNumbers);
    this.#byToken.set(session.token, session);
    return session;
  }

  /** The session of a token, unless it is unknown or expired. */
  find(token: string, nowMs: number): PlaybackSession | undefined {
    const session = this.#byToken.get(token);
    return session !== undefined && nowMs < session.expiresAtMs ? session : undefined;
  }
}

/** Field sizes of real tokens: four length-prefixed fields, 113 bytes in all. */
const tokenFieldBytes = [32, 16, 25, 32];

/** 152 characters of URL-safe base64, `~` for padding, beginning with `Ci`: the shape of AWS's tokens. */
export function sessionToken(): string {
  const fields = tokenFieldBytes.map((bytes, index) =>
    Buffer.concat([Buffer.from([((index + 1) << 3) | 2, bytes]), randomBytes(bytes)]),
  );
  return Buffer.concat(fields).toString('base64').replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '~');
}
