import { systemClock } from './clock.js';
import { FrameSource } from './frame-source.js';
import { LoadStatistics } from './hls/load-statistics.js';
import { RemoteFollower } from './hls/remote-follower.js';
import type { VariantLimits } from './hls/variant.js';
import {
  checkHlsOptions,
  checkKvsOptions,
  type CheckedHlsOptions,
  type CheckedKvsOptions,
  type HlsFrameSourceOptions,
  type KvsHlsFrameSourceOptions,
} from './options.js';
import { CallCounts } from './session/call-counts.js';
import { FixedUrlProvider } from './session/fixed.js';
import type { KvsSessionOptions } from './session/kvs-options.js';
import { KvsSessionProvider } from './session/kvs.js';

/** GetMP4MediaFragment and GetTSFragment: 20 a second and session, a hard limit (kvs-hls §5.1). */
const KVS_FRAGMENTS_PER_SECOND = 20;

/** What of the options belongs to the session. */
function sessionOptions(options: CheckedKvsOptions, calls: CallCounts): KvsSessionOptions {
  const credentials = options.credentials as KvsSessionOptions['credentials'];
  return {
    ...(options.streamName === undefined ? {} : { streamName: options.streamName }),
    ...(options.streamArn === undefined ? {} : { streamArn: options.streamArn }),
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.startTimestamp === undefined ? {} : { startTimestamp: options.startTimestamp }),
    ...(options.endTimestamp === undefined ? {} : { endTimestamp: options.endTimestamp }),
    maxMediaPlaylistFragmentResults: listLength(options),
    playbackMode: options.playbackMode,
    containerFormat: options.containerFormat,
    fragmentSelectorType: options.fragmentSelectorType,
    discontinuityMode: options.discontinuityMode,
    displayFragmentTimestamp: options.displayFragmentTimestamp,
    hlsSessionSeconds: options.hlsSessionSeconds,
    clock: systemClock,
    logger: options.logger,
    random: Math.random,
    onCall: (operation, outcome) => calls.count(operation, outcome),
  };
}

/** The service's own default for recordings. */
const RECORDING_LIST_LENGTH = 1000;

/** AWS recommends 3–10 in a live list. */
function listLength(options: CheckedKvsOptions): number {
  return (
    options.maxMediaPlaylistFragmentResults ??
    (options.playbackMode === 'ON_DEMAND' ? RECORDING_LIST_LENGTH : 10)
  );
}

/**
 * Frames of one Kinesis video stream.
 *
 * ```ts
 * await using source = new KvsHlsFrameSource({ streamName: 'front-door', region: 'eu-west-1' });
 * for await (const frame of source) {
 *   await infer(frame.data, frame.width, frame.height); // BGR24, height × stride bytes, top row first
 * }
 * ```
 *
 * Opens nothing before the first frame is asked for or `start()` is called. Throws `ConfigError` for a wrong option.
 */
export class KvsHlsFrameSource extends FrameSource {
  constructor(options: KvsHlsFrameSourceOptions) {
    const checked = checkKvsOptions(options);
    const { playbackMode, fragmentSelectorType, catchUp, cameraId, logger } = checked;
    // What opens the stream is the session provider's alone: whoever looks at a source does not see it.
    const { credentials: _credentials, endpoint: _endpoint, ...shown } = checked;
    const loads = new LoadStatistics();
    const calls = new CallCounts();
    const follow = (startAt: 'edge' | 'beginning'): RemoteFollower =>
      new RemoteFollower(
        {
          allowedOrigins: [],
          limits: checked.limits,
          startFragmentsBehind: checked.startFragmentsBehind,
          startAt,
          fragmentsPerSecond: KVS_FRAGMENTS_PER_SECOND,
        },
        { cameraId, logger, loads },
      );
    super(shown, {
      provider: new KvsSessionProvider(sessionOptions(checked, calls)),
      fragments: follow(playbackMode === 'LIVE' ? 'edge' : 'beginning'),
      loads,
      calls,
      ...(catchUp && {
        catchUp: {
          maxMs: catchUp.maxSeconds * 1000,
          listLength: RECORDING_LIST_LENGTH,
          openArchive: () => follow('beginning'),
        },
      }),
      dates: {
        source: fragmentSelectorType === 'PRODUCER_TIMESTAMP' ? 'producer' : 'server',
        isLive: playbackMode === 'LIVE',
      },
      renewalMarginMs: checked.urlRefreshMarginSeconds * 1000,
      // KVS never ends a live list (kvs-hls §3.3): who does is not KVS, or it is no more.
      isEndless: playbackMode === 'LIVE',
      // A recording's list ends after as many fragments as were asked for, even if the range has more. The list of a
      // session that resumes begins with the fragment that was read last.
      continues: (fragments) =>
        playbackMode === 'ON_DEMAND' && fragments > 0 && fragments >= listLength(checked) - 1,
    });
  }
}

/** Which variant suits the output. A part that is cut out is given in the picture's pixels, whose number must not change then. */
function variantLimits({ maxHeight, maxBandwidth, output = {} }: CheckedHlsOptions): VariantLimits {
  const { width, height, fit, crop } = output;
  return {
    ...(maxHeight !== undefined && { maxHeight }),
    ...(maxBandwidth !== undefined && { maxBandwidth }),
    ...(crop && { keepVariant: true }),
    ...(!crop && width !== undefined && { wantedWidth: width }),
    ...(!crop && height !== undefined && { wantedHeight: height }),
    wantedSides: fit === 'contain' ? 'one' : 'both',
  };
}

/**
 * Frames of any HLS stream, live or recorded, by its URL: the same reader, frames and policies, without AWS.
 *
 * Throws `ConfigError` for a wrong option.
 */
export class HlsFrameSource extends FrameSource {
  constructor(options: HlsFrameSourceOptions) {
    const checked = checkHlsOptions(options);
    const { url, ...shown } = checked;
    const { cameraId, logger } = shown;
    const loads = new LoadStatistics();
    super(shown, {
      provider: new FixedUrlProvider(url),
      fragments: new RemoteFollower(
        {
          allowedOrigins: checked.allowedOrigins ?? [],
          limits: checked.limits,
          startFragmentsBehind: checked.startFragmentsBehind,
          startAt: 'edge',
          fragmentsPerSecond: Infinity,
          ...variantLimits(checked),
        },
        { cameraId, logger, loads },
      ),
      loads,
      // A given URL needs none.
      calls: new CallCounts(),
      // A playlist does not say whether it is live before it is read; a wrong date is the server's to mend.
      dates: { source: 'producer', isLive: false },
      renewalMarginMs: 0,
      // Who serves a live stream may end it.
      isEndless: false,
      continues: () => false,
    });
  }
}
