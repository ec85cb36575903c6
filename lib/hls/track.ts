import { deadline, sleep, type Clock } from '../clock.js';
import { HlsStreamError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Session } from '../session/provider.js';
import { isTransientPoll, pauseAfterMs } from './failure.js';
import { linked } from './linked.js';
import type { Loader, ResourceKind } from './loader.js';
import { nextPollMs, openingPace, paceAfter, type Pace } from './pace.js';
import { parsePlaylist, type MediaPlaylist, type Playlist, type Variant } from './playlist.js';
import { RateLimit } from './rate-limit.js';
import { rhythmAfter, stallLimitMs, UNKNOWN_RHYTHM, type Rhythm } from './rhythm.js';
import { Sightings, type Sighting } from './sightings.js';
import { isVariantsFault, SessionVariants } from './session-variants.js';
import { ladderOf, type VariantLimits } from './variant.js';
import type { VariantChoice } from './variant-choice.js';

export interface TrackDependencies {
  loader: Loader;
  clock: Clock;
  /** Spreads pauses; answers 0 ≤ n < 1. */
  random: () => number;
  logger: Logger;
  variantLimits: VariantLimits;
  /** Entries that a playlist may have. */
  maxPlaylistEntries: number;
  choice: VariantChoice;
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
/** Polls in a row that may fail. */
const TOLERATED_ERRORS = 3;

/** Variants that are tried at a time. Each costs a request, and those refused come last when the next session opens. */
const MAX_TRIES = 8;

/** Until the playlist of a variant that is not needed yet must be here, in ms: the fragments wait meanwhile. */
const SIBLING_TIMEOUT_MS = 3_000;

function newestDurationMs(list: MediaPlaylist): number {
  return list.fragments.at(-1)?.durationMs || list.targetDurationMs;
}

/** One variant's media playlist of a session, kept up to date by polling. */
export class Track {
  readonly session: Session;
  readonly origin: string;
  readonly #with: TrackDependencies;
  /** Another session has taken over. */
  readonly #retired = new AbortController();
  /** Set once open. */
  #list: MediaPlaylist | null = null;
  #listUrl = '';
  /** What was read last. */
  #parsed: { url: string; bytes: Uint8Array; playlist: Playlist } | null = null;
  #variants: SessionVariants;
  /** What the newest list replaced. */
  #before: MediaPlaylist | null = null;
  readonly #sightings = new Sightings();
  #pace: Pace = openingPace(0, 0, 0);
  #rhythm: Rhythm = UNKNOWN_RHYTHM;
  #lastPollMs = 0;
  #lastChangeMs = 0;
  /** How long after the last change nothing new was listed yet; `null` before the next poll. */
  #silenceMs: number | null = null;
  readonly #playlistRate: RateLimit;
  readonly #fragmentRate: RateLimit;

  /** `sibling`: a track of the same session, whose limits it shares and whose pace it goes on at. */
  constructor(session: Session, dependencies: TrackDependencies, sibling?: Track) {
    this.session = session;
    this.origin = new URL(session.url).origin;
    this.#with = dependencies;
    this.#variants = new SessionVariants(session, dependencies);
    const { clock, fragmentsPerSecond } = dependencies;
    this.#playlistRate = sibling ? sibling.#playlistRate : new RateLimit(clock, PLAYLISTS_PER_SECOND);
    this.#fragmentRate = sibling ? sibling.#fragmentRate : new RateLimit(clock, fragmentsPerSecond);
    if (sibling) this.#rhythm = sibling.#rhythm;
  }

  /** The session's variants, and which one this is. */
  get variants(): SessionVariants {
    return this.#variants;
  }

  /** Whether another variant is read where this one does not suit the bandwidth: a recording does not run away. */
  get isAdaptive(): boolean {
    return this.#variants.areSteps && !this.list.ended && !this.list.vod;
  }

  get isOpen(): boolean {
    return this.#list !== null;
  }

  /** The newest list; only after {@link open}. */
  get list(): MediaPlaylist {
    if (this.#list === null) throw new Error('Track is not open');
    return this.#list;
  }

  /** How long the list may show nothing new until {@link advance} throws, in ms: by its own rhythm. */
  get stallLimitMs(): number {
    return stallLimitMs(this.#rhythm, this.#list?.targetDurationMs ?? 0);
  }

  /** Whether the next poll is due. */
  get isDue(): boolean {
    return this.#with.clock.monotonic() >= nextPollMs(this.#pace, this.#lastPollMs);
  }

  /** When a listed fragment was first seen. */
  sightingOf(sequence: number): Sighting | null {
    return this.#sightings.of(sequence);
  }

  /**
   * Length in ms of `count` fragments from `sequence` on that may not be listed any more: as the list or the one before
   * told, else that of `elseMs` each.
   */
  lengthMs(sequence: number, count: number, elseMs: number): number {
    const known = new Map<number, number>();
    for (const fragment of [...(this.#before?.fragments ?? []), ...this.list.fragments]) {
      const isAsked = fragment.sequence >= sequence && fragment.sequence < sequence + count;
      if (isAsked && fragment.durationMs > 0) known.set(fragment.sequence, fragment.durationMs);
    }
    const knownMs = [...known.values()].reduce((sum, ms) => sum + ms, 0);
    return knownMs + (count - known.size) * elseMs;
  }

  /** Loads the session's playlist and, if it is a master, that of a variant: of the first of {@link MAX_TRIES} that can be had. */
  async open(signal: AbortSignal): Promise<void> {
    const { url } = this.session;
    const sentMs = this.#with.clock.monotonic();
    const playlist = await this.#fetch(url, 'master', signal);
    if (playlist.kind === 'media') return this.#begin(url, playlist, sentMs);
    const { choice, clock, variantLimits } = this.#with;
    const ladder = ladderOf(playlist.variants, variantLimits);
    let failure: unknown;
    for (const variant of choice.order(ladder, clock.monotonic()).slice(0, MAX_TRIES)) {
      const variants = new SessionVariants(this.session, this.#with, { ladder, variant });
      try {
        await this.#openVariant(variants, variant, signal);
        return;
      } catch (error) {
        failure ??= error;
        signal.throwIfAborted();
        if (!isVariantsFault(error)) throw error;
        variants.refuse(error);
      }
    }
    throw failure;
  }

  /** Another variant of the session, opened; `null` if it can't be had in time. It is then left alone for a while. */
  async sibling(variant: Variant, parent: AbortSignal): Promise<Track | null> {
    const { clock } = this.#with;
    const tooLate = (): Error =>
      new HlsStreamError('HLS_TIMEOUT', `Its playlist did not come within ${SIBLING_TIMEOUT_MS} ms`);
    using limit = deadline(clock, SIBLING_TIMEOUT_MS, tooLate, parent);
    const track = new Track(this.session, this.#with, this);
    try {
      await track.#openVariant(this.#variants.other(variant), variant, limit.signal);
      return track;
    } catch (error) {
      parent.throwIfAborted();
      this.#variants.refuse(error, variant);
      return null;
    }
  }

  /** The first other variant of the session that can be had, of {@link MAX_TRIES}; `null` if none can. */
  async instead(signal: AbortSignal): Promise<Track | null> {
    for (const variant of this.#variants.others().slice(0, MAX_TRIES)) {
      const track = await this.sibling(variant, signal);
      if (track !== null) return track;
    }
    return null;
  }

  async #openVariant(variants: SessionVariants, variant: Variant, signal: AbortSignal): Promise<void> {
    const sentMs = this.#with.clock.monotonic();
    const list = this.#media(await this.#fetch(variant.url, 'playlist', signal));
    this.#variants = variants;
    this.#begin(variant.url, list, sentMs);
  }

  #begin(url: string, list: MediaPlaylist, sentMs: number): void {
    const nowMs = this.#with.clock.monotonic();
    this.#listUrl = url;
    this.#list = list;
    this.#lastPollMs = nowMs;
    this.#lastChangeMs = nowMs;
    this.#pace = openingPace(nowMs, newestDurationMs(list), list.targetDurationMs);
    this.#note(list, list.fragments.length, sentMs, false);
  }

  /**
   * Waits until the next poll is due, and polls, again if need be.
   *
   * @throws HlsStreamError `HLS_STALLED` when nothing new was listed for {@link stallLimitMs}, and what the loader and
   *   the parser throw
   */
  async advance(parent: AbortSignal): Promise<Poll> {
    return this.#untilRetired(parent, async (signal) => {
      const { clock } = this.#with;
      await sleep(clock, Math.max(0, nextPollMs(this.#pace, this.#lastPollMs) - clock.monotonic()), signal);
      const poll = await this.#poll(this.#fetch(this.#listUrl, 'playlist', signal));
      if (!poll.list.ended && poll.fresh === 0) this.#refuseStall();
      return poll;
    });
  }

  /** Polls once, as soon as the rate limit allows. */
  refresh(parent: AbortSignal): Promise<Poll> {
    return this.#untilRetired(parent, (signal) =>
      this.#poll(this.#fetchOnce(this.#listUrl, 'playlist', signal)),
    );
  }

  /** Waits. */
  pause(ms: number, parent: AbortSignal): Promise<void> {
    return this.#untilRetired(parent, (signal) => sleep(this.#with.clock, ms, signal));
  }

  /** Ends polls and pauses: they reject. */
  retire(): void {
    this.#retired.abort(new Error('Another session has taken over'));
  }

  async #untilRetired<T>(parent: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { controller, unlink } = linked(parent, this.#retired.signal);
    try {
      return await work(controller.signal);
    } finally {
      unlink();
    }
  }

  async #poll(fetching: Promise<Playlist>): Promise<Poll> {
    const { clock } = this.#with;
    const startedMs = clock.monotonic();
    const list = this.#media(await fetching);
    const before = this.list;
    const ends = [before, list].map(({ mediaSequence, fragments }) => mediaSequence + fragments.length) as [
      number,
      number,
    ];
    // Numbers that went back mean a restarted count, unless it is an old copy of the list.
    const isRestarted = ends[1] <= before.mediaSequence;
    const fresh = isRestarted ? list.fragments.length : Math.max(0, ends[1] - ends[0]);
    this.#lastPollMs = startedMs;
    this.#pace = paceAfter(this.#pace, startedMs, fresh, newestDurationMs(list), list.targetDurationMs);
    // An old copy of a list would hide what is already known.
    if (fresh > 0 || ends[1] >= ends[0]) {
      this.#before = isRestarted ? null : before;
      this.#list = list;
      this.#note(list, fresh, startedMs, isRestarted);
    }
    return { list: this.list, fresh };
  }

  /** Resolves when the session allows another fragment request. */
  admitFragment(signal: AbortSignal): Promise<void> {
    return this.#fragmentRate.admit(signal);
  }

  /** Remembers and tells what a poll brought. */
  #note(list: MediaPlaylist, fresh: number, sentMs: number, isRestarted: boolean): void {
    const { fragments, targetDurationMs, ended } = list;
    const nowMs = this.#with.clock.monotonic();
    this.#sightings.note(list, sentMs, nowMs, isRestarted);
    if (fresh > 0) {
      const durationsMs = fragments.slice(-fresh).map(({ durationMs }) => durationMs);
      this.#rhythm = rhythmAfter(this.#rhythm, durationsMs, this.#silenceMs);
      this.#silenceMs = null;
    } else {
      this.#silenceMs = sentMs - this.#lastChangeMs;
    }
    if (fresh > 0 || ended) this.#lastChangeMs = nowMs;
    const edgeDateMs = fragments.at(-1)?.dateMs ?? null;
    this.#with.onPlaylist?.({ sessionId: this.session.id, fresh, targetDurationMs, edgeDateMs });
  }

  #refuseStall(): void {
    const limitMs = this.stallLimitMs;
    const stillMs = this.#with.clock.monotonic() - this.#lastChangeMs;
    if (stillMs <= limitMs) return;
    throw new HlsStreamError(
      'HLS_STALLED',
      `The playlist has shown no new fragment for ${Math.round(stillMs)} ms; by its rhythm it may for ${Math.round(limitMs)} ms`,
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

  /** Asks again, after growing pauses, where that may help. */
  async #fetch(url: string, kind: ResourceKind, signal: AbortSignal): Promise<Playlist> {
    const { clock, random, logger } = this.#with;
    for (let errors = 0; ; errors++) {
      try {
        return await this.#fetchOnce(url, kind, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isTransientPoll(error) || errors >= TOLERATED_ERRORS) throw error;
        const afterMs = pauseAfterMs(error, errors, random());
        // What the server asks for is more than this session has.
        if (afterMs > this.stallLimitMs) throw error;
        logger.debug(`Playlist of session ${this.session.id} failed, asking again: ${error.message}`);
        await sleep(clock, afterMs, signal);
      }
    }
  }

  async #fetchOnce(url: string, kind: ResourceKind, signal: AbortSignal): Promise<Playlist> {
    await this.#playlistRate.admit(signal);
    const { loader, maxPlaylistEntries } = this.#with;
    const { bytes, url: base } = await loader.load({ url, kind, origin: this.origin, signal });
    // Every other poll brings nothing new.
    const last = this.#parsed;
    if (last?.url === base && Buffer.compare(last.bytes, bytes) === 0) return last.playlist;
    const playlist = parsePlaylist(new TextDecoder().decode(bytes), base, maxPlaylistEntries);
    this.#parsed = { url: base, bytes, playlist };
    return playlist;
  }
}
