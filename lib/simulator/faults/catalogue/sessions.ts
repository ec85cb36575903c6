import { atOpening, inGroup, onlyMp4 } from './entry.js';

const fault = inGroup('session');
const first = { from: 1, count: 1 };
const beforeScript = { from: -1_000_000, count: 1_000_001 };

export const sessionFaults = [
  fault(
    'expiry-at-master',
    'The first session is over when its master playlist is asked for.',
    [{ when: { resource: 'master', requests: first }, what: { type: 'expire' } }],
    atOpening,
  ),
  fault(
    'expiry-at-media-playlist',
    'The first session is over when its media playlist is asked for.',
    [{ when: { resource: 'playlist', requests: first }, what: { type: 'expire' } }],
    atOpening,
  ),
  fault(
    'expiry-at-init',
    'The first session is over when its init section is asked for.',
    [{ when: { resource: 'init', requests: first }, what: { type: 'expire' } }],
    { ...atOpening, ...onlyMp4 },
  ),
  fault(
    'expiry-at-fragment',
    'The first session is over when its first fragment is asked for.',
    [{ when: { resource: 'fragment', requests: first }, what: { type: 'expire' } }],
    atOpening,
  ),
  fault('session-dies-early', 'The session is refused long before its time.', [
    { when: { atMs: 0 }, what: { type: 'expire-sessions' } },
  ]),
  fault('sessions-die-young', 'For ten seconds every session is refused when it is two seconds old.', [
    {
      when: { resource: 'playlist', sessionAgeFromMs: 2_000, untilMs: 10_000 },
      what: { type: 'expire' },
    },
  ]),
  fault('renewal-refused', 'The session goes on, but three times no other one is granted to follow it.', [
    {
      when: { resource: 'session-url', requests: { from: 1, count: 3 } },
      what: { type: 'refuse', status: 500 },
    },
  ]),
  fault(
    'renewal-expires',
    'The session goes on, but the one that is to follow it is over when it is opened.',
    [{ when: { resource: 'master', requests: { from: 1, count: 1 } }, what: { type: 'expire' } }],
  ),
  fault(
    'session-dies-none-granted',
    'The session is refused, and for four seconds no other one is granted.',
    [
      { when: { resource: 'session-url', untilMs: 4_000 }, what: { type: 'refuse', status: 500 } },
      { when: { atMs: 0 }, what: { type: 'expire-sessions' } },
    ],
  ),
  fault('new-sessions-refused-thrice', 'The session is refused, and so are the next three at once.', [
    { when: { atMs: 0 }, what: { type: 'expire-sessions' } },
    { when: { resource: 'master', sessions: { from: 1, count: 3 } }, what: { type: 'expire' } },
  ]),
  fault(
    'old-session-fragments-refused',
    'The playlist of the session goes on, but its fragments are refused; a new session is well.',
    [
      {
        when: { resource: 'fragment', sessions: beforeScript },
        what: { type: 'refuse', status: 403 },
      },
    ],
  ),
];
