import { systemClock } from './clock.js';
import { checkOptions, type Rules } from './config.js';
import { ConfigError } from './errors.js';
import { checkFrameChoice, type FrameChoice } from './frame-choice.js';
import {
  checkDelays,
  COMMON_RULES,
  type Checked,
  type CommonDefaults,
  type FrameSourceOptions,
} from './frame-source-options.js';
import { boundMemory, knownFrameBytes } from './frames/memory-bound.js';
import { checkLimits, type SourceLimits } from './limits.js';
import type { Logger } from './logger.js';
import { limited, type LimitedLogger } from './log-limit.js';

/** What checking adds: which frames are chosen, all limits, and a logger that is not flooded. */
interface Settled {
  choice: FrameChoice;
  limits: Required<SourceLimits>;
  logger: LimitedLogger;
}

type Unsettled<T extends Settled> = Omit<T, keyof Settled> & { logger: Logger; limits?: SourceLimits };

/** Options as the parts of a source take them. */
export type CheckedFrameSourceOptions = Checked<FrameSourceOptions, CommonDefaults> & Settled;

/** Options of {@link HlsFrameSource}. */
export interface HlsFrameSourceOptions extends FrameSourceOptions {
  /** Master or media playlist, http or https. */
  url: string;
  /** Of several variants none higher than this many lines is read, unless all are. Of the others the smallest that fills
   *  `output`, or the largest, as far as the measured bandwidth allows; a live stream goes over to another one between two
   *  fragments, and then the frames' size changes unless `output` says width and height. */
  maxHeight?: number;
  /** Likewise for the variant's bits per second. */
  maxBandwidth?: number;
  /** Other origins (`https://cdn.example.com`) that the playlists may point to, as the URL standard spells them: scheme and host in
   *  lower case, a port only if it is not the usual one, no path, no name or password. They are compared as they are: no name is
   *  looked up, so one that leads to an address of the local network is read there. Default: only the URL's own. */
  allowedOrigins?: readonly string[];
}

/** Options of {@link KvsHlsFrameSource}. */
export interface KvsHlsFrameSourceOptions extends FrameSourceOptions {
  /** The stream's name, 1–256 of `a–z A–Z 0–9 _ . -`. One of `streamName` and `streamArn` must be given. */
  streamName?: string;
  /** The stream's ARN. */
  streamArn?: string;
  /** AWS region. Default: the ARN's, else the SDK's own (`AWS_REGION`, profile). */
  region?: string;
  /** Credentials or a provider of them, as the AWS SDK takes them. Default: the SDK's chain. */
  credentials?: object;
  /** Control-plane endpoint, e.g. a simulator's. Default: the SDK's own (region, `AWS_ENDPOINT_URL_KINESIS_VIDEO`). */
  endpoint?: string;

  /** `LIVE` follows the camera; `LIVE_REPLAY` follows a past range at the pace of its recording; `ON_DEMAND` reads a past
   *  range as fast as frames are taken and ends. Default `LIVE`. */
  playbackMode?: 'LIVE' | 'LIVE_REPLAY' | 'ON_DEMAND';
  /** Start of the range; needed for `LIVE_REPLAY` and `ON_DEMAND`, refused for `LIVE`. */
  startTimestamp?: Date;
  /** End of the range, within 24 h of the start; needed for `ON_DEMAND`, refused for `LIVE`. */
  endTimestamp?: Date;
  /** Whose clock dates the fragments, and selects a range. `PRODUCER_TIMESTAMP` is when the camera took the picture,
   *  `SERVER_TIMESTAMP` when KVS received it: later, but right where cameras' clocks are wrong. Default
   *  `PRODUCER_TIMESTAMP`. */
  fragmentSelectorType?: 'PRODUCER_TIMESTAMP' | 'SERVER_TIMESTAMP';
  /** Default `FRAGMENTED_MP4`. `MPEG_TS` takes 5–25 % more bandwidth and can't carry H.265. */
  containerFormat?: 'FRAGMENTED_MP4' | 'MPEG_TS';
  /** Where KVS marks discontinuities. Default `ON_DISCONTINUITY`: at gaps and overlaps above 50 ms. */
  discontinuityMode?: 'ALWAYS' | 'NEVER' | 'ON_DISCONTINUITY';
  /** Whether fragments are dated. Without dates frames carry the time of receipt, and a renewal can't be seamless.
   *  Default `ALWAYS`. */
  displayFragmentTimestamp?: 'ALWAYS' | 'NEVER';
  /** Fragments a playlist lists, 1–5000. In a live stream: how long a pause the reader survives without loss; it does not
   *  add delay. Default 10 in `LIVE` and `LIVE_REPLAY`. In `ON_DEMAND`: how many are read
   *  with one session, default 1000; a longer range takes several. */
  maxMediaPlaylistFragmentResults?: number;

  /** Reads what the live list has lost from the stream's recording, before it goes on: at most the newest `maxSeconds` of a
   *  hole, 1–86400. Frames are older meanwhile, and each hole costs a control call (one more per 1000 fragments). Only in
   *  `LIVE`. Default: not; a hole goes to the ledger. */
  catchUp?: { maxSeconds: number };

  /** Life of an HLS session in seconds, 300–43200 (limits of the service). Default 300. */
  hlsSessionSeconds?: number;
  /** How long before its end a session is replaced, in seconds, 1 to `hlsSessionSeconds` − 1. Default 30. */
  urlRefreshMarginSeconds?: number;
}

export type CheckedHlsOptions = Checked<HlsFrameSourceOptions, CommonDefaults> & Settled;
export type CheckedKvsOptions = Checked<
  KvsHlsFrameSourceOptions,
  | CommonDefaults
  | 'playbackMode'
  | 'fragmentSelectorType'
  | 'containerFormat'
  | 'discontinuityMode'
  | 'displayFragmentTimestamp'
  | 'hlsSessionSeconds'
  | 'urlRefreshMarginSeconds'
> &
  Settled;

const HLS: Rules = {
  ...COMMON_RULES,
  url: {
    kind: 'string',
    isSecret: true,
    pattern: /^https?:\/\/./i,
    example: 'https://example.com/live.m3u8',
  },
  maxHeight: { kind: 'integer', min: 2, max: 8192, optional: true },
  maxBandwidth: { kind: 'integer', min: 1, max: Infinity, optional: true },
  allowedOrigins: { kind: 'object', methods: ['map'], what: 'an array of origins', optional: true },
};

/** Patterns and limits of the service's API (kvs-hls §1.1, §2.1). */
const KVS: Rules = {
  ...COMMON_RULES,
  streamName: { kind: 'string', pattern: /^[a-zA-Z0-9_.-]{1,256}$/, example: 'front-door', optional: true },
  streamArn: {
    kind: 'string',
    pattern: /^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+\/[a-zA-Z0-9_.-]+\/[0-9]+$/,
    example: 'arn:aws:kinesisvideo:eu-west-1:111122223333:stream/front-door/1705489836421',
    optional: true,
  },
  region: { kind: 'string', pattern: /^[a-z0-9-]+$/, example: 'eu-west-1', optional: true },
  credentials: { kind: 'object', what: 'AWS credentials or a provider of them', optional: true },
  endpoint: {
    kind: 'string',
    isSecret: true,
    pattern: /^https?:\/\/./i,
    example: 'http://127.0.0.1:4567',
    optional: true,
  },
  playbackMode: { kind: 'choice', choices: ['LIVE', 'LIVE_REPLAY', 'ON_DEMAND'], default: 'LIVE' },
  startTimestamp: { kind: 'date', optional: true },
  endTimestamp: { kind: 'date', optional: true },
  fragmentSelectorType: {
    kind: 'choice',
    choices: ['PRODUCER_TIMESTAMP', 'SERVER_TIMESTAMP'],
    default: 'PRODUCER_TIMESTAMP',
  },
  containerFormat: { kind: 'choice', choices: ['FRAGMENTED_MP4', 'MPEG_TS'], default: 'FRAGMENTED_MP4' },
  discontinuityMode: {
    kind: 'choice',
    choices: ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY'],
    default: 'ON_DISCONTINUITY',
  },
  displayFragmentTimestamp: { kind: 'choice', choices: ['ALWAYS', 'NEVER'], default: 'ALWAYS' },
  maxMediaPlaylistFragmentResults: { kind: 'integer', min: 1, max: 5000, optional: true },
  catchUp: { kind: 'object', what: 'an object such as { maxSeconds: 600 }', optional: true },
  hlsSessionSeconds: { kind: 'integer', min: 300, max: 43200, default: 300 },
  urlRefreshMarginSeconds: { kind: 'number', min: 1, max: 43199, default: 30 },
};

/** The longest range the service reads in one session. */
const MAX_RANGE_MS = 24 * 3600 * 1000;

function checkRange(options: Unsettled<CheckedKvsOptions>): void {
  const { playbackMode: mode, startTimestamp: start, endTimestamp: end } = options;
  if (mode === 'LIVE') {
    if (start !== undefined || end !== undefined) {
      throw new ConfigError(
        'startTimestamp and endTimestamp need playbackMode LIVE_REPLAY or ON_DEMAND, it is LIVE',
      );
    }
    return;
  }
  if (start === undefined) throw new ConfigError(`Option startTimestamp is missing for playbackMode ${mode}`);
  if (end === undefined) {
    if (mode === 'ON_DEMAND')
      throw new ConfigError('Option endTimestamp is missing for playbackMode ON_DEMAND');
    return;
  }
  const rangeMs = end.getTime() - start.getTime();
  if (rangeMs <= 0 || rangeMs > MAX_RANGE_MS) {
    throw new ConfigError(
      `Expected endTimestamp later than startTimestamp by at most 24 h but it is ${rangeMs / 1000} s after it`,
    );
  }
}

/** What `catchUp` may hold. A recording is read at most a day at a time (kvs-hls §2.1). */
const CATCH_UP: Rules = { maxSeconds: { kind: 'number', min: 1, max: 86_400 } };

function checkCatchUp({ catchUp, playbackMode }: Unsettled<CheckedKvsOptions>): void {
  if (catchUp === undefined) return;
  checkOptions(catchUp, CATCH_UP, 'catchUp');
  if (playbackMode !== 'LIVE') {
    throw new ConfigError(
      `catchUp needs playbackMode LIVE, it is ${playbackMode}: recordings are read whole anyway`,
    );
  }
}

/** Throws `ConfigError`. */
function limitsOf(
  { limits, bufferedFrames }: { limits?: SourceLimits; bufferedFrames: number },
  { output, encoded }: FrameChoice,
): Required<SourceLimits> {
  const checked = checkLimits(limits);
  const ring = encoded === null ? bufferedFrames * knownFrameBytes(output) : 0;
  boundMemory({ ring, queue: 0, pictures: 0 }, checked.maxMemoryBytes);
  return checked;
}

/** An origin is compared letter by letter, so it has to be spelt as the URL standard does: lower case, no usual port, no path. */
function checkOrigin(origin: unknown): void {
  const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : null;
  const isMeant = url !== null && /^https?:$/.test(url.protocol) && !url.host.includes('*');
  if (isMeant && url.origin === origin) return;
  throw new ConfigError(
    'Expected origins such as https://cdn.example.com (scheme, host and port only) in allowedOrigins but received ' +
      // A URL may hold a token or a password.
      (isMeant
        ? `another form of ${url.origin}`
        : `what is none, of type ${typeof origin}; patterns are not taken`),
  );
}

/** Throws `ConfigError`. */
export function checkHlsOptions(options: HlsFrameSourceOptions): CheckedHlsOptions {
  const checked = checkOptions<Unsettled<CheckedHlsOptions>>(options, HLS, 'HlsFrameSource');
  checkDelays(checked);
  const choice = checkFrameChoice(checked);
  const limits = limitsOf(checked, choice);
  if (!URL.canParse(checked.url))
    throw new ConfigError('Expected a URL for url, but what was received is none');
  checked.allowedOrigins?.forEach(checkOrigin);
  const cameraId = checked.cameraId ?? new URL(checked.url).host;
  return { ...checked, choice, limits, cameraId, logger: limited(checked.logger, systemClock) };
}

/** Throws `ConfigError`. */
export function checkKvsOptions(options: KvsHlsFrameSourceOptions): CheckedKvsOptions {
  const checked = checkOptions<Unsettled<CheckedKvsOptions>>(options, KVS, 'KvsHlsFrameSource');
  checkDelays(checked);
  const choice = checkFrameChoice(checked);
  const limits = limitsOf(checked, choice);
  if (checked.catchUp !== undefined && choice.delivery.kind !== 'every') {
    throw new ConfigError("catchUp needs delivery 'every': what it reads from the recording is old");
  }
  if (choice.delivery.kind === 'max-age' && checked.playbackMode !== 'LIVE') {
    throw new ConfigError(
      `delivery { maxAgeMs } needs playbackMode LIVE, it is ${checked.playbackMode}: all of a recording is old`,
    );
  }
  checkRange(checked);
  checkCatchUp(checked);
  if (checked.endpoint !== undefined && !URL.canParse(checked.endpoint)) {
    throw new ConfigError('Expected a URL for endpoint, but what was received is none');
  }
  const { streamName, streamArn } = checked;
  if ((streamName === undefined) === (streamArn === undefined)) {
    throw new ConfigError(
      streamName === undefined
        ? 'One of streamName and streamArn must be given'
        : 'Give streamName or streamArn, not both',
    );
  }
  if (checked.urlRefreshMarginSeconds >= checked.hlsSessionSeconds) {
    throw new ConfigError(
      `Expected urlRefreshMarginSeconds below hlsSessionSeconds (${checked.hlsSessionSeconds}) but received ` +
        `${checked.urlRefreshMarginSeconds}`,
    );
  }
  const cameraId = checked.cameraId ?? streamName ?? streamArn?.split('/')[1] ?? '';
  return { ...checked, choice, limits, cameraId, logger: limited(checked.logger, systemClock) };
}

/** Ready-made sets of options, to be spread into a source's options. */
export const presets = {
  /** Long sessions, patient: for services that run for months. */
  production: {
    hlsSessionSeconds: 1800,
    urlRefreshMarginSeconds: 120,
    reconnectDelaySeconds: 10,
    maxReconnectDelaySeconds: 300,
    maxConsecutiveErrors: 20,
  },
  /** Short waits, early end: for tests and tools in front of which somebody sits. */
  failFast: {
    hlsSessionSeconds: 300,
    urlRefreshMarginSeconds: 10,
    reconnectDelaySeconds: 1,
    maxReconnectDelaySeconds: 10,
    backoffMultiplier: 1.5,
    maxConsecutiveErrors: 5,
  },
} as const satisfies Record<string, Partial<KvsHlsFrameSourceOptions>>;
