import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import * as hls from 'hls-parser';
import { HlsStreamError } from '../../../lib/errors.js';
import { parsePlaylist, type MasterPlaylist, type MediaPlaylist } from '../../../lib/hls/playlist.js';

const BASE = 'https://b-1.example.com/hls/v1/getHLSMediaPlaylist.m3u8?SessionToken=CiTOKEN~&TrackNumber=1';
const MEDIA = join(__dirname, '../../../../shared/media/playlists');

function media(...lines: string[]): MediaPlaylist {
  const playlist = parsePlaylist(['#EXTM3U', ...lines].join('\n'), BASE);
  if (playlist.kind !== 'media') throw new Error('not a media playlist');
  return playlist;
}

function master(...lines: string[]): MasterPlaylist {
  const playlist = parsePlaylist(['#EXTM3U', ...lines].join('\n'), BASE);
  if (playlist.kind !== 'master') throw new Error('not a master playlist');
  return playlist;
}

function failure(text: string, maxEntries?: number): HlsStreamError {
  try {
    parsePlaylist(text, BASE, maxEntries);
  } catch (error) {
    if (error instanceof HlsStreamError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

const LIVE = [
  '#EXT-X-VERSION:7',
  '#EXT-X-TARGETDURATION:2',
  '#EXT-X-MEDIA-SEQUENCE:118',
  '#EXT-X-INDEPENDENT-SEGMENTS',
  '#EXT-X-MAP:URI="getMP4InitFragment.mp4?SessionToken=CiTOKEN~&TrackNumber=1&SequenceNumber=0"',
  '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T10:15:30.412Z',
  '#EXTINF:2.0,',
  'getMP4MediaFragment.mp4?FragmentNumber=118&SessionToken=CiTOKEN~&TrackNumber=1',
  '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T10:15:32.412Z',
  '#EXTINF:1.998,',
  'getMP4MediaFragment.mp4?FragmentNumber=119&SessionToken=CiTOKEN~&TrackNumber=1',
  '#EXT-X-DISCONTINUITY',
  '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T10:15:36.415Z',
  '#EXTINF:2.0,',
  'getMP4MediaFragment.mp4?FragmentNumber=120&SessionToken=CiTOKEN~&TrackNumber=1',
];

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a KVS media playlist', () => {
  test('is read with numbers, dates, durations, discontinuity and init section', () => {
    const list = media(...LIVE);
    expect(list).toMatchObject({ targetDurationMs: 2000, mediaSequence: 118, ended: false, vod: false });
    expect(list.fragments.map(({ sequence }) => sequence)).toEqual([118, 119, 120]);
    expect(list.fragments.map(({ durationMs }) => durationMs)).toEqual([2000, 1998, 2000]);
    expect(list.fragments.map(({ discontinuity }) => discontinuity)).toEqual([false, false, true]);
    expect(list.fragments[0]).toMatchObject({
      dateMs: Date.parse('2026-11-22T10:15:30.412Z'),
      container: 'fmp4',
      byteRange: null,
      url: 'https://b-1.example.com/hls/v1/getMP4MediaFragment.mp4?FragmentNumber=118&SessionToken=CiTOKEN~&TrackNumber=1',
      init: { byteRange: null },
    });
    expect(list.fragments[2]?.init?.url).toContain('/hls/v1/getMP4InitFragment.mp4?SessionToken=CiTOKEN~');
  });

  test('has no fragment for the discontinuity that KVS writes after the last one', () => {
    const list = media(
      '#EXT-X-TARGETDURATION:1',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:1.01,',
      'a.mp4',
      '#EXT-X-DISCONTINUITY',
    );
    expect(list.fragments).toHaveLength(1);
    expect(list.fragments[0]).toMatchObject({ discontinuity: true, container: 'mpegts', init: null });
  });

  test('changes the init section exactly at the fragment that follows a new EXT-X-MAP', () => {
    const list = media(
      '#EXT-X-MAP:URI="i0"',
      '#EXTINF:1,',
      'a',
      '#EXTINF:1,',
      'b',
      '#EXT-X-MAP:URI="i1",BYTERANGE="10@5"',
      '#EXTINF:1,',
      'c',
    );
    expect(list.fragments.map(({ init }) => init?.url.split('/').at(-1))).toEqual(['i0', 'i0', 'i1']);
    expect(list.fragments[2]?.init?.byteRange).toEqual({ length: 10, offset: 5 });
    expect(list.fragments[0]?.init).toBe(list.fragments[1]?.init);
  });

  test('may be empty while a stream is just starting', () => {
    expect(media('#EXT-X-TARGETDURATION:2', '#EXT-X-MEDIA-SEQUENCE:0').fragments).toEqual([]);
  });
});

describe('dates', () => {
  test('carry over by durations, forwards and backwards, but not across a discontinuity', () => {
    const list = media(
      '#EXTINF:2,',
      'a',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:10Z',
      '#EXTINF:2,',
      'b',
      '#EXTINF:3,',
      'c',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:1,',
      'd',
    );
    const at = Date.parse('2026-01-01T00:00:10Z');
    expect(list.fragments.map(({ dateMs }) => dateMs)).toEqual([at - 2000, at, at + 2000, null]);
  });

  test('without a zone are taken as UTC, malformed ones as absent', () => {
    const list = media(
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:10',
      '#EXTINF:1,',
      'a',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-PROGRAM-DATE-TIME:yesterday',
      '#EXTINF:1,',
      'b',
    );
    expect(list.fragments.map(({ dateMs }) => dateMs)).toEqual([Date.parse('2026-01-01T00:00:10Z'), null]);
  });
});

describe('byte ranges', () => {
  test('without an offset follow the last range of the same resource', () => {
    const list = media(
      '#EXTINF:1,',
      '#EXT-X-BYTERANGE:100@50',
      'a',
      '#EXTINF:1,',
      '#EXT-X-BYTERANGE:30',
      'a',
      '#EXT-X-BYTERANGE:20',
      '#EXTINF:1,',
      'a',
      '#EXTINF:1,',
      '#EXT-X-BYTERANGE:7',
      'b',
      '#EXTINF:1,',
      'c',
    );
    expect(list.fragments.map(({ byteRange }) => byteRange)).toEqual([
      { offset: 50, length: 100 },
      { offset: 150, length: 30 },
      { offset: 180, length: 20 },
      { offset: 0, length: 7 },
      null,
    ]);
  });
});

describe('what players survive', () => {
  test.each([
    ['a title that is not ASCII', ['#EXTINF:2,Straße', 'a']],
    ['no comma after the duration', ['#EXTINF:2', 'a']],
    ['an unknown tag', ['#EXT-X-SOMETHING:1', '#EXTINF:2,', 'a']],
    ['a URI without EXTINF before it', ['stray', '#EXTINF:2,', 'a']],
    ['Windows line ends', ['#EXTINF:2,\r', 'a\r']],
    [
      'low-latency parts',
      ['#EXTINF:2,', 'a', '#EXT-X-PART:DURATION=0.3,URI="p"', '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="q"'],
    ],
    [
      'a date range that is wrong',
      ['#EXT-X-DATERANGE:ID="1",START-DATE="x",END-ON-NEXT=YES,DURATION=1', '#EXTINF:2,', 'a'],
    ],
  ])('%s', (_name, lines) => {
    const { fragments } = media(...lines);
    expect(fragments).toHaveLength(1);
    expect(fragments[0]).toMatchObject({
      url: 'https://b-1.example.com/hls/v1/a',
      durationMs: 2000,
      sequence: 0,
    });
  });

  test('a missing, empty or negative target duration is reckoned from the fragments', () => {
    for (const tag of ['', '#EXT-X-TARGETDURATION:', '#EXT-X-TARGETDURATION:-10']) {
      expect(media(tag, '#EXTINF:2.5,', 'a', '#EXTINF:3.5,', 'b').targetDurationMs).toBe(3500);
    }
  });

  test('a byte order mark before #EXTM3U', () => {
    expect(parsePlaylist('\uFEFF#EXTM3U\n#EXTINF:1,\na', BASE)).toMatchObject({ kind: 'media' });
  });

  test('EXT-X-GAP marks the fragment as missing', () => {
    expect(media('#EXTINF:1,', '#EXT-X-GAP', 'a', '#EXTINF:1,', 'b').fragments.map(({ gap }) => gap)).toEqual(
      [true, false],
    );
  });
});

describe('a master playlist', () => {
  test('has the variants of the first 64 entries, and no tag of those behind them', () => {
    const entry = (bandwidth: number): string[] => [
      `#EXT-X-STREAM-INF:BANDWIDTH=${bandwidth}`,
      `/${bandwidth}.m3u8`,
    ];
    const entries = Array.from({ length: 5100 }, (_, i) => entry(i + 1)).flat();
    const { variants } = master(...entries, '#EXT-X-STREAM-INF:BANDWIDTH=9');
    expect(variants.map(({ bandwidth }) => bandwidth)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    expect(variants.at(-1)?.url).toMatch(/\/64\.m3u8$/);
  });

  test('as KVS writes it has one variant with codecs and size', () => {
    const { variants } = master(
      '#EXT-X-VERSION:1',
      '#EXT-X-MEDIA:AUTOSELECT=YES,FORCED=NO,TYPE=AUDIO,URI="getHLSMediaPlaylist.m3u8?TrackNumber=2",GROUP-ID="audio",DEFAULT=NO,NAME="audio"',
      '#EXT-X-STREAM-INF:CODECS="avc1.42c032,mp4a.40.2",RESOLUTION=2592x1944,FRAME-RATE=15.01,BANDWIDTH=2583047,AUDIO="audio"',
      'getHLSMediaPlaylist.m3u8?SessionToken=CiTOKEN~&TrackNumber=1',
    );
    expect(variants).toEqual([
      {
        url: BASE,
        bandwidth: 2583047,
        width: 2592,
        height: 1944,
        codecs: ['avc1.42c032', 'mp4a.40.2'],
      },
    ]);
  });

  test('drops a variant that has no URI', () => {
    expect(
      master(
        '#EXT-X-STREAM-INF:BANDWIDTH=1',
        '#EXT-X-STREAM-INF:BANDWIDTH=2',
        'b',
        '#EXT-X-STREAM-INF:BANDWIDTH=3',
      ).variants,
    ).toEqual([
      { url: 'https://b-1.example.com/hls/v1/b', bandwidth: 2, width: null, height: null, codecs: null },
    ]);
  });
});

describe('refusals', () => {
  const EXTINF = '#EXTINF:1,\na\n';
  test.each([
    ['HLS_PLAYLIST_INVALID', 'begin with #EXTM3U', '<html>404</html>'],
    ['HLS_PLAYLIST_INVALID', 'begin with #EXTM3U', ''],
    ['HLS_PLAYLIST_INVALID', 'neither variants nor fragments', '#EXTM3U\n'],
    [
      'HLS_PLAYLIST_INVALID',
      'both variants and fragments',
      `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n${EXTINF}`,
    ],
    ['HLS_PLAYLIST_INVALID', 'URI is missing or malformed', '#EXTM3U\n#EXTINF:1,\nhttp://[bad\n'],
    ['HLS_PLAYLIST_INVALID', 'URI is missing or malformed', `#EXTM3U\n#EXT-X-MAP:BYTERANGE="1@0"\n${EXTINF}`],
    [
      'HLS_UNSUPPORTED',
      'encrypted (METHOD AES-128)',
      `#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n${EXTINF}`,
    ],
    [
      'HLS_UNSUPPORTED',
      'encrypted (METHOD SAMPLE-AES)',
      '#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n',
    ],
    [
      'HLS_UNSUPPORTED',
      'encrypted (METHOD unknown)',
      `#EXTM3U\n#EXT-X-KEY:METHOD=C0FFEE42AA17,URI="k"\n${EXTINF}`,
    ],
    ['HLS_UNSUPPORTED', 'key frames only', `#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n${EXTINF}`],
    ['HLS_UNSUPPORTED', 'delta update', `#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n${EXTINF}`],
    ['HLS_UNSUPPORTED', 'variables', `#EXTM3U\n#EXT-X-DEFINE:NAME="a",VALUE="b"\n${EXTINF}`],
  ])('%s: %s', (code, words, text) => {
    const error = failure(text);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(words);
  });

  test('an unencrypted playlist may say so', () => {
    expect(media('#EXT-X-KEY:METHOD=NONE', '#EXTINF:1,', 'a').fragments).toHaveLength(1);
  });

  test('too many entries and too long lines are told apart', () => {
    expect(parsePlaylist(`#EXTM3U\n${EXTINF.repeat(3)}`, BASE, 3)).toMatchObject({ kind: 'media' });
    expect(failure(`#EXTM3U\n${EXTINF.repeat(4)}`, 3)).toMatchObject({
      code: 'HLS_TOO_LARGE',
      resource: 'playlist',
      message: 'The playlist lists more than the limit of 3 entries; raise limits.maxPlaylistEntries',
    });
    expect(failure(`#EXTM3U\n${EXTINF.repeat(5101)}`)).toMatchObject({ code: 'HLS_TOO_LARGE' });
    expect(failure(`#EXTM3U\n#EXTINF:1,\n${'a'.repeat(16_385)}`)).toMatchObject({
      code: 'HLS_PLAYLIST_INVALID',
    });
  });

  test('what makes the parser throw becomes an HlsStreamError', () => {
    const error = failure(`#EXTM3U\n#EXT-X-KEY:METHOD=NONE,IV\n${EXTINF}`);
    expect(error).toMatchObject({ code: 'HLS_PLAYLIST_INVALID', resource: 'playlist' });
  });
});

test('the parser neither prints nor loses its options of the whole process', () => {
  const printed = jest.spyOn(console, 'error').mockImplementation(() => {});
  hls.setOptions({ strictMode: true });
  try {
    media('#EXT-X-TARGETDURATION:1', '#EXTINF:9.5,', 'a');
    expect(hls.getOptions()).toMatchObject({ strictMode: true, silent: false });
  } finally {
    hls.setOptions({ strictMode: false });
  }
  expect(printed).not.toHaveBeenCalled();
});

test("a list of KVS's full length is read whole", () => {
  const lines = Array.from(
    { length: 5000 },
    (_, i) =>
      `#EXT-X-PROGRAM-DATE-TIME:${new Date(i * 1000).toISOString()}\n#EXTINF:1.0,\nf?FragmentNumber=${i}`,
  );
  const { fragments } = media('#EXT-X-MAP:URI="i"', ...lines);
  expect(fragments).toHaveLength(5000);
  expect(fragments[4999]).toMatchObject({ sequence: 4999, dateMs: 4_999_000 });
});

const describeWithMedia = existsSync(MEDIA) ? describe : describe.skip;
if (!existsSync(MEDIA))
  console.info('Skipped: public test playlists are not here (../shared/media/playlists)');

describeWithMedia('public test playlists', () => {
  const names = existsSync(MEDIA) ? readdirSync(MEDIA).filter((name) => name.endsWith('.m3u8')) : [];
  const REFUSED: Record<string, string> = {
    'encrypted.m3u8': 'HLS_UNSUPPORTED',
    'manifestNoExtM3u.m3u8': 'HLS_PLAYLIST_INVALID',
  };

  test('all 73 are here', () => {
    expect(names).toHaveLength(73);
  });

  test.each(names)('%s gives sane values or a clear error', (name) => {
    const printed = jest.spyOn(console, 'error').mockImplementation(() => {});
    const text = readFileSync(join(MEDIA, name), 'utf8');
    const refused = REFUSED[name];
    if (refused !== undefined) {
      expect(failure(text)).toMatchObject({ code: refused });
      return;
    }
    const playlist = parsePlaylist(text, BASE);
    expect(printed).not.toHaveBeenCalled();
    if (playlist.kind === 'master') {
      expect(playlist.variants.length).toBeGreaterThan(0);
      for (const { url, bandwidth } of playlist.variants) {
        expect(url).toMatch(/^https?:/);
        expect(bandwidth).toBeGreaterThanOrEqual(0);
      }
      return;
    }
    expect(playlist.targetDurationMs).toBeGreaterThan(0);
    expect(playlist.fragments.length).toBeGreaterThan(0);
    for (const [index, fragment] of playlist.fragments.entries()) {
      expect(fragment.url).toMatch(/^https?:/);
      expect(fragment.sequence).toBe(playlist.mediaSequence + index);
      expect(fragment.durationMs).toBeGreaterThanOrEqual(0);
      if (fragment.byteRange !== null) expect(fragment.byteRange.length).toBeGreaterThan(0);
    }
  });
});
