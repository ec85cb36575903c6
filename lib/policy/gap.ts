/** Why media time is missing. */
export type GapCause =
  /** The camera sent nothing for that time: its dates jump, and no fragment is missing from the sequence. */
  | 'producer'
  /** Fragments left the playlist, or the server, before they could be fetched. */
  | 'window-slid'
  /** No session could be had or followed meanwhile. */
  | 'outage'
  /** Fragments, or pictures in them, came damaged each time they were fetched. */
  | 'media'
  /** Left out on purpose: larger than a limit. */
  | 'policy'
  /** Media of a form that can't be decoded. */
  | 'format';

/** Every cause there is. */
export const gapCauses: readonly GapCause[] = [
  'producer',
  'window-slid',
  'outage',
  'media',
  'policy',
  'format',
];

/** One hole in the media time that was delivered. */
export interface Gap {
  /** What most of its time was lost to. */
  cause: GapCause;
  /** Where it starts and ends, Unix ms of the stream's own clock; `null` if the stream is not dated there. */
  fromMs: number | null;
  toMs: number | null;
  /** Length in ms of media; an estimate from fragment lengths if the stream is not dated. (A silence of an undated stream can't
   *  be told from a delay: it is no gap.) */
  ms: number;
  /** Whole fragments known to be missing; 0 if the camera never made them, or only pictures are. */
  fragments: number;
  /** Its media was had after all, later or by another way: it is not missing. */
  recovered: boolean;
}

/** Holes of one cause. */
export interface GapTotals {
  /** How many were told, recovered ones not counted. */
  gaps: number;
  /** Their media time in ms. */
  ms: number;
}
