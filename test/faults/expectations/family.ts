import type { FaultResource } from '../../../lib/simulator/index';
import {
  CALM,
  type Expectation,
  GAVE_UP,
  gaveUp,
  OFFLINE,
  type Range,
  RECONNECTED,
  REFUSED_AT_OPENING,
} from './expectation';

/** A row of the generated family: which resource, which status, how often. */
export interface FamilyMember {
  resource: FaultResource;
  status: number;
  times: 'once' | 'thrice' | 'forever';
}

export function familyMember(name: string): FamilyMember | null {
  const [, resource, status, times] =
    /^(endpoint|session-url|master|playlist|init|fragment)-(\d{3})-(once|thrice|forever)$/.exec(name) ?? [];
  if (resource === undefined) return null;
  return {
    resource: resource as FaultResource,
    status: Number(status),
    times: times as FamilyMember['times'],
  };
}

/** What a refusal means to the reader, by resource and status: the fault table's classes, as they are met here. */
type Kind =
  | 'denied'
  | 'misconfigured'
  | 'offline'
  | 'throttled'
  | 'call-failed'
  | 'expired'
  | 'session-at-fault'
  | 'polled-again'
  | 'fetched-again'
  | 'gone';

function kindOf({ resource, status }: FamilyMember): Kind {
  const isCall = resource === 'endpoint' || resource === 'session-url';
  const isList = resource === 'master' || resource === 'playlist';
  if (status === 404 && (resource === 'session-url' || isList)) return 'offline';
  if (isCall) {
    if (status === 403) return 'denied';
    if (status === 400 || status === 404) return 'misconfigured';
    return status === 429 ? 'throttled' : 'call-failed';
  }
  if (status === 403) return 'expired';
  if (status === 400) return 'session-at-fault';
  if (status === 404) return 'gone';
  return isList ? 'polled-again' : 'fetched-again';
}

type Prose = Pick<Expectation, 'does' | 'means' | 'todo'>;

const prose: Readonly<Record<Kind, Prose>> = {
  denied: {
    does: 'Gives up at once, with what to allow in the message (`KVS_DENIED`).',
    means: 'These credentials may not do this. A verdict, not an accident: asking again does not help.',
    todo: 'Allow `kinesisvideo:GetDataEndpoint` and `kinesisvideo:GetHLSStreamingSessionURL` on the stream.',
  },
  misconfigured: {
    does: 'Gives up at once, with what to change in the message (`KVS_REJECTED`, `KVS_STREAM_NOT_FOUND`).',
    means: 'A parameter is refused (400), or there is no such stream in this account and region (404).',
    todo: 'Change the option, name, region or account that the message names.',
  },
  offline: {
    does: 'Takes the camera for silent and looks for it about every 6 s, for ever.',
    means: 'KVS has no fragment of the last 30 s: the camera sends nothing.',
    todo: 'Look at the camera, not at the reader.',
  },
  throttled: {
    does: 'Holds back all control calls of the process for this account and region, longer each time.',
    means: 'Too many calls for the account or the stream (5 a second per stream, 300 per account).',
    todo: 'Spread starts; longer sessions (`hlsSessionSeconds`). If it stays: see who else calls.',
  },
  'call-failed': {
    does: 'Asks again with exponential back-off, gives up after `maxConsecutiveErrors`.',
    means: 'The service has trouble of its own.',
    todo: "Nothing. If it stays: AWS's health page.",
  },
  expired: {
    does: 'Asks for another session at once, from the second refusal in a row on with back-off. Never counted as an error.',
    means:
      'The session is over. For ever: every session is refused, by a proxy or for a clock that is far off.',
    todo: 'Nothing for one. For ever: call a session URL from another host.',
  },
  'session-at-fault': {
    does: 'Asks for another session with back-off, gives up after `maxConsecutiveErrors`.',
    means: 'The service does not like the request: the session is damaged.',
    todo: 'Nothing unless it stays.',
  },
  'polled-again': {
    does: 'Asks again a few times with growing pauses, then for another session; gives up after `maxConsecutiveErrors`.',
    means: 'The service has trouble of its own (5xx), or is asked too often (429).',
    todo: "Nothing. If it stays: AWS's health page; how many read this session's stream.",
  },
  'fetched-again': {
    does: 'Asks again with growing pauses while the list has the fragment; after 10 s without any, for another session.',
    means: 'The service has trouble of its own (5xx), or is asked too often (429).',
    todo: "Nothing. If it stays: AWS's health page; how many read this stream.",
  },
  gone: {
    does: 'Asks once more if the list still has it, then goes on behind it and tells the hole; three in a row: another session.',
    means: 'It was listed, but the service does not have it: it aged out, or a server is behind.',
    todo: 'Nothing for one.',
  },
};

/** Calls that an opening makes when nothing is wrong. */
const OPENING_CALLS = 2;

/** What one row of the family must lead to. */
export function familyExpectation(member: FamilyMember): Expectation {
  const kind = kindOf(member);
  const { resource, status, times } = member;
  const isPlaying = resource === 'playlist' || resource === 'fragment';
  const refusals = times === 'once' ? 1 : 3;
  const own = isPlaying ? 0 : OPENING_CALLS;
  const calls = (more: number, most = more): Range => [own + more, own + most];
  const endsNow = (code: string): Partial<Expectation> => ({
    ends: { code },
    phases: REFUSED_AT_OPENING,
    calls: resource === 'endpoint' ? [1, 1] : [2, 2],
  });
  const exhausted = (code: string): Partial<Expectation> => ({
    ...gaveUp(code),
    phases: isPlaying ? GAVE_UP : REFUSED_AT_OPENING,
    calls: resource === 'endpoint' ? [3, 3] : calls(2, 4),
  });
  const reconnected = isPlaying ? RECONNECTED : CALM;
  const facts = (): Partial<Expectation> => {
    switch (kind) {
      case 'denied':
        return endsNow('KVS_DENIED');
      case 'misconfigured':
        return endsNow(status === 404 ? 'KVS_STREAM_NOT_FOUND' : 'KVS_REJECTED');
      case 'offline':
        if (times === 'forever')
          return {
            ...watched(isPlaying ? /^connecting connected offline$/ : /^connecting offline$/, 'idle'),
            calls: calls(1, 5),
          };
        return {
          phases: isPlaying ? OFFLINE : /^connecting offline connected$/,
          calls: calls(1, 4),
          recoveryMs: 10_000,
          // A list of 10 s, and looks that are 6 s apart.
          ...(isPlaying && times === 'thrice'
            ? { lostMs: [0, 5_000], causes: ['producer', 'outage', 'window-slid'], unlisted: true }
            : {}),
        };
      case 'throttled':
        if (times === 'forever')
          return { ...exhausted('KVS_THROTTLED'), calls: resource === 'endpoint' ? [3, 3] : [4, 4] };
        return { calls: calls(refusals), recoveryMs: 20_000 };
      case 'call-failed':
        if (times === 'forever') return exhausted('KVS_CALL_FAILED');
        return { calls: calls(refusals, 2 * refusals), recoveryMs: 4_000 };
      case 'expired':
        if (times === 'forever') {
          const phases = isPlaying ? /^connecting connected reconnecting$/ : /^connecting$/;
          return { ...watched(phases, isPlaying ? 'reconnecting' : 'connecting'), calls: calls(5, 20) };
        }
        return { phases: reconnected, calls: calls(refusals), recoveryMs: 4_000 };
      case 'session-at-fault':
        if (times === 'forever') return exhausted('HLS_STATUS');
        return { phases: reconnected, calls: calls(refusals), recoveryMs: 4_000 };
      case 'polled-again':
        if (times === 'forever') return { ...exhausted('HLS_STATUS') };
        return {
          phases: isPlaying ? /^connecting connected( reconnecting connected)?$/ : CALM,
          calls: calls(0, 3),
          recoveryMs: 8_000,
        };
      case 'fetched-again':
        if (times === 'forever') return exhausted('HLS_STATUS');
        return { calls: calls(0, 1), recoveryMs: 8_000 };
      case 'gone':
        if (times === 'forever') return exhausted('HLS_STATUS');
        return {
          calls: calls(0, times === 'once' ? 0 : 3),
          recoveryMs: 4_000,
          ...(isPlaying && times === 'thrice' ? { lostMs: [500, 1_000], causes: ['window-slid'] } : {}),
        };
    }
  };
  return { ...prose[kind], ...facts() };
}

const watched = (phases: RegExp, health: Expectation['health']): Partial<Expectation> => ({
  phases,
  ...(health === undefined ? {} : { health }),
  settings: { watchMs: 14_000 },
});
