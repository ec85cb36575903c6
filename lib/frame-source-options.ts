import type { AnyRegistry } from './metrics/registry-metrics.js';
import type { Rules } from './config.js';
import { ConfigError } from './errors.js';
import type { RingMemory } from './frames/ring.js';
import type { SourceLimits } from './limits.js';
import { silentLogger, type Logger } from './logger.js';
import type { OutputOptions } from './output-options.js';

/** Options that both sources take. */
export interface FrameSourceOptions {
  /** Names the camera in metrics, logs and events. Default: the stream's name, or the URL's host. */
  cameraId?: string;

  /** First wait before a reconnection, in seconds, 0.01–3600. Each wait is spread over 80–120 %. Default 5. */
  reconnectDelaySeconds?: number;
  /** Longest wait before a reconnection, in seconds, 0.01–86400, before the spread. A refusal that asks for a longer one
   *  (`Retry-After`) is obeyed all the same, up to an hour. Default 60. */
  maxReconnectDelaySeconds?: number;
  /** Growth of the wait from one try to the next, 1–10. A good frame starts it afresh. Default 2. */
  backoffMultiplier?: number;
  /** This many failures in a row, with no frame between, end the source with `TOO_MANY_ERRORS`. 1 or more; a camera
   *  that is merely silent does not count. Default 10. */
  maxConsecutiveErrors?: number;

  /** Frames that may be decoded ahead or on loan, 2–256; when all are, decoding waits. Default 8. */
  bufferedFrames?: number;
  /** `shared`: frames lie in a SharedArrayBuffer, which workers can read. `private`: in an ArrayBuffer that can't be
   *  transferred, for libraries that refuse shared memory (onnxruntime-node does). Default `shared`. */
  memory?: RingMemory;
  /** What frames look like. Default: BGR24 in the camera's size. */
  output?: OutputOptions;
  /** Frames a second, 0.001–1000, evenly by capture time; a slower camera gives what it has. What is not wanted is not
   *  converted, nor decoded where nothing wanted depends on it. Default: all. */
  targetFps?: number;
  /** One of so many frames, 1–1000000. Excludes `targetFps`. Default 1. */
  everyNth?: number;
  /** Only pictures coded on their own, usually one a fragment; only these are decoded. Default false. */
  keyFramesOnly?: boolean;
  /**
   * What happens when frames come faster than they are taken. `every`: decoding waits, nothing is dropped. `latest`: the
   * newest is handed over, those before it are dropped. `{ maxAgeMs }`: frames older than that, 100–3600000, are never
   * handed over; before that they are thinned out evenly. Default `every`.
   */
  delivery?: 'every' | 'latest' | { maxAgeMs: number };
  /** `realtime`: frames are handed over at the pace they were taken at, a fragment's length later; HLS brings them in
   *  bursts of a whole fragment. `none`: as soon as they are there. Default `realtime` with `latest`, else `none`. */
  pace?: 'none' | 'realtime';
  /**
   * Frames are access units as they were coded, H.264 or H.265, in decoding order, for hosts with a decoder of their own.
   * `framing` `annexb` (default): start codes, and the parameter sets before each key frame; `avcc`: lengths of 4 bytes,
   * with `frame.parameterSets` beside. Goes with `keyFramesOnly`, not with `output`, `targetFps`, `everyNth`, or a
   * `delivery` but `every`. Default: pictures.
   */
  encoded?: boolean | { framing?: 'annexb' | 'avcc' };
  /** Where pictures are decoded: `auto` takes the first of CUDA and VAAPI that works. Without one it is done in software,
   *  with the same result, and `health()` and the event `decoder` say why. Default `none`. */
  hwaccel?: 'none' | 'auto' | 'cuda' | 'vaapi';
  /** The YUV matrix: `auto` follows the stream, and takes BT.709 from 720 lines up and BT.601 below where the stream is
   *  silent; models trained on OpenCV's frames want `bt601`. Default `auto`. */
  matrix?: 'auto' | 'bt601' | 'bt709';
  /** Decoder threads, 1–16. More suit one big camera on many cores. Default 1. */
  decoderThreads?: number;
  /** How many fragments before the newest to start a live stream at, 0–100. Each adds its length to the age of the first
   *  frames, which is then caught up as fast as decoding goes. Default 0. */
  startFragmentsBehind?: number;

  /**
   * `repeat`: where up to a minute of media is missing, the last picture is handed over again at the stream's pace, before
   * the frame behind the hole. That is when a hole is known for one: nothing is repeated while a stall lasts. Such frames
   * are `synthetic`, have the `index` of the frame they repeat, and count nowhere. Default: holes stay holes.
   */
  fillGaps?: 'repeat';

  /** What is taken at most of whoever serves the stream. Default: of each what {@link SourceLimits} says. */
  limits?: SourceLimits;

  /** Where the `kvs_hls_*` metrics go. Default: prom-client's default registry. */
  registry?: AnyRegistry;
  /** The source's series stay in the registry, with their last values, after it is stopped. Default false: they go. */
  keepMetrics?: boolean;
  /** Default: silent. What repeats is told less often, with how much was left out. */
  logger?: Logger;
}

/** Options of a kind with the defaults filled in. */
export type Checked<T, Defaulted extends keyof T> = T & Required<Pick<T, Defaulted>>;

export type CommonDefaults =
  | 'reconnectDelaySeconds'
  | 'maxReconnectDelaySeconds'
  | 'backoffMultiplier'
  | 'maxConsecutiveErrors'
  | 'bufferedFrames'
  | 'memory'
  | 'matrix'
  | 'decoderThreads'
  | 'hwaccel'
  | 'startFragmentsBehind'
  | 'logger'
  | 'cameraId';

/** Rules of the options that both sources take. */
export const COMMON_RULES: Rules = {
  cameraId: { kind: 'string', optional: true },
  reconnectDelaySeconds: { kind: 'number', min: 0.01, max: 3600, default: 5 },
  maxReconnectDelaySeconds: { kind: 'number', min: 0.01, max: 86400, default: 60 },
  backoffMultiplier: { kind: 'number', min: 1, max: 10, default: 2 },
  maxConsecutiveErrors: { kind: 'integer', min: 1, max: Infinity, default: 10 },
  bufferedFrames: { kind: 'integer', min: 2, max: 256, default: 8 },
  memory: { kind: 'choice', choices: ['shared', 'private'], default: 'shared' },
  matrix: { kind: 'choice', choices: ['auto', 'bt601', 'bt709'], default: 'auto' },
  decoderThreads: { kind: 'integer', min: 1, max: 16, default: 1 },
  hwaccel: { kind: 'choice', choices: ['none', 'auto', 'cuda', 'vaapi'], default: 'none' },
  output: { kind: 'object', what: "an object such as { format: 'rgb24' }", optional: true },
  targetFps: { kind: 'number', min: 0.001, max: 1000, optional: true },
  everyNth: { kind: 'integer', min: 1, max: 1_000_000, optional: true },
  keyFramesOnly: { kind: 'boolean', optional: true },
  delivery: { kind: 'any', optional: true },
  pace: { kind: 'choice', choices: ['none', 'realtime'], optional: true },
  encoded: { kind: 'any', optional: true },
  startFragmentsBehind: { kind: 'integer', min: 0, max: 100, default: 0 },
  fillGaps: { kind: 'choice', choices: ['repeat'], optional: true },
  limits: { kind: 'any', optional: true },
  registry: {
    kind: 'object',
    methods: ['registerMetric', 'getSingleMetric', 'metrics'],
    what: 'a prom-client Registry',
    optional: true,
  },
  keepMetrics: { kind: 'boolean', optional: true },
  logger: {
    kind: 'object',
    methods: ['debug', 'info', 'warn', 'error'],
    what: 'a logger',
    default: silentLogger,
    optional: true,
  },
};

/** What the rules can't say. Throws `ConfigError`. */
export function checkDelays(options: Checked<FrameSourceOptions, CommonDefaults>): void {
  if (options.maxReconnectDelaySeconds < options.reconnectDelaySeconds) {
    throw new ConfigError(
      `Expected maxReconnectDelaySeconds ≥ reconnectDelaySeconds (${options.reconnectDelaySeconds}) but received ` +
        `${options.maxReconnectDelaySeconds}`,
    );
  }
}
