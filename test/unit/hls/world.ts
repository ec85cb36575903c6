import { expect } from '@jest/globals';
import { FrameSourceError, HlsStreamError } from '../../../lib/errors.js';
import { Follower } from '../../../lib/hls/follower.js';
import type { Fragment } from '../../../lib/hls/fragment.js';
import type { ResourceKind } from '../../../lib/hls/loader.js';
import { silentLogger } from '../../../lib/logger.js';
import type { Session } from '../../../lib/session/provider.js';
import { FakeClock } from '../../support/fake-clock.js';
import { PlannedLoader } from './planned-loader.js';

export const ORIGIN = 'https://camera.example';
export const T0 = Date.parse('2026-11-22T10:00:00.000Z');
export const LENGTH_MS = 2000;
export const FRAGMENTS_PER_SECOND = 20;
/** By the follower's clock, until a plan must have come to its end. */
const PATIENCE_MS = 3 * 3600 * 1000;

export interface World {
  /** What a URL answers; throws for a failure. */
  answer: (url: URL, kind: ResourceKind) => Uint8Array | string;
  /** The session to follow next; `null`: no more. */
  session: () => Session | null;
  /** Another session is to be offered to the running follower. */
  offered: () => Session | null;
  /** Nothing more will happen. */
  isOver: () => boolean;
}

export interface Outcome {
  fragments: Fragment[];
  loader: PlannedLoader;
  /** What ended the runs that were not ended by ENDLIST. */
  errors: unknown[];
  /** Timers left behind. */
  pending: number;
}

/** Follows all sessions of a world, one after another, until it is over. */
export async function follow(world: World, look: (follower: Follower) => void = () => {}): Promise<Outcome> {
  const clock = new FakeClock();
  const loader = new PlannedLoader(clock, (url, kind) => world.answer(url, kind));
  const follower = new Follower({
    loader,
    clock,
    logger: silentLogger,
    random: () => 0.5,
    fragmentsPerSecond: FRAGMENTS_PER_SECOND,
  });
  const stop = new AbortController();
  const outcome: Outcome = { fragments: [], loader, errors: [], pending: 0 };
  const offers: Promise<void>[] = [];
  const read = async (): Promise<void> => {
    for (let session = world.session(); session !== null; session = world.session()) {
      try {
        for await (const fragment of follower.run(session, stop.signal)) {
          outcome.fragments.push(fragment);
          const other = world.offered();
          if (other !== null)
            offers.push(follower.offer(other, stop.signal).catch((e) => void outcome.errors.push(e)));
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        outcome.errors.push(error);
      }
    }
  };
  let isDone = false;
  const reading = read().finally(() => (isDone = true));
  const endMs = clock.monotonic() + PATIENCE_MS;
  while (!isDone && clock.monotonic() < endMs && !world.isOver()) await clock.advance(500);
  look(follower);
  stop.abort(new Error('The test is over'));
  await Promise.all([reading, ...offers]);
  outcome.pending = clock.pending;
  loader.close();
  return outcome;
}

/** What holds whatever the server does. */
export function expectOrder({ loader, errors, pending, fragments }: Outcome): void {
  for (const error of errors) {
    if (error instanceof FrameSourceError || (error as Error).message === 'The test is over') continue;
    // A run that ends takes the offer with it.
    if (/^(The follower has ended|Another session waits|Nothing is running)/.test((error as Error).message))
      continue;
    throw error;
  }
  for (const { url } of loader.asked) expect(url.origin).toBe(ORIGIN);
  expect(loader.rate('master', 'playlist')).toBeLessThanOrEqual(5);
  expect(loader.rate('fragment')).toBeLessThanOrEqual(FRAGMENTS_PER_SECOND);
  expect(pending).toBe(0);
  for (const { lost, dateMs, durationMs } of fragments) {
    expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(dateMs === null || Number.isFinite(dateMs)).toBe(true);
    if (lost === null) continue;
    expect(lost.count).toBeGreaterThanOrEqual(0);
    expect(Number.isFinite(lost.ms) && lost.ms >= 0).toBe(true);
  }
}

const FAILURES = [
  ['HLS_SESSION_EXPIRED', 403],
  ['HLS_STATUS', 404],
  ['HLS_STATUS', 500],
  ['HLS_NETWORK', undefined],
  ['HLS_TIMEOUT', undefined],
  ['HLS_TRUNCATED', undefined],
] as const;

export function failure(how: number): HlsStreamError {
  const [code, status] = FAILURES[how % FAILURES.length]!;
  return new HlsStreamError(code, 'planned', status === undefined ? {} : { status });
}
