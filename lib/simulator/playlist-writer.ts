import type { ListedFragment, ListingWindow } from './listing.js';
import type { SessionParameters } from './session-parameters.js';
import type { StoredFragment } from './fragment-store.js';

/** Text of the master playlist: one variant, as KVS has it. */
export function masterPlaylist(fragment: StoredFragment, token: string): string {
  const { init, media, durationMs, frames } = fragment;
  const bandwidth = Math.ceil((media.length * 8000) / durationMs);
  const rate = decimal((frames * 1000) / durationMs, 2);
  return lines([
    '#EXTM3U',
    '#EXT-X-VERSION:1',
    `#EXT-X-STREAM-INF:CODECS="${init.codecs}",RESOLUTION=${init.width}x${init.height},` +
      `FRAME-RATE=${rate},BANDWIDTH=${bandwidth}`,
    `getHLSMediaPlaylist.m3u8?SessionToken=${token}&TrackNumber=1`,
  ]);
}

/** Text of a media playlist. There is never an `EXT-X-DISCONTINUITY-SEQUENCE`: KVS leaves it out. */
export function mediaPlaylist(window: ListingWindow, parameters: SessionParameters, token: string): string {
  const { container, discontinuityMode, playbackMode, showsTimestamps } = parameters;
  const isMp4 = container === 'FRAGMENTED_MP4';
  const always = discontinuityMode === 'ALWAYS';
  const out = ['#EXTM3U', `#EXT-X-VERSION:${isMp4 ? 7 : 3}`];
  if (playbackMode === 'ON_DEMAND') out.push('#EXT-X-PLAYLIST-TYPE:VOD');
  out.push(
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.ceil(window.longestMs / 1000))}`,
    `#EXT-X-MEDIA-SEQUENCE:${window.entries[0]?.sequence ?? 0}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  );
  let previous: ListedFragment | null = null;
  for (const entry of window.entries) {
    const isNewInit = previous !== null && previous.initSequence !== entry.initSequence;
    const isMarked = discontinuityMode === 'ON_DISCONTINUITY' && entry.isDiscontinuous;
    if (always || isMarked || isNewInit) out.push('#EXT-X-DISCONTINUITY');
    if (isMp4 && (previous === null || isNewInit)) {
      const query = `SessionToken=${token}&TrackNumber=1&SequenceNumber=${entry.initSequence}`;
      out.push(`#EXT-X-MAP:URI="getMP4InitFragment.mp4?${query}"`);
    }
    if (showsTimestamps) out.push(`#EXT-X-PROGRAM-DATE-TIME:${isoTime(entry.startMs)}`);
    out.push(`#EXTINF:${decimal(entry.fragment.durationMs / 1000, 3)},`);
    out.push(
      isMp4
        ? `getMP4MediaFragment.mp4?FragmentNumber=${entry.number}&SessionToken=${token}&TrackNumber=1`
        : `getTSFragment.ts?FragmentNumber=${entry.number}&SessionToken=${token}`,
    );
    previous = entry;
  }
  if (always && window.entries.length > 0) out.push('#EXT-X-DISCONTINUITY');
  if (window.isComplete) out.push('#EXT-X-ENDLIST');
  return lines(out);
}

function lines(text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}

/** A date rounded to the ms, since cutting would put every third picture time 1 ms early. */
function isoTime(unixMs: number): string {
  return new Date(Math.round(unixMs)).toISOString();
}

/** At least one decimal, at most so many, as KVS prints numbers: `2.0`, `1.998`. */
function decimal(value: number, places: number): string {
  const text = String(Number(value.toFixed(places)));
  return text.includes('.') ? text : `${text}.0`;
}
