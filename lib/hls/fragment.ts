/** Fragments that can't be had any more, with no other handed over between them. */
export interface LostFragments {
  /** How many, as far as they were listed or numbered; 0 if only their time is known to be missing. */
  readonly count: number;
  /**
   * Their length in ms of media: as listed; else as many times the length of a neighbour; else reckoned from the clock. 0 where
   * only the dates tell.
   */
  readonly ms: number;
  /**
   * What most of that time was lost to. `window-slid`: they left the playlist or the server first. `outage`: no session
   * could be followed meanwhile. `media`: they came damaged each time. `policy`: they were larger than a limit, or older
   * than what is wanted.
   */
  readonly cause: 'window-slid' | 'outage' | 'media' | 'policy';
}

/** What the master playlist says of the variant that a fragment belongs to. */
export interface VariantInfo {
  /** Peak bits per second; 0 if it does not say. */
  readonly bandwidth: number;
  /** In pixels; `null` if it does not say. */
  readonly width: number | null;
  readonly height: number | null;
}

/** What a fragment is decoded from. */
export interface FragmentBytes {
  /** fMP4: its init section. TS: `null`. */
  readonly init: Uint8Array | null;
  readonly media: Uint8Array;
}

/** One whole, checked fragment on its way to the engine. */
export interface Fragment {
  readonly container: 'fmp4' | 'mpegts';
  /** fMP4: the init section it needs (the same object as before while its bytes are the same). TS: `null`. */
  readonly init: Uint8Array | null;
  /** All its bytes; nobody changes them. */
  readonly media: Uint8Array;
  /** `EXT-X-PROGRAM-DATE-TIME` of its first picture, Unix ms; `null` if the playlist has none. */
  readonly dateMs: number | null;
  /** EXTINF in ms; the playlist's word, not measured. */
  readonly durationMs: number;
  /** Media sequence number within its session. */
  readonly sequence: number;
  /** KVS's `FragmentNumber` as text, `null` elsewhere. Session-local in LIVE, global in ON_DEMAND. */
  readonly number: string | null;
  /** Id of the session it was fetched from. */
  readonly sessionId: number;
  /** `null` where there is no master playlist. Another one than before: from here on another variant is read. */
  readonly variant: VariantInfo | null;
  /** The playlist marks a discontinuity before it, or the sequence has a hole before it. */
  readonly discontinuity: boolean;
  /**
   * The list shows it right behind the fragment handed over before: what the server has between the two is nothing, so a hole in
   * the dates is the producer's.
   */
  readonly isAdjacent: boolean;
  /** What is lost between the fragment handed over before and this one; `null` if nothing is known to be. */
  readonly lost: LostFragments | null;
  /**
   * At most so much time, in ms of the host's clock, went by between the fragment handed over before becoming visible and
   * this one being seen; `null` where that is not known. Dates that jump further are a clock that was set.
   */
  readonly elapsedMs: number | null;
  /** When its last byte arrived, Unix ms. */
  readonly receivedAtMs: number;
}
