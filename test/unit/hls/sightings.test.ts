import { describe, expect, test } from '@jest/globals';
import type { MediaPlaylist } from '../../../lib/hls/playlist.js';
import { elapsedMs, notBeforeMs, Sightings } from '../../../lib/hls/sightings.js';

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

const LIVE = list(0, 0);
/** What is known of one fragment by itself. */
const watched = (seen: Sightings, sequence: number): number | null =>
  notBeforeMs(null, seen.of(sequence), LIVE);

describe('the time between two fragments', () => {
  test('is at most that from the poll which did not show the first to the one which showed the second', () => {
    const seen = new Sightings();
    seen.note(list(0, 1), 0, 10, false);
    seen.note(list(0, 1), 1000, 1010, false);
    seen.note(list(0, 2), 1200, 1210, false);
    seen.note(list(1, 2), 3000, 3010, false);
    seen.note(list(1, 3), 3200, 3210, false);
    expect(elapsedMs(watched(seen, 2), seen.of(3), LIVE)).toBe(3210 - 1000);
  });

  test('is that of fragments, whatever number they stand at', () => {
    const named = (...names: number[]): MediaPlaylist => {
      const { fragments, ...rest } = list(0, names.length - 1);
      const dated = (name: number) => ({ url: `http://host/f${name}`, dateMs: name * 2000 });
      return { ...rest, fragments: fragments.map((one, index) => ({ ...one, ...dated(names[index]!) })) };
    };
    const seen = new Sightings();
    seen.note(named(0), 0, 10, false);
    seen.note(named(0, 2), 1000, 1010, false);
    seen.note(named(0, 1, 2), 2000, 2010, false);
    // What stands second was not seen when another one did; what stands third may have been listed all the time.
    expect(seen.of(1)).toEqual({ atMs: 2010, notBeforeMs: null });
    expect(seen.of(0)).toEqual({ atMs: 10, notBeforeMs: null });
  });

  test('is not known from a fragment that the first poll showed', () => {
    const seen = new Sightings();
    seen.note(list(0, 1), 0, 10, false);
    seen.note(list(0, 2), 500, 510, false);
    expect(elapsedMs(watched(seen, 1), seen.of(2), LIVE)).toBeNull();
    expect(elapsedMs(400, null, LIVE)).toBeNull();
  });

  test('is not known from one whose appearance nobody watched for longer than a fragment and a second', () => {
    const seen = new Sightings();
    seen.note(list(0, 1), 0, 10, false);
    seen.note(list(0, 2), 3100, 3110, false);
    seen.note(list(0, 3), 5000, 5010, false);
    expect(elapsedMs(watched(seen, 2), seen.of(3), LIVE)).toBeNull();
    expect(elapsedMs(watched(seen, 3), seen.of(3), LIVE)).toBe(5010 - 3100);
  });

  test('is at most that since the last one whose appearance was watched: the first poll of a session tells none', () => {
    const opening = { atMs: 9010, notBeforeMs: null };
    const next = { atMs: 12_010, notBeforeMs: 11_000 };
    const carriedMs = notBeforeMs(1000, opening, LIVE);
    expect(carriedMs).toBe(1000);
    expect(elapsedMs(carriedMs, opening, LIVE)).toBe(9010 - 1000);
    expect(elapsedMs(carriedMs, next, LIVE)).toBe(12_010 - 1000);
    expect(notBeforeMs(carriedMs, next, LIVE)).toBe(11_000);
  });

  test.each([{ ended: true }, { vod: true }])('is not known of what is there at once: %j', (kind) => {
    const recording = { ...LIVE, ...kind };
    const opening = { atMs: 9010, notBeforeMs: null };
    expect(elapsedMs(1000, opening, recording)).toBeNull();
    expect(notBeforeMs(1000, opening, recording)).toBeNull();
    expect(notBeforeMs(1000, { atMs: 9010, notBeforeMs: 8000 }, recording)).toBe(8000);
  });

  test('is not known across a count that began anew', () => {
    const seen = new Sightings();
    seen.note(list(7, 8), 0, 10, false);
    seen.note(list(0, 1), 1000, 1010, true);
    expect(seen.of(7)).toBeNull();
    expect(seen.of(1)).toEqual({ atMs: 1010, notBeforeMs: null });
  });
});
