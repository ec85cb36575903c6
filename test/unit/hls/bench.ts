import { systemClock } from '../../../lib/clock.js';
import type { FollowerOptions, SkippedFragment } from '../../../lib/hls/follower-options.js';
import { Follower } from '../../../lib/hls/follower.js';
import type { Fragment, LostFragments } from '../../../lib/hls/fragment.js';
import { Loader, type LoaderOptions } from '../../../lib/hls/loader.js';
import { silentLogger } from '../../../lib/logger.js';
import type { Session } from '../../../lib/session/provider.js';
import { numberIn } from './media.js';
import { fastClock, ScriptedServer } from './server.js';

/** A scripted server, a loader on it, and what followers told. */
export class Bench {
  readonly server = new ScriptedServer();
  readonly loader: Loader;
  readonly skipped: SkippedFragment[] = [];
  readonly warnings: string[] = [];
  #sessions = 0;

  constructor(options: LoaderOptions = { clock: systemClock }) {
    this.loader = new Loader(options);
  }

  async stop(): Promise<void> {
    this.loader.close();
    await this.server.stop();
  }

  follower(options: Partial<FollowerOptions> = {}): Follower {
    const logger = { ...silentLogger, warn: (message: string) => void this.warnings.push(message) };
    const hooks = { onSkip: (lost: SkippedFragment) => void this.skipped.push(lost) };
    const { loader } = this;
    return new Follower({ loader, clock: fastClock(40), logger, random: () => 0, hooks, ...options });
  }

  session({ url }: { url: string }): Session {
    return { id: ++this.#sessions, url, expiresAtMs: Infinity, endsAtMs: Infinity };
  }

  /** Id of the last session. */
  get sessions(): number {
    return this.#sessions;
  }

  /** Reads to the end or a throw; `each` is awaited after each fragment. */
  async read(
    from: Follower,
    source: { url: string },
    each: (fragment: Fragment, count: number) => unknown = () => {},
  ): Promise<{ fragments: Fragment[]; lost?: LostFragments | null; error: unknown }> {
    const fragments: Fragment[] = [];
    const run = from.run(this.session(source), new AbortController().signal);
    try {
      for (;;) {
        const { done, value } = await run.next();
        if (done) return { fragments, lost: value, error: undefined };
        fragments.push(value);
        await each(value, fragments.length);
      }
    } catch (error) {
      return { fragments, error };
    }
  }
}

/** The camera's numbers of the fragments, read from their bytes. */
export const numbers = (fragments: readonly Fragment[]): number[] =>
  fragments.map(({ media }) => numberIn(media));
