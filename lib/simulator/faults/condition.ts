import type { RequestKind } from '../exchange.js';
import type { FaultResource, RequestCondition, Span } from './script.js';

/** What conditions are judged by: one request, and how it stands to the moment the script was set. */
export interface RequestFacts {
  readonly resource: FaultResource;
  /** Since the script was set, in ms. */
  readonly elapsedMs: number;
  /** Number of the fragment asked for, counted from the script's setting; `null` for what is no listed fragment. */
  readonly fragment: number | null;
  /** Age of the request's session in ms, and its number counted from the script's setting; `null` without a session. */
  readonly sessionAgeMs: number | null;
  readonly session: number | null;
}

/** The request meets all of a condition but its `requests`, which takes a count. */
export function meets(condition: RequestCondition, facts: RequestFacts): boolean {
  const { resource, fromMs = 0, untilMs = Infinity } = condition;
  const resources: readonly FaultResource[] = typeof resource === 'string' ? [resource] : resource;
  const { sessionAgeFromMs = -Infinity, sessionAgeUntilMs = Infinity } = condition;
  const asksAge = condition.sessionAgeFromMs !== undefined || condition.sessionAgeUntilMs !== undefined;
  return (
    resources.includes(facts.resource) &&
    facts.elapsedMs >= fromMs &&
    facts.elapsedMs < untilMs &&
    isWithin(condition.fragments, facts.fragment) &&
    isWithin(condition.sessions, facts.session) &&
    (!asksAge ||
      (facts.sessionAgeMs !== null &&
        facts.sessionAgeMs >= sessionAgeFromMs &&
        facts.sessionAgeMs < sessionAgeUntilMs))
  );
}

/** A number lies in a span; without a span everything does, and `null` in no span. */
export function isWithin(span: Span | undefined, value: number | null): boolean {
  if (span === undefined) return true;
  return value !== null && value >= span.from && value < span.from + (span.count ?? Infinity);
}

const resourcesByKind: Partial<Record<RequestKind, FaultResource>> = {
  GetDataEndpoint: 'endpoint',
  GetHLSStreamingSessionURL: 'session-url',
  GetHLSMasterPlaylist: 'master',
  GetHLSMediaPlaylist: 'playlist',
  GetMP4InitFragment: 'init',
  GetMP4MediaFragment: 'fragment',
  GetTSFragment: 'fragment',
};

/** What a request asks for, or `null` for what no row can mean. */
export function resourceOf(kind: RequestKind): FaultResource | null {
  return resourcesByKind[kind] ?? null;
}
