import { fragmentNotFound, invalidArgument, noFragments, tokenExpired } from './errors.js';
import { editText, editWindow, isShown, type PlacedEdit } from './faults/playlist-edit.js';
import type { PlaybackKind, RequestNotes, SimulatorRequest, SimulatorResponse } from './exchange.js';
import type { StoredFragment } from './fragment-store.js';
import type { ListedFragment } from './listing.js';
import { parseFragment, withTimes } from './mp4-fragment.js';
import { masterPlaylist, mediaPlaylist } from './playlist-writer.js';
import type { Quotas } from './quota.js';
import type { PlaybackSession, Sessions } from './session.js';
import { muxTransportStream } from './ts-muxer.js';

export interface HlsPlaneParts {
  readonly sessions: Sessions;
  readonly quotas: Quotas | null;
  /** What becomes of a LIVE session when the stream is silent for 30 s. */
  readonly silentSessions: 'freeze' | 'fail';
}

const playlistType = 'application/x-mpegURL';

/** The five GETs that a session token authorises. */
export class HlsPlane {
  readonly #parts: HlsPlaneParts;
  /** The last MPEG-TS form of each fragment, which all sessions of one timeline share. */
  readonly #transportStreams = new WeakMap<StoredFragment, { startTicks: number; bytes: Buffer }>();

  constructor(parts: HlsPlaneParts) {
    this.#parts = parts;
  }

  /**
   * Throws `ServiceError`.
   *
   * @param edits what a fault script makes of media playlists
   */
  respond(
    kind: PlaybackKind,
    request: SimulatorRequest,
    notes: RequestNotes,
    edits: readonly PlacedEdit[],
  ): SimulatorResponse {
    const { query, receivedAtMs: nowMs } = request;
    const token = query.get('SessionToken');
    if (token === null || token === '') throw invalidArgument('SessionToken is required.');
    const session = this.#parts.sessions.find(token, nowMs);
    if (session === undefined) throw tokenExpired();
    notes.sessionId = session.id;
    notes.stream = session.stream;
    this.#parts.quotas?.chargePlayback(
      kind,
      { id: session.id, stream: session.stream, maxFragments: session.parameters.maxFragments },
      nowMs,
    );
    this.#refuseAbandoned(session, nowMs);
    const isTransportStream = session.parameters.container === 'MPEG_TS';
    if (kind === 'GetTSFragment' ? !isTransportStream : isTransportStream && kind.startsWith('GetMP4')) {
      throw invalidArgument(`The session's ContainerFormat is ${session.parameters.container}.`);
    }
    switch (kind) {
      case 'GetHLSMasterPlaylist':
        return answer(playlistType, masterPlaylist(this.#representative(session, nowMs), token));
      case 'GetHLSMediaPlaylist': {
        requireTrack(query);
        const { listing, parameters } = session;
        const right = listing.window(nowMs);
        for (const edit of edits) if (isShown(right, edit)) edit.shown();
        const window = edits.reduce((edited, edit) => editWindow(edited, edit, listing, nowMs), right);
        return answer(playlistType, edits.reduce(editText, mediaPlaylist(window, parameters, token)));
      }
      case 'GetMP4InitFragment': {
        requireTrack(query);
        const sequence = query.get('SequenceNumber');
        const init = session.listing.init(sequence === null ? null : Number(sequence));
        if (init === undefined) throw fragmentNotFound();
        return answer('video/mp4', init.bytes);
      }
      case 'GetMP4MediaFragment': {
        requireTrack(query);
        const entry = listedFragment(session, query, notes);
        const ticks = Math.max(0, startTicks(session, entry));
        return answer('video/mp4', withTimes(entry.fragment.media, entry.fragment.index + 1, ticks));
      }
      case 'GetTSFragment': {
        const entry = listedFragment(session, query, notes);
        return answer('video/MP2T', this.#transportStream(entry.fragment, startTicks(session, entry)));
      }
    }
  }

  #refuseAbandoned(session: PlaybackSession, nowMs: number): void {
    if (this.#parts.silentSessions === 'freeze' || session.parameters.playbackMode !== 'LIVE') return;
    if (!session.playedStream.isLive(nowMs)) session.isAbandoned = true;
    if (session.isAbandoned) throw noFragments();
  }

  /** The fragment that codec, size and rate in the master playlist are told from. */
  #representative(session: PlaybackSession, nowMs: number): StoredFragment {
    const { listing, parameters, playedStream } = session;
    const fragment =
      listing.first?.fragment ??
      (parameters.playbackMode === 'LIVE' ? playedStream.store.newest(nowMs) : listing.inRange(nowMs)[0]);
    if (fragment === undefined) throw noFragments();
    return fragment;
  }

  #transportStream(fragment: StoredFragment, ticks: number): Buffer {
    const known = this.#transportStreams.get(fragment);
    if (known?.startTicks === ticks) return known.bytes;
    const bytes = muxTransportStream(fragment.init, parseFragment(fragment.init, fragment.media), ticks);
    this.#transportStreams.set(fragment, { startTicks: ticks, bytes });
    return bytes;
  }
}

function requireTrack(query: URLSearchParams): void {
  const track = query.get('TrackNumber');
  if (track !== '1') throw invalidArgument(`TrackNumber must be 1 but is ${track ?? 'missing'}.`);
}

function listedFragment(
  session: PlaybackSession,
  query: URLSearchParams,
  notes: RequestNotes,
): ListedFragment {
  const number = query.get('FragmentNumber');
  if (number === null || !/^[0-9]{1,128}$/.test(number)) {
    throw invalidArgument('FragmentNumber must be 1 to 128 digits.');
  }
  notes.fragmentNumber = number;
  const entry = session.listing.find(number);
  if (entry === undefined) throw fragmentNotFound();
  return entry;
}

/** Decode time to write into the first sample, by the stream's timeline. */
function startTicks(session: PlaybackSession, entry: ListedFragment): number {
  const { fragment } = entry;
  const { timescale } = fragment.init;
  const { timeline, timelineStartSeconds } = session.playedStream;
  const originTicks = Math.round(timelineStartSeconds * timescale);
  switch (timeline) {
    case 'continuous':
      return originTicks + fragment.streamTicks;
    case 'epoch':
      return Math.round((fragment.connectionMs * timescale) / 1000) + fragment.decodeTicks;
    case 'session': {
      const first = session.listing.first?.fragment ?? fragment;
      return (
        originTicks +
        fragment.streamTicks -
        Math.round((first.streamTicks * timescale) / first.init.timescale)
      );
    }
    case 'fragment':
      return -parseFragment(fragment.init, fragment.media).firstPresentationTicks;
  }
}

function answer(contentType: string, body: string | Buffer): SimulatorResponse {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return { status: 200, headers: { 'content-type': contentType }, body: bytes };
}
