import type * as MediaSdk from '@aws-sdk/client-kinesis-video-archived-media';
import { KvsConnectionError } from '../errors.js';
import type { KvsSessionOptions } from './kvs-options.js';
import type { SessionRequest } from './provider.js';

const LIVE_LIST_LENGTH = 10;
/** The service's own default for recordings. */
const RECORDING_LIST_LENGTH = 1000;
/** Longest range of one session (kvs-hls §2.1). */
const LONGEST_RANGE_MS = 24 * 3_600_000;
/** How far from now a range of server times must end: it has to be past by the server's clock, not by ours. */
const PAST_MS = 1_000;

/** The stretch of a stream that a session is to play; both ends Unix ms, the last one inclusive as AWS has it. */
export interface Stretch {
  readonly mode: 'LIVE_REPLAY' | 'ON_DEMAND';
  readonly startMs: number;
  readonly endMs?: number;
}

/**
 * What to ask for, `null` for what is live.
 *
 * @throws KvsConnectionError `KVS_EMPTY_RANGE` for a range that can hold no fragment
 */
export function stretchOf(
  options: KvsSessionOptions,
  { resumeAtMs, range }: Omit<SessionRequest, 'signal'>,
  nowMs: number,
): Stretch | null {
  if (range !== undefined) return rangeStretch(options, range, resumeAtMs, nowMs);
  const { playbackMode = 'LIVE', startTimestamp, endTimestamp } = options;
  if (playbackMode === 'LIVE') return null;
  const startMs = startTimestamp?.getTime() ?? 0;
  const endMs = endTimestamp?.getTime();
  return {
    mode: playbackMode,
    startMs: resumed(startMs, resumeAtMs, endMs),
    ...(endMs !== undefined && { endMs }),
  };
}

/** Where reading goes on: neither before the range nor at its end, since AWS refuses an empty range. */
function resumed(startMs: number, resumeAtMs: number | undefined, endMs = Infinity): number {
  return Math.max(startMs, Math.min(resumeAtMs ?? startMs, endMs - 1));
}

function rangeStretch(
  options: KvsSessionOptions,
  { fromMs, toMs }: NonNullable<SessionRequest['range']>,
  resumeAtMs: number | undefined,
  nowMs: number,
): Stretch {
  const isServerTime = options.fragmentSelectorType === 'SERVER_TIMESTAMP';
  // AWS compares the starts of fragments and takes in the range's last moment.
  const endMs = Math.min(toMs - 1, isServerTime ? nowMs - PAST_MS : Infinity);
  const startMs = Math.max(fromMs, endMs - LONGEST_RANGE_MS);
  if (!(startMs < endMs)) {
    throw new KvsConnectionError(
      'KVS_EMPTY_RANGE',
      `The range of ${toMs - fromMs} ms from Unix ms ${fromMs} is empty or not past yet`,
    );
  }
  return { mode: 'ON_DEMAND', startMs: resumed(startMs, resumeAtMs, endMs), endMs };
}

function listLength(options: KvsSessionOptions, stretch: Stretch | null): number {
  const isRecording = stretch?.mode === 'ON_DEMAND';
  // A length chosen for a live list is none for a recording.
  const isChosenForThis = isRecording === (options.playbackMode === 'ON_DEMAND');
  const chosen = isChosenForThis ? options.maxMediaPlaylistFragmentResults : undefined;
  return chosen ?? (isRecording ? RECORDING_LIST_LENGTH : LIVE_LIST_LENGTH);
}

/** Names the stream in a call. */
export function streamId(options: KvsSessionOptions): { StreamName: string } | { StreamARN: string } {
  const { streamName, streamArn = '' } = options;
  return streamName === undefined ? { StreamARN: streamArn } : { StreamName: streamName };
}

/** The parameters of `GetHLSStreamingSessionURL`. */
export function sessionParameters(
  options: KvsSessionOptions,
  stretch: Stretch | null,
): MediaSdk.GetHLSStreamingSessionURLCommandInput {
  return {
    ...streamId(options),
    PlaybackMode: stretch?.mode ?? 'LIVE',
    HLSFragmentSelector: {
      FragmentSelectorType: options.fragmentSelectorType ?? 'PRODUCER_TIMESTAMP',
      ...(stretch !== null && {
        TimestampRange: {
          StartTimestamp: new Date(stretch.startMs),
          EndTimestamp: stretch.endMs === undefined ? undefined : new Date(stretch.endMs),
        },
      }),
    },
    ContainerFormat: options.containerFormat ?? 'FRAGMENTED_MP4',
    DiscontinuityMode: options.discontinuityMode ?? 'ON_DISCONTINUITY',
    DisplayFragmentTimestamp: options.displayFragmentTimestamp ?? 'ALWAYS',
    Expires: options.hlsSessionSeconds ?? 300,
    MaxMediaPlaylistFragmentResults: listLength(options, stretch),
  };
}
