import type { PlaylistEdit } from '../playlist-edit.js';
import type { RequestCondition } from '../script.js';
import { type CatalogueFault, inGroup, onlyMp4 } from './entry.js';

const fault = inGroup('playlist');

/** A media playlist with an edit, in all requests or in some. */
const edited = (
  name: string,
  summary: string,
  edit: PlaylistEdit,
  when: Omit<RequestCondition, 'resource'> = {},
  but: Partial<Pick<CatalogueFault, 'containers'>> = {},
): CatalogueFault =>
  fault(
    name,
    summary,
    [{ when: { resource: 'playlist', ...when }, what: { type: 'edit-playlist', edit } }],
    but,
  );

const once = { requests: { from: 1, count: 1 } };
const thrice = { requests: { from: 1, count: 3 } };

export const playlistFaults = [
  edited(
    'playlist-empty',
    'The media playlist is no text at all, three times.',
    { type: 'text-empty' },
    thrice,
  ),
  edited(
    'playlist-no-entries',
    'The media playlist lists nothing, three times.',
    { type: 'no-entries' },
    thrice,
  ),
  edited(
    'playlist-garbled',
    'The media playlist is gibberish, three times.',
    { type: 'text-garbled' },
    thrice,
  ),
  edited(
    'playlist-html',
    'A web page comes in the place of the media playlist, three times, as behind a captive portal.',
    { type: 'text-html' },
    thrice,
  ),
  edited('playlist-huge', 'The media playlist has 6 MiB, three times.', { type: 'text-huge' }, thrice),
  edited(
    'playlist-truncated',
    'The media playlist ends inside its last URL, once.',
    { type: 'text-truncated' },
    once,
  ),
  edited(
    'playlist-stands-still-5s',
    'The media playlist stands still for five seconds while the camera goes on.',
    { type: 'stands-still' },
    { untilMs: 5_000 },
  ),
  edited(
    'playlist-stands-still-20s',
    'The media playlist stands still for twenty seconds while the camera goes on, in every session.',
    { type: 'stands-still' },
    { untilMs: 20_000 },
  ),
  edited(
    'playlist-goes-backwards',
    'Three times the media playlist is a copy from three seconds ago.',
    { type: 'older', byMs: 3_000 },
    thrice,
  ),
  edited('playlist-skips-fragment', 'A fragment is never listed.', { type: 'skips', fragment: 1 }),
  fault('playlist-window-slid', 'A fragment takes four seconds while the playlist holds only two.', [
    {
      when: { resource: 'fragment', fragments: { from: 1, count: 1 } },
      what: { type: 'deliver', delivery: { waitMs: 4_000 } },
    },
    {
      when: { resource: 'playlist', untilMs: 8_000 },
      what: { type: 'edit-playlist', edit: { type: 'shortened', entries: 2 } },
    },
  ]),
  edited('playlist-repeats-fragment', 'A fragment is listed twice in a row.', {
    type: 'repeats',
    fragment: 1,
  }),
  edited('playlist-out-of-order', 'Two fragments are listed in the wrong order.', {
    type: 'swaps',
    fragment: 1,
  }),
  edited(
    'playlist-no-dates',
    'For three seconds the media playlist has no dates.',
    { type: 'no-dates' },
    {
      untilMs: 3_000,
    },
  ),
  edited(
    'playlist-dated-1970',
    'For three seconds fragments are dated 1970.',
    { type: 'dates-1970' },
    {
      untilMs: 3_000,
    },
  ),
  edited(
    'playlist-dates-off-1h',
    'For three seconds fragments are dated an hour late.',
    { type: 'dates-off', byMs: 3_600_000 },
    { untilMs: 3_000 },
  ),
  edited(
    'playlist-endlist',
    'The media playlist says once that nothing will follow.',
    { type: 'endlist' },
    once,
  ),
  edited(
    'playlist-without-map',
    'Three times the media playlist names no init section.',
    { type: 'no-map' },
    thrice,
    onlyMp4,
  ),
];
