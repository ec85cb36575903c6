import { sleep, type Clock } from '../clock.js';
import { HlsStreamError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Session } from '../session/provider.js';
import { stallLimitMs } from './cursor.js';
import type { Loader, ResourceKind } from './loader.js';
import {
  isTransient,
  nextPollMs,
  openingPace,
  paceAfter,
  pauseAfterErrorMs,
  TOLERATED_PLAYLIST_ERRORS,
  type Pace,
} from './pace.js';
import { parsePlaylist, type MediaPlaylist, type Playlist } from './playlist.js';
import { RateLimit } from './rate-limit.js';
import { chooseVariant, type VariantLimits } from './variant.js';

export interface TrackDependencies {
  loader: Loader;
  clock: Clock;
  /** Spreads pauses; answers 0 ≤ n < 1. */
  random: () => number;
  logger: Logger;
  limits: VariantLimits;
  /** Fragment requests that the session allows in a second. */
  fragmentsPerSecond: number;
  /** A media playlist was read. */
  onPlaylist?: ((news: PlaylistNews) => void) | undefined;
}

export interface PlaylistNews {
  sessionId: number;
  /** Fragments that the list before did not have. */
  fresh: number;
  targetDurationMs: number;
  /** Date of the newest listed fragment, Unix ms. */
  edgeDateMs: number | null;
}

/** How much a poll brought. */
export interface Poll {
  list: MediaPlaylist;
  /** Fragments that the list before did not have. */
  fresh: number;
}

/** Playlist requests that a KVS session allows in a second (its quotas page); nobody needs more. */
const PLAYLISTS_PER_SECOND = 5;

function newestDurationMs(list: MediaPlaylist): number {
  return list.fragments.at(-1)?.durationMs || list.targetDurationMs;
}

/** The media playlist of one session, kept up to date by polling. */
export class Track {
  readonly session: Session;
  readonly origin: string;
  readonly #with: TrackDependencies;
  /** Ends the wait for the next poll when another session has taken over. */
  readonly #retired = new AbortController();
  /** Set once open. */
  #list: MediaPlaylist | null = null;
  #listUrl = '';
  #pace: Pace = openingPace(0, 0, 0);
  #lastPollMs = 0;
  #lastChangeMs = 0;
  readonly #playlistRate: RateLimit;
  readonly #fragmentRate: RateLimit;

  constructor(session: Session, dependencies: TrackDependencies) {
    this.session = session;
    this.origin = new URL(session.url).origin;
    this.#with = dependencies;
    this.#playlistRate = new RateLimit(dependencies.clock, PLAYLISTS_PER_SECOND);
    this.#fragmentRate = new RateLimit(dependencies.clock, dependencies.fragmentsPerSecond);
  }

  get isOpen(): boolean {
    return this.#list !== null;
  }

  /** The newest list; only after {@link open}. */
  get list(): MediaPlaylist {
    if (this.#list === null) throw new Error('Track is not open');
    return this.#list;
  }

  /** Loads the session's playlist and, if it is a master, the chosen variant's. */
  async open(signal: AbortSignal): Promise<void> {
    const { url } = this.session;
    let playlist = await this.#fetch(url, 'master', signal);
    this.#listUrl = url;
    if (playlist.kind === 'master') {
      this.#listUrl = chooseVariant(playlist.variants, this.#with.limits).url;
      playlist = await this.#fetch(this.#listUrl, 'playlist', signal);
    }
    const nowMs = this.#with.clock.monotonic();
    this.#list = this.#media(playlist);
    this.#lastPollMs = nowMs;
    this.#lastChangeMs = nowMs;
    this.#pace = openingPace(nowMs, newestDurationMs(this.#list), this.#list.targetDurationMs);
    this.#tell(this.#list, this.#list.fragments.length);
  }

  /**
   * Waits until the next poll is due, and polls.
   *
   * @throws HlsStreamError `HLS_STALLED` when nothing new was listed for three target durations (at least 10 s),
   *   and what the loader and the parser throw
   */
  async advance(signal: AbortSignal): Promise<Poll> {
    const { clock } = this.#with;
    const signals = [signal, this.#retired.signal];
    await this.#wait(nextPollMs(this.#pace, this.#lastPollMs) - clock.monotonic(), signals);
    const poll = await this.refresh(signal);
    if (!poll.list.ended && poll.fresh === 0) this.#refuseStall();
    return poll;
  }

  /** Polls as soon as the rate limit allows. */
  async refresh(signal: AbortSignal): Promise<Poll> {
    const { clock } = this.#with;
    const startedMs = clock.monotonic();
    const list = this.#media(await this.#fetch(this.#listUrl, 'playlist', signal));
    const before = this.list;
    const ends = [before, list].map(({ mediaSequence, fragments }) => mediaSequence + fragments.length) as [
      number,
      number,
    ];
    // Numbers that went back mean a restarted count, unless it is an old copy of the list.
    const fresh = ends[1] <= before.mediaSequence ? list.fragments.length : Math.max(0, ends[1] - ends[0]);
    this.#lastPollMs = startedMs;
    if (fresh > 0 || list.ended) this.#lastChangeMs = clock.monotonic();
    this.#pace = paceAfter(this.#pace, startedMs, fresh, newestDurationMs(list), list.targetDurationMs);
    // An old copy of a list would hide what is already known.
    if (fresh > 0 || ends[1] >= ends[0]) this.#list = list;
    this.#tell(list, fresh);
    return { list: this.list, fresh };
  }

  /** Resolves when the session allows another fragment request. */
  admitFragment(signal: AbortSignal): Promise<void> {
    return this.#fragmentRate.admit(signal);
  }

  /** Ends a wait in {@link advance}: it rejects. */
  retire(): void {
    this.#retired.abort(new Error('Another session has taken over'));
  }

  #tell({ fragments, targetDurationMs }: MediaPlaylist, fresh: number): void {
    const edgeDateMs = fragments.at(-1)?.dateMs ?? null;
    this.#with.onPlaylist?.({ sessionId: this.session.id, fresh, targetDurationMs, edgeDateMs });
  }

  #refuseStall(): void {
    const limitMs = stallLimitMs(this.list.targetDurationMs);
    const stillMs = this.#with.clock.monotonic() - this.#lastChangeMs;
    if (stillMs <= limitMs) return;
    throw new HlsStreamError(
      'HLS_STALLED',
      `The playlist has shown no new fragment for ${Math.round(stillMs)} ms`,
      {
        resource: 'playlist',
      },
    );
  }

  #media(playlist: Playlist): MediaPlaylist {
    if (playlist.kind === 'media') return playlist;
    throw new HlsStreamError(
      'HLS_PLAYLIST_INVALID',
      'A master playlist stands where a media playlist is expected',
      {
        resource: 'playlist',
      },
    );
  }

  async #fetch(url: string, kind: ResourceKind, signal: AbortSignal): Promise<Playlist> {
    const { loader, clock, random, logger } = this.#with;
    for (let errors = 0; ; errors++) {
      await this.#playlistRate.admit(signal);
      try {
        const { bytes } = await loader.load({ url, kind, origin: this.origin, signal });
        return parsePlaylist(new TextDecoder().decode(bytes), url);
      } catch (error) {
        signal.throwIfAborted();
        if (!isTransient(error) || errors >= TOLERATED_PLAYLIST_ERRORS) throw error;
        logger.debug(`Playlist of session ${this.session.id} failed, asking again: ${error.message}`);
        await sleep(clock, pauseAfterErrorMs(errors, random(), error.retryAfterMs), signal);
      }
    }
  }

  async #wait(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    const stop = new AbortController();
    const onAbort = (event: Event): void => stop.abort((event.target as AbortSignal).reason);
    for (const signal of signals) {
      signal.throwIfAborted();
      signal.addEventListener('abort', onAbort, { once: true });
    }
    try {
      if (ms > 0) await sleep(this.#with.clock, ms, stop.signal);
    } finally {
      for (const signal of signals) signal.removeEventListener('abort', onAbort);
    }
  }
}
