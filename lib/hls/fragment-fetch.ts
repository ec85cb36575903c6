import { deadline, type Clock } from '../clock.js';
import { HlsStreamError } from '../errors.js';
import type { Download } from './bandwidth.js';
import { checkFragment, checkInit } from './boxes.js';
import type { FragmentBytes } from './fragment.js';
import { FragmentTries, type Verdict } from './fragment-tries.js';
import type { InitCache } from './init-cache.js';
import { linked } from './linked.js';
import type { Loader, LoadRequest, LoadResult } from './loader.js';
import type { ListedFragment } from './playlist.js';
import type { Track } from './track.js';

export interface FetchDependencies {
  loader: Loader;
  inits: InitCache;
  clock: Clock;
  /** Spreads pauses; answers 0 ≤ n < 1. */
  random: () => number;
  /** Bytes of fragments that may be kept for later. */
  maxKeptBytes: number;
  /** A fragment was downloaded, or given up as too slow. */
  onDownload?: ((download: Download) => void) | undefined;
}

/** A whole, checked fragment. */
export interface WholeFragment extends FragmentBytes {
  readonly container: 'fmp4' | 'mpegts';
}

/** A download was ended in favour of the same fragment of a lower variant. */
export class TooSlow extends Error {}

/** How often a download that takes longer than its fragment is looked at, in fragments' lengths. */
const LOOK_SHARE = 0.25;

/** One listed fragment on its way, over all tries that it takes. */
export class FragmentFetch {
  readonly #track: Track;
  readonly #entry: ListedFragment;
  readonly #with: FetchDependencies;
  readonly #tries: FragmentTries;
  /** Kept where only the init section could not be had. */
  #media: Uint8Array | null;
  /** It gave way once to a lower variant, which could not be had. */
  #mayGiveWay = true;

  /** `media`: its bytes, if they are here already. `sinceMs`: since when the session has brought nothing, monotonic. */
  constructor(
    track: Track,
    entry: ListedFragment,
    dependencies: FetchDependencies,
    media: Uint8Array | null,
    sinceMs: number,
  ) {
    this.#track = track;
    this.#entry = entry;
    this.#with = dependencies;
    this.#tries = new FragmentTries(sinceMs);
    this.#media = media;
  }

  isOf(track: Track, { sequence, url }: ListedFragment): boolean {
    return track === this.#track && sequence === this.#entry.sequence && url === this.#entry.url;
  }

  /** Tries once. Throws what {@link Loader.load} throws. */
  async load(signal: AbortSignal): Promise<WholeFragment> {
    const { init: ref } = this.#entry;
    // Both to their end: where one fails, the other is kept for the next try.
    const [init, media] = await Promise.allSettled([
      ref === null ? null : this.#with.inits.get(ref, this.#track.origin, signal),
      this.#loadMedia(signal),
    ]);
    if (media.status === 'rejected') throw media.reason;
    if (init.status === 'rejected') throw init.reason;
    const container = checkFragment(media.value);
    if (container === 'fmp4' && init.value === null) {
      throw new HlsStreamError(
        'HLS_PLAYLIST_INVALID',
        'Fragments are fMP4, but the playlist names no init section (EXT-X-MAP)',
        { resource: 'playlist' },
      );
    }
    return { container, init: container === 'fmp4' ? init.value : null, media: media.value };
  }

  /** What to do about a failure of {@link load}. */
  judge(error: unknown): Verdict {
    const { stallLimitMs, list } = this.#track;
    return this.#tries.after(error, {
      nowMs: this.#with.clock.monotonic(),
      random: this.#with.random(),
      limitMs: stallLimitMs,
      ended: list.ended,
    });
  }

  async #loadMedia(signal: AbortSignal): Promise<Uint8Array> {
    if (this.#media !== null) return this.#media;
    await this.#track.admitFragment(signal);
    const { url, byteRange, durationMs: mediaMs } = this.#entry;
    const { origin, isAdaptive } = this.#track;
    const check = (bytes: Uint8Array): void => void checkFragment(bytes);
    const request = { url, byteRange, kind: 'fragment', origin, check } as const;
    const { bytes, timing } =
      isAdaptive && mediaMs > 0
        ? await this.#loadUnlessTooSlow(request, mediaMs, signal)
        : await this.#with.loader.load({ ...request, signal });
    this.#onDownload({ bytes: bytes.byteLength, ms: timing.totalMs, mediaMs });
    this.#media = bytes;
    return bytes;
  }

  #onDownload(download: Download): void {
    const { isAdaptive, variants } = this.#track;
    if (isAdaptive && download.mediaMs > 0) variants.onDownload(download);
    this.#with.onDownload?.(download);
  }

  async #loadUnlessTooSlow(
    request: Omit<LoadRequest, 'signal'>,
    mediaMs: number,
    parent: AbortSignal,
  ): Promise<LoadResult> {
    const { clock, loader } = this.#with;
    const { variants } = this.#track;
    const { controller, unlink } = linked(parent);
    const sentMs = clock.monotonic();
    let [bytes, total]: [number, number | null] = [0, null];
    const look = (): void => {
      const download = { bytes, ms: clock.monotonic() - sentMs, mediaMs };
      if (this.#mayGiveWay && variants.isTooSlow(download, total)) {
        this.#mayGiveWay = false;
        this.#onDownload(download);
        controller.abort(
          new TooSlow(`A fragment of ${mediaMs} ms took more than ${Math.round(download.ms)} ms`),
        );
      } else cancelLook = clock.after(mediaMs * LOOK_SHARE, look);
    };
    let cancelLook = clock.after(mediaMs * (1 + LOOK_SHARE / 2), look);
    const onBytes = (received: number, announced: number | null): void => {
      [bytes, total] = [received, announced];
    };
    try {
      return await loader.load({ ...request, signal: controller.signal, onBytes });
    } finally {
      cancelLook();
      unlink();
    }
  }
}

/** A fragment that was handed over, and how to fetch it again. */
export interface HandedFragment {
  track: Track;
  entry: ListedFragment;
}

/** Until a fragment that is fetched again must be here, init section included, in ms. */
const AGAIN_TIMEOUT_MS = 10_000;

/**
 * Fetches a fragment and its init section anew, past all caches; one try.
 *
 * @returns `null` if they can't be had
 * @throws the signal's reason once it is aborted
 */
export async function fetchAgain(
  { track, entry }: HandedFragment,
  { loader, clock }: Pick<FetchDependencies, 'loader' | 'clock'>,
  parent: AbortSignal,
): Promise<FragmentBytes | null> {
  const tooLate = (): Error => new HlsStreamError('HLS_TIMEOUT', 'The fragment did not come again in time');
  using limit = deadline(clock, AGAIN_TIMEOUT_MS, tooLate, parent);
  const { controller, unlink } = linked(limit.signal);
  const { signal } = controller;
  const { origin } = track;
  try {
    await track.admitFragment(signal);
    const { url, byteRange, init: ref } = entry;
    const [init, media] = await Promise.all([
      ref && loader.load({ ...ref, kind: 'init', origin, signal, check: checkInit }),
      loader.load({
        url,
        byteRange,
        kind: 'fragment',
        origin,
        signal,
        check: (bytes) => void checkFragment(bytes),
      }),
    ]);
    return { init: init && init.bytes, media: media.bytes };
  } catch (error) {
    parent.throwIfAborted();
    if (error instanceof HlsStreamError) return null;
    throw error;
  } finally {
    unlink();
    controller.abort(new Error('Not needed any more'));
  }
}
