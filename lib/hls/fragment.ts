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
  /** The playlist marks a discontinuity before it, or the sequence has a hole before it. */
  readonly discontinuity: boolean;
  /** Fragments that were listed or numbered between the last one handed over and this one, and are lost. */
  readonly missed: number;
  /** Of those, how many were listed and came damaged each time they were fetched. */
  readonly damaged: number;
  /** When its last byte arrived, Unix ms. */
  readonly receivedAtMs: number;
}
