import type { ScriptedServer, Reply } from './server.js';
import { fragmentBytes, initBytes } from './media.js';

/** One fragment of the scripted camera: its number is its date in units of `DURATION_MS` after `T0`. */
export const T0 = Date.parse('2026-11-22T10:00:00.000Z');
export const DURATION_MS = 2000;

export interface ListOptions {
  dates?: boolean;
  /** By how much dates are ahead of the camera's, ms. Default 0. */
  aheadMs?: number;
  ended?: boolean;
  /** Lines before the fragment with this number. */
  before?: Record<number, string[]>;
  /** `EXT-X-MAP`; `null` for none. Default `init.mp4`. */
  init?: string | null;
}

/** A session on a scripted server: `/NAME/master.m3u8`, `/NAME/list.m3u8`, `/NAME/f?FragmentNumber=…`. */
export class ScriptedSession {
  readonly #server: ScriptedServer;
  readonly name: string;
  /** Number of the camera's fragment that this session calls 0. */
  readonly base: number;

  constructor(server: ScriptedServer, name: string, base: number) {
    this.#server = server;
    this.name = name;
    this.base = base;
    server.set(
      `/${name}/master.m3u8`,
      `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.4d4029"\nlist.m3u8?SessionToken=CiSECRET${name}~\n`,
    );
    server.set(`/${name}/init.mp4`, initBytes(1));
    server.set(`/${name}/f`, (request, response) => {
      const number = Number(new URL(request.url ?? '', 'http://host').searchParams.get('FragmentNumber'));
      response.end(fragmentBytes(number + base));
    });
  }

  get url(): string {
    return `${this.#server.origin}/${this.name}/master.m3u8?SessionToken=CiSECRET${this.name}~`;
  }

  /** A list of the camera's fragments from `first` to `last`, in this session's numbers. */
  list(
    first: number,
    last: number,
    { dates = true, aheadMs = 0, ended = false, before = {}, init = 'init.mp4' }: ListOptions = {},
  ): string {
    const lines = [
      '#EXTM3U',
      '#EXT-X-VERSION:7',
      `#EXT-X-TARGETDURATION:${DURATION_MS / 1000}`,
      `#EXT-X-MEDIA-SEQUENCE:${first - this.base}`,
    ];
    if (init !== null) lines.push(`#EXT-X-MAP:URI="${init}?SessionToken=CiSECRET${this.name}~"`);
    for (let number = first; number <= last; number++) {
      lines.push(...(before[number] ?? []));
      if (dates)
        lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(T0 + number * DURATION_MS + aheadMs).toISOString()}`);
      lines.push(
        `#EXTINF:${DURATION_MS / 1000},`,
        `f?FragmentNumber=${number - this.base}&SessionToken=CiSECRET${this.name}~`,
      );
    }
    if (ended) lines.push('#EXT-X-ENDLIST');
    return lines.join('\n');
  }

  /** What the playlist answers, poll after poll; the last for ever. */
  lists(...replies: Reply[]): this {
    this.#server.sequence(`/${this.name}/list.m3u8`, ...replies);
    return this;
  }
}
