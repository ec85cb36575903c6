import { describe, expect, test } from '@jest/globals';
import { canTakeOver, place, type Position } from '../../../lib/hls/cursor.js';
import type { MediaPlaylist } from '../../../lib/hls/playlist.js';

const START = { fragmentsBehind: 0, at: 'edge' } as const;
const T0 = 1_790_000_000_000;

/** A list of 2 s fragments; `dates` in seconds after T0, `null` for none. */
function list(
  mediaSequence: number,
  dates: (number | null)[],
  more: Partial<MediaPlaylist> = {},
): MediaPlaylist {
  const fragments = dates.map((seconds, index) => ({
    url: `http://host/${mediaSequence + index}`,
    byteRange: null,
    sequence: mediaSequence + index,
    durationMs: 2000,
    dateMs: seconds === null ? null : T0 + seconds * 1000,
    discontinuity: false,
    gap: false,
    init: null,
    container: 'mpegts' as const,
  }));
  return {
    kind: 'media',
    targetDurationMs: 2000,
    mediaSequence,
    ended: false,
    vod: false,
    fragments,
    ...more,
  };
}

/** Fragment `sequence` of feed A, taken from a list that began at `windowStart`. */
function taken(sequence: number, seconds: number | null, windowStart = 0): Position {
  return {
    feed: 'A',
    sequence,
    dateMs: seconds === null ? null : T0 + seconds * 1000,
    durationMs: 2000,
    windowStart,
    inOrder: true,
  };
}

describe('a first list', () => {
  const live = list(7, [0, 2, 4, 6, 8]);
  test.each([
    ['is entered at its newest fragment', live, START, 4],
    ['is entered some fragments before it', live, { fragmentsBehind: 2, at: 'edge' as const }, 2],
    ['is entered no earlier than it begins', live, { fragmentsBehind: 9, at: 'edge' as const }, 0],
    ['is entered at its beginning if asked for', live, { fragmentsBehind: 0, at: 'beginning' as const }, 0],
    ['is read from its beginning once it has ended', list(7, [0, 2], { ended: true }), START, 0],
    ['is read from its beginning if it is a recording', list(7, [0, 2], { vod: true }), START, 0],
    ['may be empty', list(7, []), START, 0],
  ])('%s', (_name, playlist, rule, index) => {
    expect(place(playlist, 'A', null, rule)).toEqual({ index, missed: 0, broken: false, by: 'start' });
  });
});

describe('within a session', () => {
  test.each([
    [
      'the window has slid',
      list(3, [6, 8, 10]),
      taken(4, 8),
      { index: 2, missed: 0, broken: false, by: 'sequence' },
    ],
    ['nothing is new', list(3, [6, 8]), taken(4, 8), { index: 2, missed: 0, broken: false }],
    ['the window has just slid past', list(5, [10, 12]), taken(4, 8), { index: 0, missed: 0, broken: false }],
    ['fragments were lost', list(9, [18, 20]), taken(4, 8), { index: 0, missed: 4, broken: true }],
    [
      'an old copy of the list came',
      list(2, [4, 6]),
      taken(4, 8, 3),
      { index: 2, missed: 0, broken: false, by: 'sequence' },
    ],
    [
      'counting began anew, dates go on',
      list(0, [8, 10]),
      taken(40, 8, 38),
      { index: 1, missed: 0, broken: false, by: 'date' },
    ],
    [
      'counting began anew without dates',
      list(0, [null, null]),
      taken(40, null, 38),
      { index: 1, missed: 0, broken: true, by: 'edge' },
    ],
    [
      'sequence numbers are right though dates step back',
      list(3, [6, 8, 1]),
      taken(4, 8),
      { index: 2, missed: 0, by: 'sequence' },
    ],
    [
      'counting began anew within what is listed',
      list(2, [8, 10]),
      taken(4, 8),
      { index: 1, missed: 0, broken: false, by: 'date' },
    ],
    [
      'two fragments were in the wrong order, and the second of them was taken',
      list(2, [4, 6, 8, 10]),
      { ...taken(4, 6), inOrder: false },
      { index: 3, missed: 0, broken: false, by: 'sequence' },
    ],
    [
      'two fragments that were taken are in the wrong order now',
      list(2, [4, 8, 6, 10]),
      taken(4, 8),
      { index: 3, missed: 0, broken: false, by: 'sequence' },
    ],
    ['the list is empty', list(0, []), taken(4, 8), { index: 0, missed: 0, broken: false }],
  ])('%s', (_name, playlist, last, expected) => {
    expect(place(playlist, 'A', last, START)).toMatchObject(expected);
  });
});

describe('in the next session, whose numbers begin afresh', () => {
  test.each([
    [
      'the last fragment is listed: what follows it comes next',
      list(0, [4, 6, 8, 10]),
      taken(40, 8),
      { index: 3, broken: false, by: 'date' },
    ],
    [
      'only older ones and the last are listed: nothing yet',
      list(0, [4, 6, 8]),
      taken(40, 8),
      { index: 3, broken: false },
    ],
    [
      'dates differ by less than half a fragment',
      list(0, [6.3, 8.4, 10.3]),
      taken(40, 8),
      { index: 2, broken: false },
    ],
    ['the list begins right after the last', list(0, [10, 12]), taken(40, 8), { index: 0, broken: false }],
    [
      'the list begins too late: time is broken',
      list(0, [14, 16]),
      taken(40, 8),
      { index: 0, missed: 0, broken: true, by: 'date' },
    ],
    ['the list lags behind: nothing yet', list(0, [2, 4]), taken(40, 8), { index: 2, by: 'date' }],
    [
      "the camera's clock was set back: entered afresh",
      list(0, [-900, -898]),
      taken(40, 8),
      { index: 1, broken: true, by: 'edge' },
    ],
    [
      'a step back right after the last fragment is kept',
      list(0, [6, 8, 1, 3]),
      taken(40, 8),
      { index: 2, broken: true, by: 'date' },
    ],
    ['no dates in the new list', list(0, [null, null]), taken(40, 8), { index: 1, broken: true, by: 'edge' }],
    [
      'no date of the last fragment',
      list(0, [4, 6]),
      taken(40, null),
      { index: 1, broken: true, by: 'edge' },
    ],
  ])('%s', (_name, playlist, last, expected) => {
    expect(place(playlist, 'B', last, START)).toMatchObject(expected);
  });
});

describe('another session may take over', () => {
  test.each([
    ['when nothing was taken yet', list(0, []), null, true],
    ['when it lists the last fragment', list(0, [6, 8]), taken(40, 8), true],
    ['when it begins at the end of the last', list(0, [10, 12]), taken(40, 8), true],
    ['but not when it begins later', list(0, [14]), taken(40, 8), false],
    ['but not when it lists only older ones', list(0, [2, 4]), taken(40, 8), false],
    ['but not while it is empty', list(0, []), taken(40, 8), false],
    ['which nothing tells without dates', list(0, [null]), taken(40, 8), null],
    ['which nothing tells if the last fragment had no date', list(0, [8]), taken(40, null), null],
  ])('%s', (_name, playlist, last, expected) => {
    expect(canTakeOver(playlist, 'B', last)).toBe(expected);
  });

  test('on the same URL by sequence numbers', () => {
    expect(canTakeOver(list(3, [null, null]), 'A', taken(4, null))).toBe(true);
    expect(canTakeOver(list(9, [null, null]), 'A', taken(4, null))).toBe(false);
    // Numbers that went back tell nothing: dates may, and else nothing does.
    expect(canTakeOver(list(0, [6, 8]), 'A', taken(40, 8, 38))).toBe(true);
    expect(canTakeOver(list(0, [null, null]), 'A', taken(40, null, 38))).toBeNull();
  });
});
