import { sleep } from '../clock.js';
import type { Session } from '../session/provider.js';
import type { Bookmark } from './bookmark.js';
import { canTakeOver } from './cursor.js';
import { linked } from './linked.js';
import { Track, type TrackDependencies } from './track.js';

/** How long a session that fails waits for the one that is being opened to replace it, in ms: as long as that may take. */
const REPLACEMENT_MS = 5_000;
/** Fragments that an offered session must have listed since it was opened until it is hopeless that one is known. */
const HOPELESS_AFTER = 2;

/** A session that waits to take over, and what ends its wait. */
interface Candidate {
  track: Track;
  stop: AbortController;
  opened: Promise<void>;
  /** It took over from one that failed; what is followed since does not tell. */
  hasReplaced: boolean;
}

/** What the sessions are followed with. */
export interface SuccessionHost {
  bookmark: Bookmark;
  trackWith: TrackDependencies;
  /** Makes a track the one that is followed. */
  adopt: (track: Track) => void;
  /** A fragment is taken, and neither fetched nor put back yet. */
  isUnderWay: () => boolean;
}

function listEnd({ list }: Track): number {
  return list.mediaSequence + list.fragments.length;
}

/** Lets one session take over from another. */
export class Succession {
  readonly #host: SuccessionHost;
  #candidate: Candidate | null = null;

  constructor(host: SuccessionHost) {
    this.#host = host;
  }

  /** Whether a session waits to take over. */
  get isPending(): boolean {
    return this.#candidate !== null;
  }

  /** As {@link Follower.offer}, while what `running` ends goes on. */
  async offer(session: Session, signal: AbortSignal, running: AbortSignal): Promise<void> {
    if (this.#candidate !== null) throw new Error('Another session waits to take over already');
    const { bookmark, trackWith } = this.#host;
    const track = new Track(session, trackWith);
    const { controller, unlink } = linked(signal, running);
    const opened = track.open(controller.signal);
    const candidate: Candidate = { track, stop: controller, opened, hasReplaced: false };
    this.#candidate = candidate;
    try {
      await opened;
      const openingEnd = listEnd(track);
      while (bookmark.track !== track) {
        const isHopeless = listEnd(track) - openingEnd >= HOPELESS_AFTER;
        if (await this.#takeOver(track, isHopeless, controller.signal)) return;
        await track.advance(controller.signal);
      }
    } catch (error) {
      if (!candidate.hasReplaced && bookmark.track !== track) throw error;
    } finally {
      unlink();
      this.#candidate = null;
    }
  }

  /** The session of a track is of no more use: whether one that was offered takes over. Waits while that one is being opened. */
  async replace(track: Track, error: unknown, signal: AbortSignal): Promise<boolean> {
    const { bookmark, trackWith, adopt } = this.#host;
    const candidate = this.#candidate;
    if (bookmark.track === track && candidate !== null && !candidate.track.isOpen) {
      const waiting = linked(signal);
      await Promise.race([
        candidate.opened.catch(() => {}),
        sleep(trackWith.clock, REPLACEMENT_MS, waiting.controller.signal).catch(() => {}),
      ]);
      waiting.unlink();
      waiting.controller.abort();
      signal.throwIfAborted();
    }
    if (bookmark.track !== track) return true;
    if (candidate === null || candidate !== this.#candidate || !candidate.track.isOpen) return false;
    const reason = error instanceof Error ? error.message : String(error);
    trackWith.logger.info(`Session ${track.session.id} failed while being replaced: ${reason}`);
    await bookmark.examine(candidate.track, signal);
    if (bookmark.track !== track) return true;
    candidate.hasReplaced = true;
    adopt(candidate.track);
    candidate.stop.abort(new Error('This session has taken over'));
    return true;
  }

  /**
   * Makes an offered session the one that is followed, if nothing is lost or repeated by it, or if nothing tells and
   * waiting is hopeless.
   */
  async #takeOver(track: Track, isHopeless: boolean, signal: AbortSignal): Promise<boolean> {
    const { bookmark, adopt, isUnderWay } = this.#host;
    if (bookmark.canMoveTo(track) !== true) await bookmark.examine(track, signal);
    // From here on without a pause: the old session goes on meanwhile.
    if (bookmark.track === null || bookmark.track === track) return false;
    const { position, digests } = bookmark.at;
    const isByPayload = canTakeOver(track.list, track.variants.feed, position) === null;
    // What is on its way has no digest yet.
    if (isByPayload && isUnderWay()) return false;
    const can = bookmark.canMoveTo(track) ?? (bookmark.isAtEnd && (isHopeless || digests.length === 0));
    if (can) adopt(track);
    return can;
  }
}
