import type { Clock } from '../clock.js';
import { FrameSourceError } from '../errors.js';
import type { FrameSource } from '../frame-source.js';
import { Complaint } from './examination.js';
import { rootOf } from './mending.js';

/** How long the first frame may take: a fragment of the longest kind (20 s, kvs-hls §4.2) and some. */
export const FIRST_FRAME_MS = 30_000;
/** How long the fragment after that may take, likewise. */
export const NEXT_FRAGMENT_MS = 30_000;
/** A camera's clock that is so far ahead makes frames that are younger than nothing, or hides how old they are. */
const AHEAD_MS = 1_000;
/** Older than this beyond its fragment's length no frame of a live stream should be. */
const BEHIND_MS = 60_000;

/**
 * What libav logs when it takes packets for Annex B, where units begin with start codes: so it does where no codec record tells
 * how units are framed. In damaged packets of a stream that has one it misses other things.
 */
const NO_CODEC_DATA = 'No start code is found';

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** What of a frame is of interest after it was released. */
interface Sight {
  fragment: { sequence: number; sessionId: number; durationMs: number };
  timestampSource: string;
  ageMs: number;
}

/** Looks at a stream as its reader sees it: the first frame, a fragment, the clocks. */
export class Viewing {
  readonly #source: FrameSource;
  readonly #clock: Clock;
  #sessionAtMs: number | null = null;
  /** What failed last on the way, if anything did. */
  #trouble: FrameSourceError | null = null;
  /** By what the decoder said. */
  #lacksCodecData = false;
  #last: Sight | null = null;

  constructor(source: FrameSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    source.on('session', () => (this.#sessionAtMs = clock.monotonic()));
    source.on('reconnect', ({ error }) => (this.#trouble = error));
    source.on('state', ({ error }) => (this.#trouble = error ?? this.#trouble));
    source.on('fault', ({ message, log }) => {
      // Not each fault comes with all that was said of it.
      this.#lacksCodecData ||= log.some((line) => line.includes(NO_CODEC_DATA));
      this.#trouble = new FrameSourceError('HLS_UNDECODABLE', message);
    });
  }

  /** @throws what made the reader give up, or the last failure on the way if nothing came in time */
  async firstFrame(): Promise<string> {
    const frame = await this.#source.read({ timeoutMs: FIRST_FRAME_MS }).catch((error: unknown) => {
      if (this.#lacksCodecData) throw codecDataMissing(error);
      const trouble = this.#trouble;
      if (!(error instanceof FrameSourceError) || error.code !== 'READ_TIMEOUT' || trouble === null)
        throw error;
      const { code, status, errorName, resource } = trouble;
      throw new FrameSourceError(
        code,
        `no frame within ${FIRST_FRAME_MS / 1000} s; the last failure: ${trouble.message}`,
        { status, errorName, resource, cause: trouble },
      );
    });
    if (frame === null) throw new FrameSourceError('HLS_UNDECODABLE', 'the stream ended before a frame');
    this.#see(frame);
    const since =
      this.#sessionAtMs === null ? '' : `, ${inSeconds(this.#clock.monotonic() - this.#sessionAtMs)}`;
    const codec = frame.codec === 'hevc' ? 'H.265' : 'H.264';
    return `${frame.sourceWidth}×${frame.sourceHeight} ${codec}${since} after its session was opened`;
  }

  /** Reads on to the next fragment. */
  async fragments(): Promise<string> {
    const first = this.#last;
    if (first === null) throw new Error('there was no frame');
    const { durationMs, sequence, sessionId } = first.fragment;
    const untilMs = this.#clock.monotonic() + NEXT_FRAGMENT_MS;
    let frames = 1;
    for (;;) {
      const timeoutMs = Math.max(1, untilMs - this.#clock.monotonic());
      const frame = await this.#source.read({ timeoutMs }).catch((error: unknown) => {
        if (error instanceof FrameSourceError && error.code === 'READ_TIMEOUT') throw silence(durationMs);
        throw error;
      });
      if (frame === null) break;
      this.#see(frame);
      if (frame.fragment.sequence !== sequence || frame.fragment.sessionId !== sessionId) break;
      frames += 1;
    }
    const { fragmentBytes, fragments } = this.#source.getMetrics();
    const bytes = fragmentBytes / Math.max(1, fragments);
    const length = Math.max(1, durationMs);
    return (
      `${inSeconds(durationMs)} long, ${frames} frames (${((frames * 1000) / length).toFixed(1)} fps), ` +
      `${Math.round(bytes / 1000)} kB (${((bytes * 8) / 1000 / length).toFixed(2)} Mbit/s)`
    );
  }

  /** Compares the camera's clock with this host's. */
  clocks(): string {
    const last = this.#last;
    if (last === null) throw new Error('there was no frame');
    const { ageMs, timestampSource, fragment } = last;
    if (timestampSource === 'received') throw undated();
    if (ageMs < -AHEAD_MS) throw ahead(-ageMs);
    if (ageMs > fragment.durationMs + BEHIND_MS) throw behind(ageMs);
    return `frames are ${inSeconds(ageMs)} old by the ${timestampSource}'s clock`;
  }

  #see({ fragment, timestampSource, ageMs }: Sight): void {
    this.#last = { fragment, timestampSource, ageMs };
  }
}

/** As the service calls it where it looks for codec data itself. */
function codecDataMissing(error: unknown): unknown {
  const root = rootOf(error);
  if (!(root instanceof FrameSourceError && ['HLS_UNDECODABLE', 'READ_TIMEOUT'].includes(root.code)))
    return error;
  return new FrameSourceError('HLS_UNDECODABLE', `codec data is missing: ${root.message}`, {
    errorName: 'MissingCodecPrivateData',
    cause: error,
  });
}

const HOST_CLOCK = "Check this host's clock: timedatectl, chronyc tracking";
const CAMERA_CLOCK = "Set the camera's clock by NTP; frames are dated by it.";

function silence(durationMs: number): Complaint {
  return new Complaint(
    `nothing came for ${NEXT_FRAGMENT_MS / 1000} s after a fragment of ${inSeconds(durationMs)}`,
    {
      why: 'The camera stopped sending, or it sends now and then only.',
      mend: [
        'See whether the camera sends without a break. If it sleeps on purpose, nothing is wrong: a reader waits for it.',
      ],
    },
  );
}

function undated(): Complaint {
  return new Complaint('the fragments have no date that makes sense; frames are dated by when they came', {
    why: "The playlist has no dates, or the camera's clock is days off (1970 after a restart without NTP).",
    mend: [
      CAMERA_CLOCK,
      "Or read with fragmentSelectorType: 'SERVER_TIMESTAMP': the service's clock dates them then.",
    ],
  });
}

function ahead(ms: number): Complaint {
  return new Complaint(`frames come ${inSeconds(ms)} before they were taken`, {
    why: "The camera's clock is ahead of this host's: ages are wrong by that.",
    mend: [CAMERA_CLOCK, HOST_CLOCK],
  });
}

function behind(ms: number): Complaint {
  return new Complaint(`frames are ${inSeconds(ms)} old`, {
    why: "The camera's clock is behind this host's, the camera sends late what it buffered, or this is a recording.",
    mend: [CAMERA_CLOCK, HOST_CLOCK, 'See whether the uplink of the camera keeps up with its bit rate.'],
  });
}
