import { invalidArgument, invalidMember } from './errors.js';

/** A checked `GetHLSStreamingSessionURL` request, defaults filled in. Times are Unix ms. */
export interface SessionParameters {
  readonly playbackMode: 'LIVE' | 'LIVE_REPLAY' | 'ON_DEMAND';
  readonly timestamps: 'SERVER_TIMESTAMP' | 'PRODUCER_TIMESTAMP';
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly container: 'FRAGMENTED_MP4' | 'MPEG_TS';
  readonly discontinuityMode: 'ALWAYS' | 'NEVER' | 'ON_DISCONTINUITY';
  readonly showsTimestamps: boolean;
  /** 300–43200, default 300. */
  readonly expiresSeconds: number;
  /** 1–5000; default 5, in ON_DEMAND 1000. */
  readonly maxFragments: number;
}

const maxRangeMs = 24 * 3_600_000;

type Body = Readonly<Record<string, unknown>>;

/**
 * Applies every rule of the service's model and text that does not depend on the stream's content.
 * Throws `ServiceError` (`InvalidArgumentException`).
 *
 * @param headMs oldest time that a SERVER_TIMESTAMP range may start at
 */
export function sessionParameters(body: Body, nowMs: number, headMs: number): SessionParameters {
  const playbackMode = oneOf(body, 'PlaybackMode', ['LIVE', 'LIVE_REPLAY', 'ON_DEMAND'], 'LIVE');
  const selector = object(body, 'HLSFragmentSelector');
  const timestamps = oneOf(
    selector ?? {},
    'FragmentSelectorType',
    ['SERVER_TIMESTAMP', 'PRODUCER_TIMESTAMP'],
    'SERVER_TIMESTAMP',
  );
  if (playbackMode !== 'LIVE' && selector?.['FragmentSelectorType'] === undefined) {
    throw invalidArgument(`HLSFragmentSelector with FragmentSelectorType is required for ${playbackMode}.`);
  }
  const range = timestampRange(
    object(selector ?? {}, 'TimestampRange'),
    playbackMode,
    timestamps,
    nowMs,
    headMs,
  );
  return {
    playbackMode,
    timestamps,
    ...range,
    container: oneOf(body, 'ContainerFormat', ['FRAGMENTED_MP4', 'MPEG_TS'], 'FRAGMENTED_MP4'),
    discontinuityMode: oneOf(
      body,
      'DiscontinuityMode',
      ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY'],
      timestamps === 'SERVER_TIMESTAMP' ? 'ALWAYS' : 'NEVER',
    ),
    showsTimestamps: oneOf(body, 'DisplayFragmentTimestamp', ['ALWAYS', 'NEVER'], 'NEVER') === 'ALWAYS',
    expiresSeconds: integer(body, 'Expires', 300, 43_200, 300),
    maxFragments: integer(
      body,
      'MaxMediaPlaylistFragmentResults',
      1,
      5000,
      playbackMode === 'ON_DEMAND' ? 1000 : 5,
    ),
  };
}

function timestampRange(
  range: Body | null,
  mode: SessionParameters['playbackMode'],
  timestamps: SessionParameters['timestamps'],
  nowMs: number,
  headMs: number,
): { startMs: number | null; endMs: number | null } {
  if (mode === 'LIVE') {
    if (range !== null) throw invalidArgument('TimestampRange must not be present for PlaybackMode LIVE.');
    return { startMs: null, endMs: null };
  }
  if (range === null) throw invalidArgument(`TimestampRange is required for PlaybackMode ${mode}.`);
  const startMs = timestamp(range, 'StartTimestamp');
  const endMs = timestamp(range, 'EndTimestamp');
  if (startMs === null) throw invalidArgument('StartTimestamp is required in TimestampRange.');
  if (endMs === null && mode === 'ON_DEMAND') {
    throw invalidArgument('EndTimestamp is required in TimestampRange for PlaybackMode ON_DEMAND.');
  }
  if (endMs !== null) {
    if (endMs <= startMs) throw invalidArgument('EndTimestamp must be later than StartTimestamp.');
    if (endMs - startMs > maxRangeMs) {
      throw invalidArgument('EndTimestamp must be within 24 hours of StartTimestamp.');
    }
  }
  if (timestamps === 'SERVER_TIMESTAMP') {
    if (startMs <= headMs) throw invalidArgument('StartTimestamp must be later than the stream head.');
    if (endMs !== null && endMs > nowMs) throw invalidArgument('EndTimestamp must be in the past.');
  }
  return { startMs, endMs };
}

function oneOf<T extends string>(body: Body, member: string, values: readonly T[], otherwise: T): T {
  const value = body[member] ?? otherwise;
  const found = values.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw invalidMember(wireName(member), value, `satisfy enum value set: [${values.join(', ')}]`);
}

function integer(body: Body, member: string, least: number, most: number, otherwise: number): number {
  const value = body[member] ?? otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw invalidMember(wireName(member), value, 'be an integer');
  }
  if (value < least)
    throw invalidMember(wireName(member), value, `have value greater than or equal to ${least}`);
  if (value > most) throw invalidMember(wireName(member), value, `have value less than or equal to ${most}`);
  return value;
}

/** Epoch seconds on the wire, fractional. */
function timestamp(body: Body, member: string): number | null {
  const value = body[member] ?? null;
  if (value === null) return null;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw invalidMember(wireName(member), value, 'be a number of epoch seconds');
  }
  return Math.round(value * 1000);
}

function object(body: Body, member: string): Body | null {
  const value = body[member] ?? null;
  if (value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalidMember(wireName(member), value, 'be a structure');
  }
  return value as Body;
}

/** AWS's validation texts name members with a small first letter. */
function wireName(member: string): string {
  return member.charAt(0).toLowerCase() + member.slice(1);
}
