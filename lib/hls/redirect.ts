import type { Dispatcher } from 'undici';
import { HlsStreamError } from '../errors.js';
import type { ResourceKind } from './loader.js';
import { isAdmitted, shownOrigin, type OriginRule } from './origin.js';

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
 * @throws HlsStreamError `HLS_STATUS` if the target may not be read, or it is one redirect too many: whatever answers in the server's
 *   place, a captive portal for one, may be gone soon
 */
export function redirectTarget(
  response: Dispatcher.ResponseData,
  from: URL,
  { kind, rule, followed, maxRedirects }: RedirectRule,
): URL | null {
  const target = maxRedirects === 0 ? null : locationOf(response, from);
  if (target === null) return null;
  const refuse = (why: string): never => {
    throw new HlsStreamError('HLS_STATUS', `The ${kind} was redirected ${why}`, {
      status: response.statusCode,
      resource: kind,
    });
  };
  if (followed >= maxRedirects)
    refuse(`more often than the limit of ${maxRedirects}; raise limits.maxRedirects`);
  if (!isAdmitted(target, rule)) {
    refuse(
      `to ${shownOrigin(target)}, but the session is at ${rule.origin}; add it to allowedOrigins if that is meant`,
    );
  }
  if (from.protocol === 'https:' && target.protocol !== 'https:')
    refuse(`from https to ${shownOrigin(target)}, where anybody on the way could read and change it`);
  // A name and password stay with their origin.
  if (target.origin === from.origin && target.username === '') {
    target.username = from.username;
    target.password = from.password;
  }
  return target;
}

/** What is said of a redirect that leads nowhere. */
export const redirectAdvice = (maxRedirects: number): string =>
  maxRedirects === 0
    ? ': redirects are not followed, give the final URL or raise limits.maxRedirects'
    : ' without a URL to go on with';
