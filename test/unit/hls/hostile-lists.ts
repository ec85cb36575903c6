import * as fc from 'fast-check';
import type { ResourceKind } from '../../../lib/hls/loader.js';
import type { Session } from '../../../lib/session/provider.js';
import { fragmentBytes, initBytes } from './media.js';
import { failure, LENGTH_MS, ORIGIN, T0, type World } from './world.js';

export interface Entry {
  media: number;
  uri: string;
  dateMs: number | null;
  lengthMs: number;
  tags: string[];
}
/** A list that need not be true in any respect. */
interface Claim {
  sequence: number;
  entries: Entry[];
  isEnded: boolean;
}
/** What a hostile server answers to a request for a playlist: a list, any text, or a failure. */
export type Answer = { list: Claim } | { text: string } | { how: number };

const entry: fc.Arbitrary<Entry> = fc.record({
  media: fc.nat({ max: 30 }),
  uri: fc.oneof(
    { weight: 30, arbitrary: fc.constant('') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '//evil.example/f',
        'http://camera.example/f',
        'https://camera.example:444/f',
        'https://camera.example@evil.example/f',
        'https:\\\\evil.example\\f',
        'https://camera.example./f',
        'http://2852039166/latest/meta-data',
        'file:///etc/passwd',
        'data:video/mp4;base64,AAAA',
        'javascript:0',
        'blob:https://camera.example/f',
      ),
    },
  ),
  dateMs: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -20, max: 60 }).map((n) => T0 + n * LENGTH_MS) },
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(8.64e15, -8.64e15, 0, T0 + 0.5) },
  ),
  lengthMs: fc.oneof(
    { weight: 6, arbitrary: fc.constant(LENGTH_MS) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1, -5, 1e9, 86_400_000, Infinity) },
  ),
  tags: fc.array(
    fc.constantFrom(
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-GAP',
      '#EXT-X-MAP:URI="init1.mp4"',
      '#EXT-X-MAP:URI="init2.mp4",BYTERANGE="3@1"',
      '#EXT-X-MAP:URI="//evil.example/init"',
      '#EXT-X-KEY:METHOD=NONE',
      '#EXT-X-BYTERANGE:20@4',
    ),
    { maxLength: 2 },
  ),
});
const list: fc.Arbitrary<Claim> = fc.record({
  sequence: fc.oneof(
    { weight: 6, arbitrary: fc.nat({ max: 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(-1, 2 ** 31, 2 ** 53 - 2, 2 ** 60, Number.NaN) },
  ),
  entries: fc.array(entry, { maxLength: 12 }),
  isEnded: fc.boolean().map((is) => is),
});
export const answer: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 12, arbitrary: list.map((claim) => ({ list: claim })) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }).map((text) => ({ text: `#EXTM3U\n${text}` })) },
  {
    weight: 1,
    arbitrary: fc.constant({ text: '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n//evil.example/v.m3u8' }),
  },
  { weight: 1, arbitrary: fc.nat({ max: 5 }).map((how) => ({ how })) },
);

function textOf({ sequence, entries, isEnded }: Claim): string {
  const lines = ['#EXTM3U', '#EXT-X-TARGETDURATION:2', `#EXT-X-MEDIA-SEQUENCE:${sequence}`];
  lines.push('#EXT-X-MAP:URI="init1.mp4"');
  for (const { media, uri, dateMs, lengthMs, tags } of entries) {
    lines.push(...tags);
    if (dateMs !== null) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(dateMs).toISOString()}`);
    lines.push(`#EXTINF:${lengthMs / 1000},`, uri || `f${media}.mp4`);
  }
  if (isEnded) lines.push('#EXT-X-ENDLIST');
  return lines.join('\n');
}

export class HostileServer implements World {
  readonly #answers: Answer[];
  #sessions = 0;

  constructor(answers: readonly Answer[]) {
    this.#answers = [...answers];
  }

  session(): Session | null {
    return this.#sessions >= 40 || this.isOver() ? null : this.#open();
  }

  offered(): Session | null {
    return this.#answers.length % 5 === 0 ? this.#open() : null;
  }

  isOver(): boolean {
    return this.#answers.length === 0;
  }

  answer(url: URL, kind: ResourceKind): Uint8Array | string {
    const number = Number(/\d+\.mp4$/.exec(url.pathname)?.[0].slice(0, -4) ?? 0);
    if (kind === 'init') return initBytes(number);
    if (kind === 'fragment') {
      // Some are damaged, some refused.
      if (number % 10 === 7) return fragmentBytes(number).subarray(0, 20);
      if (number % 10 === 8) throw failure(number);
      return fragmentBytes(number);
    }
    const next = this.#answers.shift() ?? { how: 0 };
    if ('how' in next) throw failure(next.how);
    return 'text' in next ? next.text : textOf(next.list);
  }

  #open(): Session {
    const url = `${ORIGIN}/s${++this.#sessions}/list.m3u8`;
    return { id: this.#sessions, url, expiresAtMs: Infinity, endsAtMs: Infinity };
  }
}
