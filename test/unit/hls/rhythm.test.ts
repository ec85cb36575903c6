import { describe, expect, test } from '@jest/globals';
import { rhythmAfter, stallLimitMs, UNKNOWN_RHYTHM } from '../../../lib/hls/rhythm.js';

const SECOND = 1000;

describe('a list is taken for stalled', () => {
  test.each([
    ['after 10 s if fragments of 1 s came, whatever the target duration says', [1, 1, 1], [], 20, 10],
    ['after 60 s if fragments of 20 s came', [20, 20], [], 20, 60],
    ['by the longest of them', [1, 6, 1], [], 2, 18],
    ['by the silences between them if those are longer', [2, 2], [9, 2], 2, 27],
    ['by the target duration if nothing came', [], [], 6, 18],
    ['by the target duration if durations are not told', [0, 0], [], 6, 18],
    ['after 10 s at the soonest', [], [], 0.1, 10],
    ['after 10 minutes at the latest', [86_400], [], 2, 600],
  ])('%s', (_name, durations, silences, target, expected) => {
    let rhythm = rhythmAfter(
      UNKNOWN_RHYTHM,
      durations.map((seconds) => seconds * SECOND),
      null,
    );
    for (const seconds of silences) rhythm = rhythmAfter(rhythm, [], seconds * SECOND);
    expect(stallLimitMs(rhythm, target * SECOND)).toBe(expected * SECOND);
  });

  test('by what came of late: eight fragments and silences', () => {
    let rhythm = rhythmAfter(UNKNOWN_RHYTHM, [20 * SECOND], 30 * SECOND);
    for (let i = 0; i < 7; i++) rhythm = rhythmAfter(rhythm, [SECOND], SECOND);
    expect(stallLimitMs(rhythm, 0)).toBe(90 * SECOND);
    rhythm = rhythmAfter(rhythm, [SECOND], SECOND);
    expect(stallLimitMs(rhythm, 0)).toBe(10 * SECOND);
    expect(rhythm.durationsMs).toHaveLength(8);
  });
});
