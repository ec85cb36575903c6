import { beforeAll, describe, expect, test } from '@jest/globals';

import { DEFAULT_LIMITS } from '../../../../lib/limits.js';
import { silentLogger } from '../../../../lib/logger.js';
import { type Clip, clipCamera, prepareClip } from '../../../../lib/simulator/index.js';
import {
  editText,
  editWindow,
  isShown,
  type PlacedEdit,
  type PlaylistEdit,
} from '../../../../lib/simulator/faults/playlist-edit.js';
import { Listing } from '../../../../lib/simulator/listing.js';
import { mediaPlaylist } from '../../../../lib/simulator/playlist-writer.js';
import { sessionParameters } from '../../../../lib/simulator/session-parameters.js';
import { KvsStream } from '../../../../lib/simulator/stream.js';
import { FakeClock } from '../../../support/fake-clock.js';

let clip: Clip;
beforeAll(async () => {
  clip = await prepareClip({ width: 160, height: 90, seconds: 2 });
});

const request = {
  MaxMediaPlaylistFragmentResults: 4,
  DisplayFragmentTimestamp: 'ALWAYS',
  DiscontinuityMode: 'ON_DISCONTINUITY',
  HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' },
};

/** A session with four fragments in its list, and what an edit makes of it. */
async function session() {
  const clock = new FakeClock();
  const camera = clipCamera({ clip, backlogFragments: 4 });
  const stream = new KvsStream({ name: 'front-door', camera }, 'eu-west-1', clock, silentLogger);
  await stream.startCamera();
  const parameters = sessionParameters(request, clock.now(), 0);
  const listing = new Listing(stream.store, parameters, 'session');
  const sinceMs = clock.now();
  const placed = (edit: PlaylistEdit): PlacedEdit => ({
    edit,
    sinceMs,
    firstIndex: 0,
    shown: () => undefined,
  });
  const window = (edit: PlaylistEdit) => {
    const now = clock.now();
    return editWindow(listing.window(now), placed(edit), listing, now);
  };
  return {
    clock,
    window,
    isShown: (edit: PlaylistEdit) => isShown(listing.window(clock.now()), placed(edit)),
    numbers: (edit: PlaylistEdit) => window(edit).entries.map((entry) => entry.number),
    sequences: (edit: PlaylistEdit) => window(edit).entries.map((entry) => entry.sequence),
    text: (edit: PlaylistEdit) => {
      const text = mediaPlaylist(listing.window(clock.now()), parameters, 'T'.repeat(152));
      return editText(text, placed(edit));
    },
  };
}

describe('An edited window', () => {
  test('can stand still, or be an old copy', async () => {
    const { clock, numbers } = await session();
    expect(numbers({ type: 'stands-still' })).toEqual(['0', '1', '2', '3']);
    clock.step(2_000);
    expect(numbers({ type: 'stands-still' })).toEqual(['0', '1', '2', '3']);
    expect(numbers({ type: 'older', byMs: 1_000 })).toEqual(['1', '2', '3', '4']);
    expect(numbers({ type: 'older', byMs: 0 })).toEqual(['2', '3', '4', '5']);
  });

  test('can be short or empty', async () => {
    const { numbers } = await session();
    expect(numbers({ type: 'shortened', entries: 2 })).toEqual(['2', '3']);
    expect(numbers({ type: 'no-entries' })).toEqual([]);
  });

  test('can lack a fragment, as if it had never been counted', async () => {
    const { clock, numbers, sequences, window } = await session();
    const edit = { type: 'skips', fragment: 2 } as const;
    expect(numbers(edit)).toEqual(['0', '1', '3']);
    expect(sequences(edit)).toEqual([0, 1, 2]);
    expect(window(edit).entries.map((entry) => entry.isDiscontinuous)).toEqual([false, false, true]);
    clock.step(3_000);
    expect(numbers(edit)).toEqual(['3', '4', '5', '6']);
    expect(sequences(edit)).toEqual([2, 3, 4, 5]);
  });

  test('can have a fragment twice', async () => {
    const { clock, numbers, sequences } = await session();
    const edit = { type: 'repeats', fragment: 2 } as const;
    expect(numbers(edit)).toEqual(['0', '1', '2', '2', '3']);
    expect(sequences(edit)).toEqual([0, 1, 2, 3, 4]);
    clock.step(3_000);
    expect(numbers(edit)).toEqual(['3', '4', '5', '6']);
    expect(sequences(edit)).toEqual([4, 5, 6, 7]);
  });

  test('can have two fragments in the wrong order', async () => {
    const { numbers, sequences } = await session();
    const edit = { type: 'swaps', fragment: 1 } as const;
    expect(numbers(edit)).toEqual(['0', '2', '1', '3']);
    expect(sequences(edit)).toEqual([0, 1, 2, 3]);
    expect(numbers({ type: 'swaps', fragment: 3 })).toEqual(['0', '1', '2']);
    expect(numbers({ type: 'swaps', fragment: 9 })).toEqual(['0', '1', '2', '3']);
  });

  test('can be dated wrongly', async () => {
    const { window } = await session();
    const [right] = window({ type: 'endlist' }).entries;
    const [late] = window({ type: 'dates-off', byMs: 3_600_000 }).entries;
    expect(late!.startMs - right!.startMs).toBe(3_600_000);
    const [old] = window({ type: 'dates-1970' }).entries;
    expect(Math.abs(old!.startMs)).toBeLessThan(60_000);
  });

  test('shows an edit of one fragment only while that is in it', async () => {
    const { clock, isShown } = await session();
    expect(isShown({ type: 'skips', fragment: 5 })).toBe(false);
    expect(isShown({ type: 'skips', fragment: 2 })).toBe(true);
    clock.step(3_000);
    expect(isShown({ type: 'skips', fragment: 2 })).toBe(false);
    expect(isShown({ type: 'stands-still' })).toBe(true);
    expect(isShown({ type: 'map-unnumbered' })).toBe(false);
  });

  test('is left alone by edits of the text, and the text by edits of the window', async () => {
    const { numbers, text } = await session();
    expect(numbers({ type: 'text-html' })).toEqual(['0', '1', '2', '3']);
    expect(text({ type: 'stands-still' })).toMatch(/^#EXTM3U\n[\s\S]*FragmentNumber=3/);
  });
});

describe('An edited text', () => {
  test.each<[PlaylistEdit, RegExp]>([
    [{ type: 'text-empty' }, /^$/],
    [{ type: 'text-garbled' }, /^(?!#EXTM3U)[!-~]{500,}$/],
    [{ type: 'text-html' }, /^<!DOCTYPE html>/],
    [{ type: 'text-truncated' }, /^#EXTM3U[\s\S]*FragmentNumber=3&SessionToken=T{27}$/],
    [{ type: 'no-dates' }, /^#EXTM3U(?![\s\S]*DATE-TIME)[\s\S]*#EXT-X-MAP[\s\S]*FragmentNumber=3/],
    [{ type: 'no-map' }, /^#EXTM3U(?![\s\S]*EXT-X-MAP)[\s\S]*DATE-TIME[\s\S]*FragmentNumber=3/],
    [{ type: 'map-unnumbered' }, /#EXT-X-MAP:URI="getMP4InitFragment\.mp4\?SessionToken=T+&TrackNumber=1"/],
    [{ type: 'endlist' }, /FragmentNumber=3.*\n#EXT-X-ENDLIST\n$/],
  ])('%j', async (edit, expected) => {
    const { text } = await session();
    expect(text(edit)).toMatch(expected);
  });

  test('can be longer than a reader takes, and right', async () => {
    const { text } = await session();
    const huge = text({ type: 'text-huge' });
    expect(huge.length).toBeGreaterThan(DEFAULT_LIMITS.maxPlaylistBytes);
    expect(huge.split('\n').filter((line) => !line.startsWith('# -'))).toEqual(
      text({ type: 'stands-still' }).split('\n'),
    );
  });
});
