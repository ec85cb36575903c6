import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clip } from '../../lib/simulator/index';
import { muxTransportStream } from '../../lib/simulator/ts-muxer';
import { withTimes } from '../../lib/simulator/mp4-fragment';

/** One entry of a playlist. */
export interface ListEntry {
  /** `null`: MPEG-TS. */
  init: Buffer | null;
  media: Buffer;
  seconds: number;
  /** `EXT-X-DISCONTINUITY` before it. */
  isBreak?: boolean;
  dateMs?: number;
  /** Sent in place of `media` in answer to the first request. */
  atFirst?: Buffer;
}

/** The fragments of a clip as they are, with their times moved by so many ms, or with other dates. */
export function entriesOf(
  clip: Clip,
  container: 'fmp4' | 'mpegts',
  options: { shiftMs?: number; isBreak?: boolean } = {},
): ListEntry[] {
  const { timescale, bytes } = clip.init;
  const shift = Math.round(((options.shiftMs ?? 0) * timescale) / 1000);
  return clip.fragments.map(({ media, contents }, i) => {
    const ticks = contents.decodeTicks + shift;
    return {
      init: container === 'fmp4' ? bytes : null,
      media:
        container === 'fmp4'
          ? withTimes(media, i + 1, ticks)
          : muxTransportStream(clip.init, contents, ticks),
      seconds: contents.durationTicks / timescale,
      isBreak: i === 0 && (options.isBreak ?? false),
    };
  });
}

/** Serves a playlist of these entries that has ended, changed by `edit`; `requests`: the files asked for, in order. */
export async function serveList(
  entries: readonly ListEntry[],
  edit: (text: string) => string = (text) => text,
): Promise<AsyncDisposable & { url: string; requests: string[] }> {
  const files = new Map<string, Buffer>();
  const atFirst = new Map<string, Buffer>();
  const requests: string[] = [];
  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:2'];
  let init: Buffer | null = null;
  entries.forEach((entry, i) => {
    if (entry.isBreak === true) lines.push('#EXT-X-DISCONTINUITY');
    if (entry.init !== null && entry.init !== init) {
      files.set(`/${i}.mp4`, entry.init);
      lines.push(`#EXT-X-MAP:URI="${i}.mp4"`);
    }
    init = entry.init;
    if (entry.dateMs !== undefined) {
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(entry.dateMs).toISOString()}`);
    }
    const name = `${i}.${entry.init === null ? 'ts' : 'm4s'}`;
    files.set(`/${name}`, entry.media);
    if (entry.atFirst !== undefined) atFirst.set(`/${name}`, entry.atFirst);
    lines.push(`#EXTINF:${entry.seconds},`, name);
  });
  files.set('/list.m3u8', Buffer.from(edit([...lines, '#EXT-X-ENDLIST', ''].join('\n'))));
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]!;
    const file = atFirst.get(path) ?? files.get(path);
    atFirst.delete(path);
    requests.push(path.slice(1));
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/list.m3u8`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
