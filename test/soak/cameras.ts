import type { KvsHlsFrameSourceOptions } from '../../lib/index';
import type { CatalogueFault, ClipOptions, StreamOptions } from '../../lib/simulator/index';

/** One camera of the soak: what it sends, and with which options it is read. */
export interface SoakCamera {
  pictures: ClipOptions;
  stream?: Partial<StreamOptions>;
  source?: Partial<KvsHlsFrameSourceOptions>;
  /** Faults that its kind of reading can't be held to account under. */
  isSpared?: (fault: CatalogueFault) => boolean;
}

/**
 * The smallest pictures that bear a stamp. Fragments of one second give renewals every few seconds something to join, and
 * numbers begin anew after longer than any hole lasts.
 */
const PICTURES = { width: 160, height: 90, fps: 10, fragmentSeconds: 1, seconds: 120 } as const;

/** In a batch all pictures have one size, and a stamp does not survive scaling. */
const changesSize = ({ script }: CatalogueFault): boolean =>
  script.rows.some(({ what }) => what.type === 'start-camera' && what.pictures !== undefined);

/** Access units show no stamp: their times alone say which they are. */
const changesDates = ({ name, group }: CatalogueFault): boolean => group === 'clock' || hasWrongDates(name);

/** Frames bear no dates, or wrong ones, while this lasts. */
export const hasWrongDates = (fault: string): boolean =>
  /^playlist-(no-dates|dated-1970|dates-off-1h)$/.test(fault);

/** Pictures may show anything while this lasts: not every wrong bit is seen by the decoder. */
export const hasWrongBits = (fault: string): boolean => fault.startsWith('fragment-bit-flipped');

/** The service asks to be left alone for a while. */
export const isThrottling = (fault: string): boolean => /throttl|429|retry-after|limit/i.test(fault);

/** Verdicts of the control plane, at which a source gives up at once. */
const endsSource = ({ name }: CatalogueFault): boolean =>
  /^((endpoint-40[034]|session-url-40[03])-|credentials-expired-forever$|no-data-retention$|media-unsupported$)/.test(
    name,
  );

const batched: SoakCamera = {
  pictures: PICTURES,
  source: { output: { width: PICTURES.width, height: PICTURES.height } },
  isSpared: changesSize,
};

/** By name, which is the stream's name too. */
export const soakCameras = {
  'group-plain': { pictures: PICTURES },
  'group-ts': { pictures: PICTURES, source: { containerFormat: 'MPEG_TS' } },
  'group-encoded': { pictures: PICTURES, source: { encoded: true }, isSpared: changesDates },
  /** Its sessions end long before the time that the reader was told. */
  'group-catch-up': {
    pictures: PICTURES,
    stream: { sessionLifetimeSeconds: 13 },
    source: { catchUp: { maxSeconds: 60 }, urlRefreshMarginSeconds: 280 },
  },
  'batch-one': batched,
  'batch-two': { ...batched, pictures: { ...PICTURES, codec: 'h265' } },
  latest: { pictures: PICTURES, source: { delivery: 'latest' } },
  /** How old a frame is the camera's clock says: set back by an hour, it says that all are too old. */
  'max-age': {
    pictures: PICTURES,
    source: { delivery: { maxAgeMs: 4_000 } },
    isSpared: changesDates,
  },
  shared: { pictures: PICTURES },
  retained: { pictures: { ...PICTURES, bFrames: 2 } },
  filled: { pictures: { ...PICTURES, codec: 'h265', bFrames: 2 }, source: { fillGaps: 'repeat' } },
  /** Read by one source each for the whole run, while nothing ends it. */
  'one-source': { pictures: PICTURES, isSpared: endsSource },
  'one-source-h265': { pictures: { ...PICTURES, codec: 'h265' }, isSpared: endsSource },
  'hls-slow': { pictures: PICTURES },
  'hls-quick': { pictures: { ...PICTURES, bFrames: 2 } },
} as const satisfies Record<string, SoakCamera>;

export type SoakCameraName = keyof typeof soakCameras;
export const soakCameraNames = Object.keys(soakCameras) as SoakCameraName[];
export const soakCamera = (name: SoakCameraName): SoakCamera => soakCameras[name];
