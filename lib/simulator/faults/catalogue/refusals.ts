import { type FaultResource, faultResources } from '../script.js';
import { atOpening, type CatalogueFault, inGroup, onlyMp4 } from './entry.js';

const fault = inGroup('refusal');

const statuses = [400, 403, 404, 429, 500, 503];
const repetitions = [
  { suffix: 'once', requests: { from: 1, count: 1 }, words: 'once' },
  { suffix: 'thrice', requests: { from: 1, count: 3 }, words: 'three times in a row' },
  { suffix: 'forever', requests: { from: 1 }, words: 'from now on' },
];
const titles: Readonly<Record<FaultResource, string>> = {
  endpoint: 'GetDataEndpoint',
  'session-url': 'GetHLSStreamingSessionURL',
  master: 'The master playlist',
  playlist: 'The media playlist',
  init: 'The init section',
  fragment: 'A fragment',
};
/** Asked for again and again; everything else only while a session is opened. */
const polled: readonly FaultResource[] = ['playlist', 'fragment'];

/** Every kind of resource, every status, once, three times and for ever. */
const family: readonly CatalogueFault[] = faultResources.flatMap((resource) =>
  statuses.flatMap((status) =>
    repetitions.map(({ suffix, requests, words }) =>
      fault(
        `${resource}-${status}-${suffix}`,
        `${titles[resource]} is answered ${status} ${words}.`,
        [{ when: { resource, requests }, what: { type: 'refuse', status } }],
        { ...(polled.includes(resource) ? {} : atOpening), ...(resource === 'init' ? onlyMp4 : {}) },
      ),
    ),
  ),
);

const refusedSession = (
  name: string,
  summary: string,
  requests: { from: number; count?: number },
  how: { status: number; errorName: string; message?: string },
): CatalogueFault =>
  fault(
    name,
    summary,
    [{ when: { resource: 'session-url', requests }, what: { type: 'refuse', ...how } }],
    atOpening,
  );

const once = { from: 1, count: 1 };
const thrice = { from: 1, count: 3 };
const always = { from: 1 };
const throttled = {
  type: 'refuse',
  status: 400,
  errorName: 'ClientLimitExceededException',
  message: 'Limit exceeded on number of requests.',
} as const;

export const refusalFaults: readonly CatalogueFault[] = [
  ...family,
  fault(
    'unknown-operation-answer',
    'GetHLSStreamingSessionURL is answered 200 with UnknownOperationException and no URL, once.',
    [{ when: { resource: 'session-url', requests: once }, what: { type: 'unknown-operation' } }],
    atOpening,
  ),
  fault(
    'unknown-operation-at-endpoint',
    'GetDataEndpoint is answered 200 with UnknownOperationException and no endpoint, once.',
    [{ when: { resource: 'endpoint', requests: once }, what: { type: 'unknown-operation' } }],
    atOpening,
  ),
  fault(
    'unknown-operation-forever',
    'GetHLSStreamingSessionURL is always answered 200 with UnknownOperationException and no URL.',
    [{ when: { resource: 'session-url' }, what: { type: 'unknown-operation' } }],
    atOpening,
  ),
  fault(
    'throttling-storm',
    'For six seconds every control call is answered ClientLimitExceededException.',
    [{ when: { resource: ['endpoint', 'session-url'], untilMs: 6_000 }, what: throttled }],
    atOpening,
  ),
  fault('playlist-throttled', 'The media playlist is answered ClientLimitExceededException three times.', [
    { when: { resource: 'playlist', requests: thrice }, what: throttled },
  ]),
  fault('fragment-throttled', 'A fragment is answered ClientLimitExceededException three times.', [
    { when: { resource: 'fragment', requests: thrice }, what: throttled },
  ]),
  fault('playlist-503-retry-after', 'The media playlist is answered 503 once, with Retry-After: 3.', [
    {
      when: { resource: 'playlist', requests: once },
      what: { type: 'refuse', status: 503, retryAfterSeconds: 3 },
    },
  ]),
  fault('redirect', 'The media playlist is answered with a redirect, once.', [
    { when: { resource: 'playlist', requests: once }, what: { type: 'redirect' } },
  ]),
  fault('redirect-of-fragment', 'A fragment is answered with a redirect, once.', [
    { when: { resource: 'fragment', requests: once }, what: { type: 'redirect' } },
  ]),
  fault(
    'redirect-forever',
    'The master playlist is always answered with a redirect.',
    [{ when: { resource: 'master' }, what: { type: 'redirect' } }],
    atOpening,
  ),
  refusedSession('credentials-expired-once', 'The credentials are refused as expired, once.', once, {
    status: 403,
    errorName: 'ExpiredTokenException',
    message: 'The security token included in the request is expired',
  }),
  refusedSession('credentials-expired-forever', 'The credentials are always refused as expired.', always, {
    status: 403,
    errorName: 'ExpiredTokenException',
    message: 'The security token included in the request is expired',
  }),
  refusedSession('clock-skew-refused-once', 'The signature is refused as too old, once.', once, {
    status: 400,
    errorName: 'RequestExpired',
    message: 'The request signature is older or newer than 15 minutes.',
  }),
  refusedSession('no-data-retention', 'The stream keeps no data: HLS is refused.', always, {
    status: 400,
    errorName: 'NoDataRetentionException',
  }),
  refusedSession(
    'codec-data-missing-thrice',
    'The producer sent no codec data; three sessions fail.',
    thrice,
    {
      status: 400,
      errorName: 'MissingCodecPrivateDataException',
      message: 'Missing codec private data in fragment for track 1.',
    },
  ),
  refusedSession('media-unsupported', 'The stream has media that HLS can not carry.', always, {
    status: 400,
    errorName: 'UnsupportedStreamMediaTypeException',
    message: 'The media type of the stream is not supported.',
  }),
];
