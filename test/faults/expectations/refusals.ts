import {
  CALM_OR_RECONNECTED,
  type Expectations,
  gaveUp,
  RECONNECTED,
  REFUSED_AT_OPENING,
} from './expectation';

const notKvs = 'Not what KVS sends: something between here and AWS answers in its place.';
const wrongHost =
  'The call went to a host that is no data endpoint, or KVS is confused: it says 200 and gives no URL.';
const redirected = {
  does: 'Follows no redirect, which would carry the token elsewhere; asks for another session.',
  means: notKvs,
  todo: 'If it stays: look for a proxy or a captive portal.',
  phases: CALM_OR_RECONNECTED,
  calls: [0, 1],
  recoveryMs: 4_000,
} as const;

export const refusalExpectations: Expectations = {
  'unknown-operation-answer': {
    does: 'Drops the data endpoint, and asks for it and for a session again, with back-off.',
    means: wrongHost,
    todo: 'Nothing unless it stays: then check `endpoint`.',
    calls: [3, 4],
  },
  'unknown-operation-at-endpoint': {
    does: 'Asks again, with back-off.',
    means: wrongHost,
    todo: 'Nothing unless it stays: then check `endpoint`.',
    calls: [3, 3],
  },
  'unknown-operation-forever': {
    ...gaveUp('KVS_NO_URL'),
    does: 'Asks again with back-off, gives up after `maxConsecutiveErrors`.',
    means: wrongHost,
    todo: 'Check `endpoint`, `AWS_ENDPOINT_URL…` and the proxy.',
    phases: REFUSED_AT_OPENING,
    calls: [4, 8],
  },
  'throttling-storm': {
    does: 'Holds back all control calls of the process for this account and region, longer each time.',
    means: 'Too many calls for the account or the stream.',
    todo: 'Spread starts; longer sessions (`hlsSessionSeconds`). If it stays: see who else calls.',
    calls: [3, 7],
    recoveryMs: 25_000,
  },
  'playlist-throttled': {
    does: 'Asks again with pauses that grow from 1 s to 10 s.',
    means: "Too many requests on this session's stream: other readers count as well.",
    todo: 'If it stays: fewer readers of one stream, a shorter list.',
    phases: CALM_OR_RECONNECTED,
    calls: [0, 1],
    recoveryMs: 8_000,
  },
  'fragment-throttled': {
    does: 'Asks again with pauses that grow from 1 s to 10 s, as long as the list has the fragment.',
    means: 'Too many requests on this stream: other readers count as well.',
    todo: 'If it stays: fewer readers of one stream.',
    recoveryMs: 8_000,
  },
  'playlist-503-retry-after': {
    does: 'Waits as long as the server asks for, then asks again.',
    means: 'The service has trouble of its own.',
    todo: 'Nothing.',
    recoveryMs: 5_000,
  },
  redirect: redirected,
  'redirect-of-fragment': { ...redirected, phases: RECONNECTED, calls: [1, 1] },
  'redirect-forever': {
    ...redirected,
    ...gaveUp('HLS_STATUS'),
    phases: REFUSED_AT_OPENING,
    calls: [4, 5],
  },
  'credentials-expired-once': {
    does: 'Asks for credentials once more and calls again at once.',
    means: 'Temporary credentials ran out between two refreshes.',
    todo: 'Nothing.',
    calls: [3, 3],
  },
  'credentials-expired-forever': {
    does: 'Asks for credentials once more, calls again, and gives up with what to do (`KVS_DENIED`).',
    means: 'The credentials are expired and nothing renews them.',
    todo: 'Renew them, or give `credentials` a function that does.',
    ends: { code: 'KVS_DENIED' },
    phases: REFUSED_AT_OPENING,
    calls: [3, 4],
  },
  'clock-skew-refused-once': {
    does: 'Calls once more at once.',
    means: "This host's clock is off by minutes, or was.",
    todo: 'NTP on this host.',
    calls: [3, 3],
  },
  'no-data-retention': {
    does: 'Gives up at once, with what to change (`KVS_NO_RETENTION`).',
    means: 'The stream keeps no data, which HLS needs.',
    todo: 'Raise the data retention above 0 hours (`UpdateDataRetention`).',
    ends: { code: 'KVS_NO_RETENTION' },
    phases: REFUSED_AT_OPENING,
    calls: [2, 2],
  },
  'codec-data-missing-thrice': {
    does: 'Asks for a session again, with back-off; counts as an error.',
    means: 'The producer sends no codec data with its fragments.',
    todo: 'Restart the producer; it must send avcC or hvcC, not Annex B.',
    calls: [5, 8],
    recoveryMs: 4_000,
  },
  'media-unsupported': {
    does: 'Gives up at once, with what to change (`KVS_REJECTED`).',
    means: 'HLS can not carry what the camera sends, such as G.711 audio.',
    todo: 'H.264 or H.265 video and AAC audio at the producer.',
    ends: { code: 'KVS_REJECTED' },
    phases: REFUSED_AT_OPENING,
    calls: [2, 2],
  },
};
