import { HlsStreamError } from '../errors.js';
import type { ResourceKind } from './loader.js';

/** Which origins the requests of one session may go to. */
export interface OriginRule {
  /** Of the session's URL, as the operator or the service gave it. */
  readonly origin: string;
  /** Others that the operator allows. */
  readonly allowed: readonly string[];
}

/**
 * Lets a URL pass that lies where the session does, or where the operator allows it: by scheme, host and port as the URL standard
 * spells them, whatever way they were written. Names are not looked up here: an operator's name is trusted wherever it leads.
 *
 * @throws HlsStreamError `HLS_FOREIGN_ORIGIN`
 */
export function admit(url: URL, kind: ResourceKind, { origin, allowed }: OriginRule): void {
  const isAllowed = url.origin === origin || allowed.includes(url.origin);
  // Other schemes have the origin "null" in common.
  if (isAllowed && /^https?:$/.test(url.protocol)) return;
  const { protocol, host } = url;
  throw new HlsStreamError(
    'HLS_FOREIGN_ORIGIN',
    `A ${kind} is at ${protocol}//${host}, but the session is at ${origin}; add it to allowedOrigins if that is meant`,
    { resource: kind },
  );
}
