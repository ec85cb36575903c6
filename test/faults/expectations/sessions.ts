import type { RowSettings } from '../run-fault';
import { type Expectations, RECONNECTED } from './expectation';

const expired =
  'A session ended: every 5 min by default, by `hlsSessionSeconds`, and whenever the service likes.';
/** Sessions are renewed two seconds after they were made. */
const renewing: RowSettings = { source: { hlsSessionSeconds: 300, urlRefreshMarginSeconds: 298 } };
const atOpening = {
  does: 'Asks for another session at once and begins again.',
  means: 'The session was over before it was used: a slow start, or a token that came from elsewhere.',
  todo: 'Nothing. If it comes often: this host is too slow or its clock is wrong.',
  phases: /^connecting connected$/,
  calls: [3, 3],
} as const;

export const sessionExpectations: Expectations = {
  'expiry-at-master': atOpening,
  'expiry-at-media-playlist': atOpening,
  'expiry-at-init': atOpening,
  'expiry-at-fragment': atOpening,
  'session-dies-early': {
    does: 'Asks for another session at once and goes on behind the last fragment.',
    means: expired,
    todo: 'Nothing.',
    phases: RECONNECTED,
    calls: [1, 1],
  },
  'sessions-die-young': {
    does: 'Asks for another session each time, at once, and goes on behind the last fragment.',
    means: 'Sessions last much less than was asked for: somebody else ends them, or a proxy refuses them.',
    todo: 'Nothing for the frames. Look for what refuses sessions if it stays: each costs a control call.',
    phases: /^connecting connected( reconnecting connected){2,6}$/,
    calls: [2, 7],
  },
  'renewal-refused': {
    does: 'Asks again with exponential back-off while the session in use plays on; nothing is missed.',
    means: 'The service has trouble of its own.',
    todo: 'Nothing, as long as the session lasts; `urlRefreshMarginSeconds` is how long that is.',
    calls: [4, 12],
    settings: renewing,
  },
  'renewal-expires': {
    does: 'Asks for another one while the session in use plays on; nothing is missed.',
    means: 'The session was over before it was used: a slow start, or a clock that is far off.',
    todo: 'Nothing.',
    calls: [2, 12],
    settings: renewing,
  },
  'session-dies-none-granted': {
    does: 'Asks again with exponential back-off until a session is granted, then goes on behind the last fragment.',
    means: 'The session is over and the service grants no other one: it has trouble of its own.',
    todo: "Nothing unless it stays: then AWS's health page. What leaves the list meanwhile is lost.",
    phases: RECONNECTED,
    calls: [3, 12],
    recoveryMs: 4_000,
  },
  'new-sessions-refused-thrice': {
    does: 'Asks for another session at once; from the second refusal in a row on with back-off.',
    means: 'New sessions are refused as soon as they are used: a proxy, or a clock that is far off.',
    todo: 'If it stays: call the session URL from another host.',
    phases: RECONNECTED,
    calls: [4, 4],
  },
  'old-session-fragments-refused': {
    does: 'Takes a refused fragment for a session that is over, asks for another one, fetches the fragment there.',
    means: expired,
    todo: 'Nothing.',
    phases: RECONNECTED,
    calls: [1, 1],
  },
};
