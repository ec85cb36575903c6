import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { HlsStreamError } from '../../../lib/errors.js';
import {
  parsePlaylist,
  type ByteRange,
  type MasterPlaylist,
  type MediaPlaylist,
  type Playlist,
} from '../../../lib/hls/playlist.js';
import { ladderOf, variantKey, variantName } from '../../../lib/hls/variant.js';
import { bounded, settings } from '../../support/property.js';

const SECRET = 'CiSECRETTOKEN~';
const BASE = `https://b-1.example.com/hls/v1/list.m3u8?SessionToken=${SECRET}&TrackNumber=1`;
const MEDIA = join(__dirname, '../../../../shared/media/playlists');
/** The last date that JavaScript can write (ECMA-262, time values). */
const LAST_DATE_MS = 8.64e15;
const DAY_MS = 24 * 3600 * 1000;

/** What every reader of a playlist relies on. */
function expectRange(range: ByteRange | null): void {
  if (range === null) return;
  expect(Number.isSafeInteger(range.offset) && range.offset >= 0).toBe(true);
  expect(Number.isSafeInteger(range.length) && range.length > 0).toBe(true);
  expect(Number.isSafeInteger(range.offset + range.length)).toBe(true);
}

function expectMedia(list: MediaPlaylist): void {
  expect(Number.isSafeInteger(list.mediaSequence)).toBe(true);
  expect(list.targetDurationMs > 0 && list.targetDurationMs <= DAY_MS).toBe(true);
  expect([typeof list.ended, typeof list.vod]).toEqual(['boolean', 'boolean']);
  list.fragments.forEach((fragment, index) => {
    const { sequence, durationMs, dateMs, init, container, url, byteRange } = fragment;
    expect(Number.isSafeInteger(sequence)).toBe(true);
    expect(sequence).toBe(list.mediaSequence + index);
    expect(durationMs >= 0 && durationMs <= DAY_MS).toBe(true);
    expect(dateMs === null || Math.abs(dateMs) <= LAST_DATE_MS).toBe(true);
    expect(URL.canParse(url)).toBe(true);
    expectRange(byteRange);
    expect(container).toBe(init === null ? 'mpegts' : 'fmp4');
    if (init !== null) {
      expect(URL.canParse(init.url)).toBe(true);
      expectRange(init.byteRange);
    }
  });
}

function expectMaster({ variants }: MasterPlaylist): void {
  for (const variant of variants) {
    const { url, bandwidth, width, height } = variant;
    expect(URL.canParse(url)).toBe(true);
    expect(Number.isFinite(bandwidth) && bandwidth >= 0).toBe(true);
    for (const side of [width, height])
      expect(side === null || (Number.isFinite(side) && side > 0)).toBe(true);
    expect(variantKey(variant) + variantName(variant)).not.toContain(SECRET);
  }
  try {
    const { steps, spares } = ladderOf(variants, { wantedWidth: 640, maxHeight: 1080 });
    expect(steps.length).toBeGreaterThan(0);
    expect(steps.length + spares.length).toBeLessThanOrEqual(variants.length);
  } catch (error) {
    expect(error).toBeInstanceOf(HlsStreamError);
  }
}

const REFUSALS = ['HLS_PLAYLIST_INVALID', 'HLS_UNSUPPORTED', 'HLS_TOO_LARGE'];

/** A playlist in order, or a refusal that shows no secret; and in either case soon. */
function expectOrder(text: string): Playlist | null {
  let playlist: Playlist;
  try {
    playlist = bounded(() => parsePlaylist(text, BASE));
  } catch (error) {
    if (!(error instanceof HlsStreamError)) throw error;
    expect(REFUSALS).toContain(error.code);
    expect(inspect(error, { depth: 9 }) + error.stack).not.toContain(SECRET);
    return null;
  }
  if (playlist.kind === 'media') expectMedia(playlist);
  else expectMaster(playlist);
  return playlist;
}

const numberText = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '-1',
    '1',
    '2',
    '1e3',
    '1e999',
    '-1e999',
    'NaN',
    'Infinity',
    '',
    ' ',
    '0x10',
    '1_000',
  ),
  fc.constantFrom(
    '9007199254740990',
    '9007199254740991',
    '9007199254740992',
    '18446744073709551616',
    '0.0000001',
  ),
  fc.integer().map(String),
  fc.double().map(String),
  fc.bigInt().map(String),
);
const dateText = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    '+275760-09-13T00:00:00.000Z',
    '-271821-04-20T00:00:00.000Z',
    '2026-02-30T25:61:61Z',
    '2026-11-22T10:15:30',
    '2026-11-22T10:15:30+0100',
    '0000-00-00T00:00:00Z',
    'yesterday',
  ),
  fc.string({ maxLength: 30 }),
);
const anyText = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('\0', '\uFEFF', '\u2028', '"', '""', ',', '=', '@', '../..', `?SessionToken=${SECRET}`),
);
const uriText = fc.oneof(
  anyText,
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.constantFrom(
    'f?FragmentNumber=7',
    '//evil.example/f',
    'file:///etc/passwd',
    'data:,x',
    'javascript:0',
    'http://[::1]:1/',
    'http://2852039166/',
    'https://b-1.example.com@evil.example/',
    'http://%/',
    'https:\\\\evil.example\\f',
  ),
);
const rangeText = fc
  .tuple(numberText, fc.constantFrom('@', '', '@@', '-'), numberText)
  .map(([length, at, offset]) => `${length}${at}${offset}`);
const attributeValue = fc.oneof(
  numberText,
  anyText.map((text) => `"${text}"`),
  uriText.map((text) => `"${text}"`),
  rangeText.map((text) => `"${text}"`),
  dateText,
  anyText,
  fc.tuple(numberText, numberText).map(([width, height]) => `${width}x${height}`),
);
const attributeName = fc.oneof(
  fc.constantFrom(
    'URI',
    'BYTERANGE',
    'METHOD',
    'BANDWIDTH',
    'AVERAGE-BANDWIDTH',
    'RESOLUTION',
    'CODECS',
    'AUDIO',
  ),
  fc.constantFrom(
    'FRAME-RATE',
    'HDCP-LEVEL',
    'KEYFORMAT',
    'KEYFORMATVERSIONS',
    'IV',
    'NAME',
    'VIDEO',
    'SCORE',
  ),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'TYPE',
    'GROUP-ID',
    'ALLOWED-CPC',
    'STABLE-VARIANT-ID',
  ),
  anyText,
);
const attributes = fc
  .array(fc.tuple(attributeName, attributeValue), { maxLength: 6 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join(','));

/** Tags with what belongs behind them, or with what does not. */
const line = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(numberText, anyText).map(([ms, title]) => `#EXTINF:${ms},${title}`) },
  { weight: 4, arbitrary: uriText },
  { weight: 2, arbitrary: dateText.map((date) => `#EXT-X-PROGRAM-DATE-TIME:${date}`) },
  { weight: 2, arbitrary: rangeText.map((range) => `#EXT-X-BYTERANGE:${range}`) },
  { weight: 2, arbitrary: attributes.map((list) => `#EXT-X-MAP:${list}`) },
  { weight: 1, arbitrary: attributes.map((list) => `#EXT-X-KEY:${list}`) },
  { weight: 1, arbitrary: attributes.map((list) => `#EXT-X-STREAM-INF:${list}`) },
  { weight: 1, arbitrary: attributes.map((list) => `#EXT-X-SESSION-KEY:${list}`) },
  { weight: 1, arbitrary: attributes.map((list) => `#EXT-X-MEDIA:${list}`) },
  { weight: 1, arbitrary: numberText.map((number) => `#EXT-X-MEDIA-SEQUENCE:${number}`) },
  { weight: 1, arbitrary: numberText.map((number) => `#EXT-X-TARGETDURATION:${number}`) },
  { weight: 1, arbitrary: numberText.map((number) => `#EXT-X-VERSION:${number}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-ENDLIST',
      '#EXT-X-GAP',
      '#EXT-X-PLAYLIST-TYPE:VOD',
      '#EXT-X-PLAYLIST-TYPE:x',
      '#EXTM3U',
      '#EXT-X-PART:DURATION=1,URI="p"',
      '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="http://evil.example/p"',
      '#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-22T10:15:30Z"',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(anyText, attributeValue).map(([name, value]) => `#EXT-X-${name}:${value}`),
  },
);
const grammarText = fc
  .tuple(
    fc.constantFrom('#EXTM3U', '#EXTM3U', '\uFEFF#EXTM3U', ' #EXTM3U ', '# comment\n#EXTM3U'),
    fc.array(line, { maxLength: 40 }),
    fc.constantFrom('\n', '\r\n', '\r', '\n\n'),
  )
  .map(([head, lines, newline]) => [head, ...lines].join(newline));

const REAL = existsSync(MEDIA)
  ? readdirSync(MEDIA)
      .filter((name) => name.endsWith('.m3u8'))
      .map((name) => readFileSync(join(MEDIA, name), 'utf8').slice(0, 20_000))
  : [];
const OWN = [
  '#EXTM3U',
  '#EXT-X-TARGETDURATION:2',
  '#EXT-X-MEDIA-SEQUENCE:118',
  `#EXT-X-MAP:URI="init.mp4?SessionToken=${SECRET}&SequenceNumber=0",BYTERANGE="700@0"`,
  '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T10:15:30.412Z',
  '#EXTINF:2.0,title',
  `f?FragmentNumber=118&SessionToken=${SECRET}`,
  '#EXT-X-DISCONTINUITY',
  '#EXTINF:1.998,',
  '#EXT-X-BYTERANGE:100@200',
  `f?FragmentNumber=119&SessionToken=${SECRET}`,
  '#EXT-X-ENDLIST',
].join('\n');

interface Mutation {
  at: number;
  cut: number;
  put: string;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat({ max: 60 }),
  put: fc.oneof(line, numberText, anyText, fc.constantFrom('\n', '\r', '"', '\0')),
});
function mutated(text: string, mutations: readonly Mutation[]): string {
  return mutations.reduce((changed, { at, cut, put }) => {
    const from = Math.floor(at * changed.length);
    return changed.slice(0, from) + put + changed.slice(from + cut);
  }, text);
}

describe('any text is a playlist in order, or refused with a code and without secrets', () => {
  test('as chance makes it', () => {
    const text = fc.oneof(fc.string({ maxLength: 400 }), fc.string({ unit: 'binary', maxLength: 400 }));
    fc.assert(
      fc.property(
        text,
        fc.boolean(),
        (body, isTagged) => void expectOrder(isTagged ? `#EXTM3U\n${body}` : body),
      ),
      settings(300),
    );
  });

  test('as the grammar makes it, with hostile values', () => {
    fc.assert(
      fc.property(grammarText, (text) => void expectOrder(text)),
      settings(600),
    );
  });

  test('as real playlists with some places changed', () => {
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(OWN, ...REAL), mutations, (text, changes) => {
        expectOrder(mutated(text, changes));
      }),
      settings(600),
    );
  });

  test('and bytes that are no text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expectOrder(`#EXTM3U\n#EXTINF:1,\n${new TextDecoder().decode(bytes)}`);
      }),
      settings(200),
    );
  });
});

describe('numbers that are none', () => {
  const fragment = (...lines: string[]) => {
    const playlist = expectOrder(['#EXTM3U', ...lines, '#EXTINF:2,', 'a', '#EXTINF:2,', 'b'].join('\n'));
    if (playlist?.kind !== 'media') throw new Error('not a media playlist');
    return playlist.fragments;
  };

  test.each(['9007199254740990', '1e400', 'NaN', 'x'])(
    'a sequence number that can not be counted on from is 0: %s',
    (number) => {
      expect(fragment(`#EXT-X-MEDIA-SEQUENCE:${number}`).map(({ sequence }) => sequence)).toEqual([0, 1]);
    },
  );

  test.each(['abc', '0', '9007199254740991@9007199254740991', '-5@3'])(
    'a byte range that is none is left out: %s',
    (range) => {
      const [first] = fragment(`#EXT-X-MAP:URI="i",BYTERANGE="${range}"`, `#EXT-X-BYTERANGE:${range}`);
      expect([first?.byteRange, first?.init?.byteRange]).toEqual([null, null]);
    },
  );

  test('a date is not carried on beyond the last one there is', () => {
    const dates = fragment('#EXT-X-PROGRAM-DATE-TIME:+275760-09-13T00:00:00.000Z').map(
      ({ dateMs }) => dateMs,
    );
    expect(dates).toEqual([LAST_DATE_MS, null]);
  });

  test('a bandwidth without end is none', () => {
    const text = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1e999,RESOLUTION=1e999x-3\nv';
    const playlist = expectOrder(text) as MasterPlaylist;
    expect(playlist.variants[0]).toMatchObject({ bandwidth: 0, width: null, height: null });
  });
});

describe('a playlist of 4 MiB comes to an end', () => {
  const SIZE = 4 * 1024 * 1024;
  const fill = (piece: string): string => piece.repeat(Math.floor(SIZE / piece.length));
  test.each([
    ['one line', '#EXTM3U\n', '#', ''],
    ['one line of spaces', '', ' ', ''],
    ['a line of quotes within the limit', '#EXTM3U\n', `#EXT-X-MAP:${'"'.repeat(16_000)}\n`, '#EXTINF:1,\nf'],
    ['commas', '#EXTM3U\n', `#EXT-X-MAP:${','.repeat(16_000)}\n`, '#EXTINF:1,\nf'],
    ['equals signs', '#EXTM3U\n', `#EXT-X-KEY:${'A='.repeat(8_000)}\n`, '#EXTINF:1,\nf'],
    ['attributes', '#EXTM3U\n', `#EXT-X-STREAM-INF:${'AUDIO="a",'.repeat(1_600)}BANDWIDTH=1\nv\n`, ''],
    ['digits', '#EXTM3U\n', `#EXTINF:${'9'.repeat(16_000)},\n`, 'f'],
    ['dates', '#EXTM3U\n', `#EXT-X-PROGRAM-DATE-TIME:${'+01:00'.repeat(2_600)}x\n`, '#EXTINF:1,\nf'],
    ['byte ranges', '#EXTM3U\n', `#EXT-X-BYTERANGE:${'1@'.repeat(8_000)}\n`, '#EXTINF:1,\nf'],
    ['white space', '#EXTM3U\n', `${' '.repeat(8_000)}x${' '.repeat(8_000)}\n`, ''],
    ['empty lines', '#EXTM3U', '\n', ''],
    ['carriage returns', '#EXTM3U', '\r', ''],
    ['keys', '#EXTM3U\n', '#EXT-X-KEY:METHOD=NONE\n', '#EXTINF:1,\nf'],
    [
      'keys of a session',
      '#EXTM3U\n',
      '#EXT-X-SESSION-KEY:METHOD=NONE\n',
      '#EXT-X-STREAM-INF:BANDWIDTH=1\nv',
    ],
    ['init sections', '#EXTM3U\n', '#EXT-X-MAP:URI="i"\n', '#EXTINF:1,\nf'],
    ['discontinuities', '#EXTM3U\n', '#EXT-X-DISCONTINUITY\n', '#EXTINF:1,\nf'],
    ['lengths without a fragment', '#EXTM3U\n', '#EXTINF:1,\n', 'f'],
    ['variants without a URI', '#EXTM3U\n', '#EXT-X-STREAM-INF:BANDWIDTH=1\n', 'v'],
    ['sequence numbers', '#EXTM3U\n', '#EXT-X-MEDIA-SEQUENCE:9\n', '#EXTINF:1,\nf'],
    ['ends', '#EXTM3U\n', '#EXT-X-ENDLIST\n', '#EXTINF:1,\nf'],
    ['tags nobody knows', '#EXTM3U\n', '#EXT-X-WHAT:A="b"\n', '#EXTINF:1,\nf'],
  ])('of %s', (_, head, piece, tail) => {
    const room = SIZE - head.length - tail.length;
    expectOrder(head + fill(piece).slice(0, room - (room % piece.length)) + tail);
  });
});
