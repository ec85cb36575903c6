import * as fc from 'fast-check';
import { createContext, Script } from 'node:vm';

/** Runs of one property: as given, or as many as `KVS_FRAMES_PROPERTY_RUNS` says if that is more. */
export function runs(usual: number): number {
  return Math.max(usual, Number(process.env['KVS_FRAMES_PROPERTY_RUNS'] ?? 0));
}

/** Parameters of one property. A failure prints its seed and path, which go here to see it again. */
export function settings(usual: number): fc.Parameters<unknown> {
  return { numRuns: runs(usual), verbose: fc.VerbosityLevel.None };
}

const place: { work: () => unknown } = createContext({ work: () => {} }) as never;
const call = new Script('work()');

/** Calls a function that does not wait, and breaks it off where it does not come to an end: it throws then. */
export function bounded<T>(work: () => T, ms = 10_000): T {
  place.work = work;
  return call.runInContext(place, { timeout: ms }) as T;
}
