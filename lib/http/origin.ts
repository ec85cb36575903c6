import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import { Refusal } from './answer.js';

/** One way of writing for each address: `[0:0::1]` and `::1` are the same, and so are `::FFFF:10.0.0.1` and `10.0.0.1`. */
function canonical(host: string): string {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/, '');
  return isIPv6(bare) ? new URL(`http://[${bare}]`).hostname : bare;
}

/**
 * What this machine is called, in full and without a domain. Whoever would point a foreign page's name here has to own the name,
 * and this one is of who runs the machine.
 */
export function ownNames(): string[] {
  const name = hostname();
  return [...new Set([name, name.replace(/\..*$/s, '')])].filter((one) => one !== '');
}

/**
 * Refuses requests that a foreign web page had a browser make: a name that was pointed at this address (DNS rebinding), and
 * requests from other origins.
 */
export class OriginGuard {
  readonly #known: ReadonlySet<string>;

  /** `hosts`: names and addresses it is reached by, besides localhost and the address a connection came in at. */
  constructor(hosts: readonly string[]) {
    this.#known = new Set(['localhost', ...hosts.map(canonical)]);
  }

  /** Throws a `Refusal`. */
  check(request: IncomingMessage): void {
    this.#checkHost(request);
    const { headers, method } = request;
    const site = headers['sec-fetch-site'];
    const isForeign = site === 'cross-site' || site === 'same-site';
    // A link may lead here from anywhere; pictures, scripts and streams are for pages of this server.
    const isVisit = method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
    if (isForeign && !isVisit) throw new Refusal(403, 'Other sites may not ask for this\n');
    if (method === 'POST') this.#checkPost(request);
  }

  #checkHost(request: IncomingMessage): void {
    const [host = '', ...others] = request.headersDistinct['host'] ?? [];
    if (others.length > 0) throw new Refusal(400, 'Expected one Host header\n');
    const name = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host)?.[1];
    const own = canonical(request.socket.localAddress ?? '');
    if (name !== undefined && (this.#known.has(canonical(name)) || canonical(name) === own)) return;
    throw new Refusal(
      421,
      'The Host header does not name this server. Ask for it by its address, or by localhost, or let whoever runs it allow the ' +
        'name: the option allowedHosts of serveHttp(), --allowed-host of kvs-frames monitor.\n',
    );
  }

  #checkPost({ headers }: IncomingMessage): void {
    const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/json') throw new Refusal(403, 'Expected Content-Type: application/json\n');
    const { origin, host = '' } = headers;
    if (origin === undefined) {
      // No form can set it, so no foreign page can send this without having asked.
      if (headers['x-requested-with'] !== undefined) return;
      throw new Refusal(403, 'Expected an Origin header of this server, or an X-Requested-With header\n');
    }
    // https: a proxy in front of this server may speak it.
    const own = [`http://${host}`, `https://${host}`].map((text) => text.toLowerCase());
    if (!own.includes(origin.toLowerCase())) throw new Refusal(403, 'Other origins may not post here\n');
  }
}
