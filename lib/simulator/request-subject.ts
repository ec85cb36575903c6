import { resourceOf } from './faults/condition.js';
import type { RequestSubject } from './faults/run.js';
import type { RequestNotes, SimulatorRequest } from './exchange.js';
import type { PlaybackSession, Sessions } from './session.js';
import type { Streams } from './streams.js';

/** What a request is about, as far as that shows before it is served; `null` where it names no stream that exists. */
export function requestSubject(
  request: SimulatorRequest,
  streams: Streams,
  sessions: Sessions,
): (RequestSubject & { readonly session: PlaybackSession | null }) | null {
  const resource = resourceOf(request.kind);
  if (resource === null) return null;
  if (resource === 'endpoint' || resource === 'session-url') {
    const stream = namedStream(request, streams);
    return stream === null ? null : { stream, fragmentIndex: null, session: null };
  }
  const session = sessions.find(request.query.get('SessionToken') ?? '', request.receivedAtMs);
  if (session === undefined) return null;
  const number = resource === 'fragment' ? request.query.get('FragmentNumber') : null;
  const entry = number === null ? undefined : session.listing.find(number);
  return { stream: session.stream, fragmentIndex: entry?.fragment.index ?? null, session };
}

export function notesOf(subject: ReturnType<typeof requestSubject>): RequestNotes {
  return { stream: subject?.stream ?? null, sessionId: subject?.session?.id ?? null, fragmentNumber: null };
}

function namedStream(request: SimulatorRequest, streams: Streams): string | null {
  try {
    return streams.named(JSON.parse(request.body.toString('utf8')) as Record<string, unknown>).name;
  } catch {
    // Refused when it is served, with the reason.
    return null;
  }
}
