import type { ResourceKind } from '../../../lib/hls/loader.js';
import type { Session } from '../../../lib/session/provider.js';
import { failure, ORIGIN, type World } from './world.js';

/** Each session has a master of its own, whose variants have names that nobody has seen, and can't be had. */
export class EndlessVariants implements World {
  readonly #most: number;
  #sessions = 0;

  constructor(sessions: number) {
    this.#most = sessions;
  }

  session(): Session | null {
    if (this.isOver()) return null;
    const url = `${ORIGIN}/s${++this.#sessions}/master.m3u8`;
    return { id: this.#sessions, url, expiresAtMs: Infinity, endsAtMs: Infinity };
  }

  offered(): null {
    return null;
  }

  isOver(): boolean {
    return this.#sessions >= this.#most;
  }

  answer(_url: URL, kind: ResourceKind): string {
    if (kind !== 'master') throw failure(1);
    const variants = Array.from({ length: 12 }, (_, i) => [
      `#EXT-X-STREAM-INF:BANDWIDTH=${i + 1}000,RESOLUTION=64x64,CODECS="avc1.4d4029"`,
      `v${this.#sessions}-${i}.m3u8`,
    ]);
    return ['#EXTM3U', ...variants.flat()].join('\n');
  }
}
