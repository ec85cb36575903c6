import { describe, expect, test } from '@jest/globals';
import type { MediaPlaylist } from '../../../lib/hls/playlist.js';
import { elapsedMs, Sightings } from '../../../lib/hls/sightings.js';

/** A list of 2 s fragments. */
function list(first: number, last: number): MediaPlaylist {
  const fragments = Array.from({ length: last - first + 1 }, (_, index) => ({
    url: 'http://host/f',
    byteRange: null,
    sequence: first + index,
    durationMs: 2000,
    dateMs: null,
    discontinuity: false,
    gap: false,
    init: null,
    container: 'mpegts' as const,
  }));
  return {
    kind: 'media',
    targetDurationMs: 2000,
    mediaSequence: first,
    ended: false,
    vod: false,
    fragments,
  };
}

describe('the time between two fragments', () => {
  test('is at most that from the poll which did not show the first to the one which showed the second', () => {
    const seen = new Sightings();
    seen.note(list(0, 1), 0, 10, false);
    seen.note(list(0, 1), 1000, 1010, false);
    seen.note(list(0, 2), 1200, 1210, false);
    seen.note(list(1, 2), 3000, 3010, false);
    seen.note(list(1, 3), 3200, 3210, false);
    expect(elapsedMs(seen.of(2), seen.of(3))).toBe(3210 - 1000);
  });

  test('is not known from a fragment that the first poll showed', () => {
    const seen = new Sightings();
    seen.note(list(0, 1), 0, 10, false);
    seen.note(list(0, 2), 500, 510, false);
    expect(elapsedMs(seen.of(1), seen.of(2))).toBeNull();
    expect(elapsedMs(null, seen.of(2))).toBeNull();
  });

  test('is not known from one whose appearance nobody watched for longer than a fragment and a second', () => {
    const seen = new Sightings();
    seen.note(list(0, 1), 0, 10, false);
    seen.note(list(0, 2), 3100, 3110, false);
    seen.note(list(0, 3), 5000, 5010, false);
    expect(elapsedMs(seen.of(2), seen.of(3))).toBeNull();
    expect(elapsedMs(seen.of(3), seen.of(3))).toBe(5010 - 3100);
  });

  test('is not known across a count that began anew', () => {
    const seen = new Sightings();
    seen.note(list(7, 8), 0, 10, false);
    seen.note(list(0, 1), 1000, 1010, true);
    expect(seen.of(7)).toBeNull();
    expect(seen.of(1)).toEqual({ atMs: 1010, notBeforeMs: null });
  });
});
