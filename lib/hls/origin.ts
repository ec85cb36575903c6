import { HlsStreamError } from '../errors.js';
import type { ResourceKind } from './loader.js';

/** Which origins the requests of one session may go to. */
export interface OriginRule {
  /** Of the session's URL, as the operator or the service gave it. */
  readonly origin: string;
  /** Others that the operator allows. */
  readonly allowed: readonly string[];
}

/** Schemes that have a name; another one might be anything, also the session's token. */
const SCHEMES = /^(?:https?|file|data|ftps?|blob|javascript|rtmps?|rtsps?|udp|tcp):$/;
/** Words of hosts that are longer are not shown, for the same reason. */
const MAX_LABEL = 20;

/** Whether a URL lies where the session does, or where the operator allows it. */
export function isAdmitted(url: URL, { origin, allowed }: OriginRule): boolean {
  // Other schemes have the origin "null" in common.
  return (url.origin === origin || allowed.includes(url.origin)) && /^https?:$/.test(url.protocol);
}

/** What a message may say of where something is. */
export function shownOrigin({ protocol, host }: URL): string {
  const isAddress = host.startsWith('[');
  const labels = host.split('.').map((label) => (!isAddress && label.length > MAX_LABEL ? '…' : label));
  return `${SCHEMES.test(protocol) ? protocol : '…:'}//${labels.join('.')}`;
}

/**
 * Lets a URL pass that lies where the session does, or where the operator allows it: by scheme, host and port as the URL standard
 * spells them, whatever way they were written. Names are not looked up here: an operator's name is trusted wherever it leads.
 *
 * @throws HlsStreamError `HLS_FOREIGN_ORIGIN`
 */
export function admit(url: URL, kind: ResourceKind, rule: OriginRule): void {
  if (isAdmitted(url, rule)) return;
  throw new HlsStreamError(
    'HLS_FOREIGN_ORIGIN',
    `A ${kind} is at ${shownOrigin(url)}, but the session is at ${rule.origin}; add it to allowedOrigins if that is meant`,
    { resource: kind },
  );
}
