import { hostname, networkInterfaces } from 'node:os';
import { isLoopback } from '../http/options.js';

/** Where a page is served, as it was asked for. */
export interface PagePlace {
  /** As a program on this machine asks for it, without a slash at the end. */
  url: string;
  /** What it listens on. */
  host: string;
  /** Further names that were allowed. */
  names: readonly string[];
  isGuarded: boolean;
}

/** Addresses that mean all of this machine's. */
const ALL_ADDRESSES = ['0.0.0.0', '::'];

/** The addresses that other machines may know this one by: `host` says of which kind. */
function ownAddresses(host: string): string[] {
  const all = Object.values(networkInterfaces()).flatMap((ones) => ones ?? []);
  return all
    .filter(({ internal, family, address }) => {
      // Link-local ones lead nowhere without the name of the asker's own interface.
      return !internal && !address.startsWith('fe80:') && (family === 'IPv4' || host === '::');
    })
    .map(({ address }) => address);
}

/** Under which URLs other machines find the page, the likeliest first; none where only this machine reaches it. */
export function outsideUrls({ url, host, names }: PagePlace): string[] {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isLoopback(bare)) return [];
  const written = (name: string): string => (name.includes(':') ? `[${name}]` : name);
  const known = ALL_ADDRESSES.includes(bare) ? [hostname(), ...ownAddresses(bare)] : [bare];
  const { port } = new URL(url);
  return [...new Set([...names, ...known].map((name) => `http://${written(name)}:${port}/`))];
}

/** Tells people where the page is and how to get in; not the token, which whoever may look has. */
export function pageWords(place: PagePlace): string {
  const outside = outsideUrls(place);
  const first = outside[0] ?? `${place.url}/`;
  return [
    `The live page: ${place.url}/`,
    ...(outside.length === 0 ? [] : [`From other machines: ${outside.join(' ')}`]),
    ...(place.isGuarded ? [`It asks for the token: open it once as ${first}?token=YOUR_TOKEN`] : []),
    'Ctrl-C ends it.',
  ].join('\n');
}
