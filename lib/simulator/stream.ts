import { randomBytes } from 'node:crypto';

import { sleep, type Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Camera, CameraFeed } from './camera.js';
import { CameraError } from './ffmpeg.js';
import { FragmentStore, type StoredFragment } from './fragment-store.js';

/**
 * Where the decode times in fMP4 and MPEG-TS fragments count from; AWS documents none of it.
 * `continuous`: the stream's first fragment; `epoch`: 1970; `session`: the first fragment that the session
 * lists; `fragment`: each fragment's own start.
 */
export type Timeline = 'continuous' | 'epoch' | 'session' | 'fragment';

export interface StreamOptions {
  /** 1–256 characters of `a-z A-Z 0-9 _ . -`. */
  name: string;
  /** What sends into it. Without one the stream exists but is silent. */
  camera?: Camera;
  /** Hours fragments are kept, ≥ 0. With 0, HLS is refused. Default 24. */
  retentionHours?: number;
  /** Bytes of media kept at most; the oldest go first. Default 256 MiB. */
  maxStoredBytes?: number;
  /** Ms between a fragment's capture and KVS's receiving of it, and until a whole one is visible. Default 200. */
  ingestDelayMs?: number;
  /** Default `continuous`. */
  timeline?: Timeline;
  /**
   * What the timelines `continuous` and `session` begin with, in seconds, ≥ 0. MPEG-TS times start over every 95,443.7 s
   * (2^33 ticks of 90 kHz): 95,440 makes them do so soon. Default 0.
   */
  timelineStartSeconds?: number;
  /**
   * LIVE sessions need a fragment that became visible in the last so many seconds, ≥ 0; see also the simulator's
   * `silentSessions`. Default 30, which is AWS's rule.
   */
  livenessSeconds?: number;
  /** Real lifetime of this stream's sessions in seconds, whatever `Expires` says; see the simulator's option. */
  sessionLifetimeSeconds?: number;
}

/** What a stream's producer is doing: `ended` is the end of its media, `failed` an error. */
export type CameraState = 'none' | 'running' | 'stopped' | 'ended' | 'failed';

/** One fragment, as a test may want to know it. Times are Unix ms. */
export interface FragmentInfo {
  readonly number: string;
  /** Capture time of the first picture, with fractions. */
  readonly producerMs: number;
  readonly serverMs: number;
  readonly visibleAtMs: number;
  readonly durationMs: number;
  readonly frames: number;
}

/** One simulated Kinesis video stream and its camera. */
export interface SimulatedStream {
  readonly name: string;
  readonly arn: string;
  readonly cameraState: CameraState;
  /** Why the camera failed, else `null`. */
  readonly cameraFailure: Error | null;
  /** All fragments kept, oldest first, including whole ones that are not visible yet. */
  readonly fragments: readonly FragmentInfo[];
  /** Unix ms that stamps' `captureMs` count from; see `clipCamera`. 0 for live cameras. */
  readonly stampEpochMs: number;
  /**
   * Resolves once so many fragments have become visible since the start. Throws `CameraError` when the camera
   * is not running and they will never be.
   */
  untilVisible(fragments?: number): Promise<void>;
  /** Ends the producer connection, as a camera that loses power; what was half sent is lost. */
  stopCamera(): Promise<void>;
  /**
   * Opens a new producer connection: the time between is a gap. Another camera can take over, e.g. with
   * another resolution; its stamps count from 0.
   */
  startCamera(camera?: Camera): Promise<void>;
  /** Sends the newest fragment again: another number, the same date and media. Does nothing before the first. */
  repeatFragment(): void;
  /**
   * Sets the producer's clock by so many ms: producer times, and `stampEpochMs`, jump; pictures and media times go on.
   */
  moveProducerClock(byMs: number): void;
}

export const streamNamePattern = /^[a-zA-Z0-9_.-]{1,256}$/;

const defaults = {
  retentionHours: 24,
  maxStoredBytes: 256 * 2 ** 20,
  ingestDelayMs: 200,
  livenessSeconds: 30,
};
const account = '111122223333';
const visibilityPollMs = 20;
/** Streams look a week old, so that time ranges before the simulator's start are not "before the stream". */
const ageAtStartMs = 7 * 24 * 3_600_000;

export class KvsStream implements SimulatedStream {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  /** Opaque text that AWS changes with every update of the stream. */
  readonly version = randomBytes(10).toString('hex');
  readonly retentionHours: number;
  readonly timeline: Timeline;
  readonly timelineStartSeconds: number;
  readonly sessionLifetimeSeconds: number | null;
  readonly store: FragmentStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #ingestDelayMs: number;
  readonly #livenessMs: number;
  #producerShiftMs = 0;
  #feed: CameraFeed | null = null;
  #state: CameraState = 'none';
  #failure: Error | null = null;

  constructor(options: StreamOptions, region: string, clock: Clock, logger: Logger) {
    if (!streamNamePattern.test(options.name)) {
      throw new ConfigError(
        `Expected 1–256 of a-z A-Z 0-9 _ . - for a stream name but received "${options.name}"`,
      );
    }
    this.name = options.name;
    this.createdMs = Math.round(clock.now()) - ageAtStartMs;
    this.arn = `arn:aws:kinesisvideo:${region}:${account}:stream/${options.name}/${this.createdMs}`;
    this.retentionHours = atLeastZero('retentionHours', options.retentionHours ?? defaults.retentionHours);
    this.#ingestDelayMs = atLeastZero('ingestDelayMs', options.ingestDelayMs ?? defaults.ingestDelayMs);
    this.timeline = options.timeline ?? 'continuous';
    this.timelineStartSeconds = atLeastZero('timelineStartSeconds', options.timelineStartSeconds ?? 0);
    this.#livenessMs =
      atLeastZero('livenessSeconds', options.livenessSeconds ?? defaults.livenessSeconds) * 1000;
    this.sessionLifetimeSeconds = options.sessionLifetimeSeconds ?? null;
    this.store = new FragmentStore({
      retentionMs: this.retentionHours * 3_600_000,
      maxBytes: options.maxStoredBytes ?? defaults.maxStoredBytes,
      ingestDelayMs: this.#ingestDelayMs,
    });
    this.#clock = clock;
    this.#logger = logger;
    if (options.camera !== undefined) this.#attach(options.camera);
  }

  get cameraState(): CameraState {
    return this.#state;
  }

  get cameraFailure(): Error | null {
    return this.#failure;
  }

  get fragments(): readonly StoredFragment[] {
    return this.store.all;
  }

  get stampEpochMs(): number {
    return (this.#feed?.stampEpochMs ?? 0) + this.#producerShiftMs;
  }

  /** A fragment became visible not longer ago than `livenessSeconds`. */
  isLive(nowMs: number): boolean {
    const newest = this.store.newest(nowMs);
    return newest !== undefined && newest.visibleAtMs >= nowMs - this.#livenessMs;
  }

  async startCamera(camera?: Camera): Promise<void> {
    if (camera !== undefined) {
      await this.stopCamera();
      this.#attach(camera);
    }
    if (this.#feed === null) throw new ConfigError(`The stream ${this.name} has no camera to start`);
    if (this.#state === 'running') return;
    this.#state = 'running';
    this.#failure = null;
    try {
      await this.#feed.start();
    } catch (error) {
      this.#state = 'failed';
      this.#failure = error as Error;
      throw error;
    }
  }

  async untilVisible(fragments = 1): Promise<void> {
    for (;;) {
      const nowMs = this.#clock.now();
      if ((this.store.newest(nowMs)?.index ?? -1) + 1 >= fragments) return;
      const last = this.store.all.at(-1);
      const isOnTheWay = last !== undefined && last.index + 1 >= fragments;
      if (this.#state !== 'running' && !isOnTheWay) {
        throw new CameraError(
          'NOT_RUNNING',
          `The camera of ${this.name} is ${this.#state}: there will not be ${fragments} fragments`,
          this.#failure ?? undefined,
        );
      }
      await sleep(this.#clock, visibilityPollMs);
    }
  }

  async stopCamera(): Promise<void> {
    if (this.#state === 'running') this.#state = 'stopped';
    await this.#feed?.stop();
  }

  repeatFragment(): void {
    const last = this.store.all.at(-1);
    const nowMs = this.#clock.now();
    if (last !== undefined) this.store.add({ ...last, sentFromMs: nowMs, sentUntilMs: nowMs }, nowMs);
  }

  moveProducerClock(byMs: number): void {
    this.#producerShiftMs += byMs;
  }

  #attach(camera: Camera): void {
    this.#state = 'stopped';
    this.#feed = camera.open({
      clock: this.#clock,
      logger: this.#logger,
      ingestDelayMs: this.#ingestDelayMs,
      publish: (fragment) => {
        const producerMs = fragment.producerMs + this.#producerShiftMs;
        this.store.add({ ...fragment, producerMs }, this.#clock.now());
      },
      ended: (reason) => {
        this.#state = reason === null ? 'ended' : 'failed';
        this.#failure = reason;
        if (reason === null) this.#logger.info(`The camera of ${this.name} reached the end of its media`);
        else this.#logger.error(`The camera of ${this.name} failed`, reason);
      },
    });
  }
}

function atLeastZero(name: string, value: number): number {
  if (value >= 0 && Number.isFinite(value)) return value;
  throw new ConfigError(`Expected a number ≥ 0 for ${name} but received ${String(value)}`);
}
