import { cameraExpectations } from './cameras';
import { connectionExpectations } from './connections';
import type { Expectation, Expectations } from './expectation';
import { familyExpectation, familyMember } from './family';
import { fragmentExpectations } from './fragments';
import { initExpectations } from './inits';
import { playlistExpectations } from './playlists';
import { refusalExpectations } from './refusals';
import { sessionExpectations } from './sessions';

const named: Expectations = {
  ...sessionExpectations,
  ...connectionExpectations,
  ...playlistExpectations,
  ...fragmentExpectations,
  ...initExpectations,
  ...cameraExpectations,
  ...refusalExpectations,
};

/** Names with an expectation of their own. */
export const namedExpectations: readonly string[] = Object.keys(named);

/** What a fault of the catalogue must lead to. */
export function expectationOf(name: string): Expectation {
  const own = named[name];
  if (own !== undefined) return own;
  const member = familyMember(name);
  if (member === null) throw new Error(`Nobody has said what ${name} must lead to`);
  return familyExpectation(member);
}
