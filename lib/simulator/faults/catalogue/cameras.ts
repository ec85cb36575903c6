import type { FaultRow } from '../script.js';
import { atOpening, inGroup } from './entry.js';
import { otherPictures } from './inits.js';

const camera = inGroup('camera');
const clock = inGroup('clock');

const asleep = (ms: number): FaultRow[] => [
  { when: { atMs: 0 }, what: { type: 'stop-camera' } },
  { when: { atMs: ms }, what: { type: 'start-camera' } },
];
const noFragments = { type: 'refuse', status: 404 } as const;
const clockSet = (name: string, summary: string, byMs: number) =>
  clock(name, summary, [{ when: { atMs: 0 }, what: { type: 'set-producer-clock', byMs } }]);
const hourMs = 3_600_000;

export const cameraFaults = [
  camera('camera-blinks', 'The camera reconnects: one second without media.', asleep(1_000)),
  camera('camera-asleep-20s', 'The camera sends nothing for 20 s.', asleep(20_000)),
  camera(
    'camera-asleep-40s',
    'The camera sends nothing for 40 s; the session lives on with a playlist that stands still.',
    asleep(40_000),
  ),
  camera(
    'camera-asleep-40s-sessions-dead',
    'The camera sends nothing for 40 s; after 30 s the old session is answered 404 for good.',
    [
      ...asleep(40_000),
      {
        when: {
          resource: ['playlist', 'fragment'],
          sessions: { from: -1_000_000, count: 1_000_001 },
          fromMs: 30_000,
        },
        what: noFragments,
      },
    ],
  ),
  camera('camera-gone', 'The camera sends nothing any more.', [
    { when: { atMs: 0 }, what: { type: 'stop-camera' } },
  ]),
  camera(
    'camera-asleep-at-start',
    'No session is granted for eight seconds: the stream has no fragments yet.',
    [{ when: { resource: 'session-url', untilMs: 8_000 }, what: noFragments }],
    atOpening,
  ),
  camera(
    'camera-back-with-new-codec-data',
    'The camera is off for 5 s and comes back with another picture size.',
    [
      { when: { atMs: 0 }, what: { type: 'stop-camera' } },
      { when: { atMs: 5_000 }, what: { type: 'start-camera', pictures: otherPictures } },
    ],
  ),
  clockSet('clock-forward-1h', "The camera's clock is set forward by an hour.", hourMs),
  clockSet('clock-back-1h', "The camera's clock is set back by an hour.", -hourMs),
  clockSet('clock-forward-5s', "The camera's clock is set forward by five seconds.", 5_000),
  clockSet('clock-back-5s', "The camera's clock is set back by five seconds.", -5_000),
];
