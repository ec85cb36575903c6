import type { Clock } from '../clock.js';
import { HlsStreamError } from '../errors.js';
import type { Bookmark, Taken } from './bookmark.js';
import type { WholeFragment } from './fragment-fetch.js';
import { apartMs, mediaStartMs } from './media-time.js';
import type { Variant } from './playlist.js';
import { isVariantsFault } from './session-variants.js';
import type { Track } from './track.js';
import type { VariantChoice } from './variant-choice.js';

/** Boundaries at which a list that lags behind is looked at before its variant is left alone. */
const MAX_LOOKS = 3;

/** A variant that is to be read as soon as its list goes on where reading stands. */
interface Awaited {
  from: Track;
  track: Track;
  looks: number;
}

/** What to go on with. */
export interface Replacement {
  track: Track;
  why: string;
}

function unfit(message: string): HlsStreamError {
  return new HlsStreamError('HLS_PLAYLIST_INVALID', message, { resource: 'playlist' });
}

/** Goes over from one variant of a session to another between two fragments. Of a session with one variant it asks nothing. */
export class VariantSwitch {
  readonly #choice: VariantChoice;
  readonly #bookmark: Bookmark;
  readonly #clock: Clock;
  #awaited: Awaited | null = null;
  /** What was read before the variant in use. */
  #left: Variant | null = null;
  /** There is no way back: the fragments of this track are taken as they come. */
  #unproved: Track | null = null;

  constructor(choice: VariantChoice, bookmark: Bookmark, clock: Clock) {
    this.#choice = choice;
    this.#bookmark = bookmark;
    this.#clock = clock;
  }

  /**
   * Between two fragments: the variant to go on with, opened, if the bandwidth asks for another and its list goes on where
   * reading stands; `null` if all stays as it is.
   */
  async better(track: Track, signal: AbortSignal): Promise<Replacement | null> {
    const wish = track.isAdaptive ? this.#choice.wish(this.#clock.monotonic()) : null;
    if (wish === null) {
      this.#awaited = null;
      return null;
    }
    const awaited = await this.#look(track, wish.to, signal);
    this.#awaited = awaited;
    if (awaited === null) return null;
    const isReady = this.#bookmark.joins(awaited.track);
    if (!isReady && awaited.looks < MAX_LOOKS) return null;
    this.#awaited = null;
    if (!isReady) {
      awaited.track.variants.refuse(unfit('its list does not go on where the others stand'));
      return null;
    }
    this.#left = track.variants.variant;
    return { track: awaited.track, why: wish.why };
  }

  /** What can be read instead of a variant that failed; `null`: nothing, or that would not help. */
  async instead(track: Track, error: unknown, signal: AbortSignal): Promise<Replacement | null> {
    if (!isVariantsFault(error) || track.variants.others().length === 0) return null;
    const other = await track.instead(signal);
    if (other === null || this.#bookmark.track !== track) return null;
    // Where all stand still, it is not the variant's fault.
    const isStill = (error as HlsStreamError).code === 'HLS_STALLED' && !this.#bookmark.hasNextIn(other);
    if (isStill) return null;
    track.variants.refuse(error);
    this.#left = null;
    return { track: other, why: 'that can not be had' };
  }

  /** Whether a fragment that another variant lists as the next one is the next one, as far as its own times tell. */
  isProved({ placed, entry, before }: Taken, track: Track, whole: WholeFragment): boolean {
    if (placed.by !== 'sibling' || entry.discontinuity || this.#unproved === track) return true;
    const { mediaEndMs, lost } = before;
    if (mediaEndMs === null || lost.length > 0) return true;
    const startMs = mediaStartMs(whole);
    const isWrapping = whole.container === 'mpegts';
    return startMs === null || apartMs(startMs, mediaEndMs, isWrapping) <= entry.durationMs / 2;
  }

  /** The variant before, since the one in use counts its fragments otherwise; `null` if it must be taken as it is. */
  async back(track: Track, signal: AbortSignal): Promise<Replacement | null> {
    track.variants.refuse(unfit('its fragments are numbered otherwise than those of the others'));
    const before = this.#left === null ? null : await track.sibling(this.#left, signal);
    this.#left = null;
    if (before === null) this.#unproved = track;
    return before && { track: before, why: 'that is numbered otherwise' };
  }

  /** Whether what a track lists next was taken without proof. */
  isUnproved(track: Track): boolean {
    return this.#unproved === track;
  }

  async #look(track: Track, variant: Variant, signal: AbortSignal): Promise<Awaited | null> {
    const known = this.#awaited;
    if (known?.from !== track || known.track.variants.variant !== variant) {
      const opened = await track.sibling(variant, signal);
      return opened && { from: track, track: opened, looks: 1 };
    }
    try {
      await known.track.refresh(signal);
      return { ...known, looks: known.looks + 1 };
    } catch (error) {
      signal.throwIfAborted();
      known.track.variants.refuse(error);
      return null;
    }
  }
}
