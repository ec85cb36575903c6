import type { Clock } from '../clock.js';
import type { FrameSourceError } from '../errors.js';
import type { SourceLimits } from '../limits.js';
import type { Logger } from '../logger.js';
import type { Download } from './bandwidth.js';
import type { Position, StartRule } from './cursor.js';
import type { Loader } from './loader.js';
import type { TrackDependencies } from './track.js';
import type { VariantLimits } from './variant.js';

/** A fragment that is given up, for the ledger of what was lost. */
export interface SkippedFragment {
  sessionId: number;
  sequence: number;
  dateMs: number | null;
  durationMs: number;
  /** Why, or `null` if the playlist itself says that it is missing (`EXT-X-GAP`). */
  error: FrameSourceError | null;
}

/** News for metrics and logs; none of them may throw. */
export interface FollowerHooks {
  /** A listed fragment is given up; the next one handed over counts it in `lost`. */
  onSkip?: (skipped: SkippedFragment) => void;
  /** A media playlist was read. */
  onPlaylist?: TrackDependencies['onPlaylist'];
  /** A fragment was downloaded, or given up as too slow. Not told of those fetched {@link Follower.again}. */
  onDownload?: (download: Download) => void;
}

export interface FollowerOptions extends VariantLimits {
  loader: Loader;
  clock: Clock;
  logger: Logger;
  /** Spreads pauses; answers 0 ≤ n < 1. */
  random: () => number;
  /**
   * Fragments before the newest at which a live list is entered. Default 0: the newest whole fragment. More only
   * makes the first frames older; nothing is gained in continuity, since nothing is played to a clock.
   */
  startFragmentsBehind?: number;
  /** Fragment requests a second and session, at most. KVS allows 20. Default: no limit. */
  fragmentsPerSecond?: number;
  /** Where another follower of the same stream was: this one goes on behind it. Default `null`: enters the list afresh. */
  position?: Position | null;
  /** `beginning` enters a list at its first fragment (LIVE_REPLAY). Lists that have ended always are. Default `edge`. */
  startAt?: StartRule['at'];
  /** Default: `DEFAULT_LIMITS`. */
  limits?: Pick<Required<SourceLimits>, 'maxPlaylistEntries' | 'maxQueuedBytes'>;
  hooks?: FollowerHooks;
}
