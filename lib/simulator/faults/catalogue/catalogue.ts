import { nearest } from '../../../config.js';
import { ConfigError } from '../../../errors.js';
import { cameraFaults } from './cameras.js';
import { connectionFaults } from './connections.js';
import type { CatalogueFault } from './entry.js';
import { fragmentFaults } from './fragments.js';
import { initFaults } from './inits.js';
import { playlistFaults } from './playlists.js';
import { refusalFaults } from './refusals.js';
import { sessionFaults } from './sessions.js';

/** Every named fault, by group. */
export const faultCatalogue: readonly CatalogueFault[] = [
  ...sessionFaults,
  ...connectionFaults,
  ...playlistFaults,
  ...fragmentFaults,
  ...initFaults,
  ...cameraFaults,
  ...refusalFaults,
];

const byName = new Map(faultCatalogue.map((fault) => [fault.name, fault]));

/** A fault of the catalogue. Throws `ConfigError` with the nearest name where there is none. */
export function faultByName(name: string): CatalogueFault {
  const found = byName.get(name);
  if (found !== undefined) return found;
  const near = nearest(name, [...byName.keys()]);
  const hint =
    near === undefined ? '`kvs-frames simulate --list-faults` lists them.' : `Did you mean ${near}?`;
  throw new ConfigError(`There is no fault named ${name}. ${hint}`);
}
