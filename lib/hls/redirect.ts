import type { Dispatcher } from 'undici';
import { HlsStreamError } from '../errors.js';
import type { ResourceKind } from './loader.js';
import { admit, type OriginRule } from './origin.js';

/** Statuses that say where the resource is instead (RFC 9110 §15.4). */
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Where a response says the resource is, or `null` if it does not. */
function locationOf({ statusCode, headers }: Dispatcher.ResponseData, from: URL): URL | null {
  const { location } = headers;
  const text = Array.isArray(location) ? location[0] : location;
  if (!REDIRECTS.has(statusCode) || text === undefined || !URL.canParse(text, from.href)) return null;
  return new URL(text, from);
}

/** What is asked for, and how far it may lead. */
export interface RedirectRule {
  kind: ResourceKind;
  rule: OriginRule;
  /** Redirects of this request so far. */
  followed: number;
  maxRedirects: number;
}

/**
 * Where a response redirects to; `null` if it does not, or no redirect may be followed at all.
 *
 * @throws HlsStreamError `HLS_FOREIGN_ORIGIN` if the target may not be read, `HLS_STATUS` if it is one redirect too many
 */
export function redirectTarget(
  response: Dispatcher.ResponseData,
  from: URL,
  { kind, rule, followed, maxRedirects }: RedirectRule,
): URL | null {
  const target = maxRedirects === 0 ? null : locationOf(response, from);
  if (target === null) return null;
  if (followed >= maxRedirects) {
    throw new HlsStreamError(
      'HLS_STATUS',
      `The ${kind} was redirected more often than the limit of ${maxRedirects}; raise limits.maxRedirects`,
      { status: response.statusCode, resource: kind },
    );
  }
  admit(target, kind, rule);
  if (from.protocol === 'https:' && target.protocol !== 'https:') {
    throw new HlsStreamError(
      'HLS_FOREIGN_ORIGIN',
      `A ${kind} is redirected from https to ${target.protocol}//${target.host}, where anybody on the way could read and change it`,
      { resource: kind },
    );
  }
  // A name and password stay with their origin.
  if (target.origin === from.origin && target.username === '') {
    target.username = from.username;
    target.password = from.password;
  }
  return target;
}
