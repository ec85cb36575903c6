import { faultResources, type ResponseEffect } from '../script.js';
import { atOpening, inGroup } from './entry.js';

const fault = inGroup('connection');
const once = { from: 1, count: 1 };
const thrice = { from: 1, count: 3 };

const deliver = (
  delivery: Extract<ResponseEffect, { type: 'deliver' }>['delivery'],
): Extract<ResponseEffect, { type: 'deliver' }> => ({ type: 'deliver', delivery });

export const connectionFaults = [
  fault('slow-first-byte', 'A fragment is answered only after three seconds.', [
    { when: { resource: 'fragment', requests: once }, what: deliver({ waitMs: 3_000 }) },
  ]),
  fault('no-first-byte', 'A fragment is never answered; asked for again, it is.', [
    { when: { resource: 'fragment', requests: once }, what: deliver({ waitMs: 600_000 }) },
  ]),
  fault('playlist-slow', 'Three times the media playlist is answered only after two seconds.', [
    { when: { resource: 'playlist', requests: thrice }, what: deliver({ waitMs: 2_000 }) },
  ]),
  fault('playlist-never-answered', 'The media playlist is never answered; asked for again, it is.', [
    { when: { resource: 'playlist', requests: once }, what: deliver({ waitMs: 600_000 }) },
  ]),
  fault('body-stalls', "A fragment's body stops half-way for good, the connection stays.", [
    { when: { resource: 'fragment', requests: once }, what: deliver({ stall: { afterShare: 0.5 } }) },
  ]),
  fault('body-stalls-3s', "A fragment's body stops half-way for three seconds.", [
    {
      when: { resource: 'fragment', requests: once },
      what: deliver({ stall: { afterShare: 0.5, ms: 3_000 } }),
    },
  ]),
  fault('body-trickles', "Three fragments' bodies come in ten pieces over two seconds each.", [
    {
      when: { resource: 'fragment', requests: thrice },
      what: deliver({ pace: { pieces: 10, everyMs: 200 } }),
    },
  ]),
  fault('body-cut', "A fragment's connection ends half-way through its body, once.", [
    { when: { resource: 'fragment', requests: once }, what: deliver({ cut: { afterShare: 0.5 } }) },
  ]),
  fault(
    'body-cut-chunked',
    "A fragment's connection ends half-way through its chunked body, of which no Content-Length tells, once.",
    [
      {
        when: { resource: 'fragment', requests: once },
        what: deliver({ chunked: true, cut: { afterShare: 0.5 } }),
      },
    ],
  ),
  fault('body-cut-thrice', "A fragment's connection ends half-way through its body, three times.", [
    { when: { resource: 'fragment', requests: thrice }, what: deliver({ cut: { afterShare: 0.5 } }) },
  ]),
  fault('playlist-cut', "The media playlist's connection ends half-way through its body, once.", [
    { when: { resource: 'playlist', requests: once }, what: deliver({ cut: { afterShare: 0.5 } }) },
  ]),
  fault(
    'playlist-cut-chunked',
    "The media playlist's connection ends half-way through its chunked body, three times.",
    [
      {
        when: { resource: 'playlist', requests: thrice },
        what: deliver({ chunked: true, cut: { afterShare: 0.5 } }),
      },
    ],
  ),
  fault('connection-reset', 'The connection is reset instead of a fragment, once.', [
    { when: { resource: 'fragment', requests: once }, what: deliver({ reset: true }) },
  ]),
  fault('connection-reset-at-playlist', 'The connection is reset instead of the media playlist, once.', [
    { when: { resource: 'playlist', requests: once }, what: deliver({ reset: true }) },
  ]),
  fault('connection-reset-storm', 'For three seconds every connection is reset.', [
    { when: { resource: faultResources, untilMs: 3_000 }, what: deliver({ reset: true }) },
  ]),
  fault('connection-refused-3s', 'Nobody listens for three seconds.', [
    { when: { atMs: 0 }, what: { type: 'refuse-connections', forMs: 3_000 } },
  ]),
  fault('connection-refused-10s', 'Nobody listens for ten seconds.', [
    { when: { atMs: 0 }, what: { type: 'refuse-connections', forMs: 10_000 } },
  ]),
  fault(
    'dns-failure',
    'The data endpoint has a host name without an address, twice.',
    [
      {
        when: { resource: 'endpoint', requests: { from: 1, count: 2 } },
        what: { type: 'lead-astray', to: 'unresolvable' },
      },
    ],
    atOpening,
  ),
  fault(
    'dns-failure-of-session-url',
    'The session URL has a host name without an address, twice.',
    [
      {
        when: { resource: 'session-url', requests: { from: 1, count: 2 } },
        what: { type: 'lead-astray', to: 'unresolvable' },
      },
    ],
    atOpening,
  ),
  fault(
    'dns-failure-forever',
    'The data endpoint always has a host name without an address.',
    [{ when: { resource: 'endpoint' }, what: { type: 'lead-astray', to: 'unresolvable' } }],
    atOpening,
  ),
  fault(
    'tls-failure',
    'The data endpoint does not speak TLS although its URL says so, twice.',
    [
      {
        when: { resource: 'endpoint', requests: { from: 1, count: 2 } },
        what: { type: 'lead-astray', to: 'tls' },
      },
    ],
    atOpening,
  ),
  fault(
    'tls-failure-of-session-url',
    'The session URL does not speak TLS although it says so, twice.',
    [
      {
        when: { resource: 'session-url', requests: { from: 1, count: 2 } },
        what: { type: 'lead-astray', to: 'tls' },
      },
    ],
    atOpening,
  ),
];
