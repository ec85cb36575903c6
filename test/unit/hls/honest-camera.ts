import * as fc from 'fast-check';
import type { ResourceKind } from '../../../lib/hls/loader.js';
import type { Session } from '../../../lib/session/provider.js';
import { fragmentBytes, initBytes } from './media.js';
import { failure, LENGTH_MS, ORIGIN, T0, type World } from './world.js';

/** What happens to an honest camera's list before a poll. */
export type Step =
  | { kind: 'grow'; by: number }
  | { kind: 'window'; size: number }
  | { kind: 'lag'; by: number }
  | { kind: 'rebase' }
  | { kind: 'break' }
  | { kind: 'init' }
  | { kind: 'end' }
  | { kind: 'expire' }
  | { kind: 'offer' }
  | { kind: 'playlist-fails'; how: number }
  | { kind: 'fragment-fails'; how: number; times: number };

/** Fragments. A list of another session whose dates are 10 s behind is that of a clock that was set back. */
const MAX_LAG = 4;

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('grow' as const), by: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const), by: fc.nat({ max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('window' as const), size: fc.nat({ max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lag' as const), by: fc.nat({ max: MAX_LAG }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'rebase' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'break' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'init' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'end' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'expire' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'offer' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('playlist-fails' as const), how: fc.nat({ max: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fragment-fails' as const),
      how: fc.nat({ max: 5 }),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

/** A camera that takes one fragment after another, and sessions that list them: each calls its first one 0. */
export class HonestCamera implements World {
  readonly #steps: Step[];
  readonly #bases = new Map<string, number>();
  #newest = 20;
  #size = 6;
  #lag = 0;
  #breaks = new Set<number>();
  #init = 1;
  #inits = new Map<number, number>();
  #hasEnded = false;
  #expired = new Set<string>();
  #playlistFails: number | null = null;
  #fragmentFails = { how: 0, times: 0 };
  #wantsOffer = false;
  #sessions = 0;

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
  }

  get newest(): number {
    return this.#newest;
  }

  session(): Session | null {
    if (this.#sessions >= 30 || (this.#sessions > 0 && this.#steps.length === 0)) return null;
    return this.#open();
  }

  offered(): Session | null {
    if (!this.#wantsOffer || this.#sessions >= 30) return null;
    this.#wantsOffer = false;
    return this.#open();
  }

  isOver(): boolean {
    return false;
  }

  answer(url: URL, kind: ResourceKind): Uint8Array | string {
    const [, name = '', file = ''] = url.pathname.split('/');
    if (kind === 'master' || kind === 'playlist') return this.#list(name);
    if (this.#expired.has(name)) throw failure(0);
    if (kind === 'init') return initBytes(Number(/\d+/.exec(file)![0]));
    if (this.#fragmentFails.times > 0) {
      this.#fragmentFails.times -= 1;
      throw failure(this.#fragmentFails.how);
    }
    return fragmentBytes(Number(/\d+/.exec(file)![0]));
  }

  #open(): Session {
    const name = `s${++this.#sessions}`;
    this.#bases.set(name, Math.max(0, this.#newest - this.#size));
    const url = `${ORIGIN}/${name}/list.m3u8`;
    return { id: this.#sessions, url, expiresAtMs: Infinity, endsAtMs: Infinity };
  }

  #list(name: string): string {
    const next = this.#steps.shift();
    if (next === undefined) {
      this.#newest += 1;
      this.#lag = 0;
      this.#hasEnded = true;
    } else this.#apply(next, name);
    if (this.#expired.has(name)) throw failure(0);
    if (this.#playlistFails !== null) {
      const how = this.#playlistFails;
      this.#playlistFails = null;
      throw failure(how);
    }
    const base = this.#bases.get(name)!;
    const last = Math.max(base - 1, this.#newest - this.#lag);
    const first = Math.max(base, last - this.#size + 1);
    const lines = ['#EXTM3U', '#EXT-X-TARGETDURATION:2', `#EXT-X-MEDIA-SEQUENCE:${first - base}`];
    for (let number = first; number <= last; number++) {
      if (this.#breaks.has(number)) lines.push('#EXT-X-DISCONTINUITY');
      lines.push(
        `#EXT-X-MAP:URI="init${this.#inits.get(number) ?? 1}.mp4"`,
        `#EXT-X-PROGRAM-DATE-TIME:${new Date(T0 + number * LENGTH_MS).toISOString()}`,
        `#EXTINF:${LENGTH_MS / 1000},`,
        `f${number}.mp4?FragmentNumber=${number - base}`,
      );
    }
    if (this.#hasEnded) lines.push('#EXT-X-ENDLIST');
    return lines.join('\n');
  }

  #apply(next: Step, name: string): void {
    switch (next.kind) {
      case 'grow':
        for (let i = 0; i < next.by; i++) this.#inits.set(++this.#newest, this.#init);
        this.#hasEnded = false;
        break;
      case 'window':
        this.#size = next.size;
        break;
      case 'lag':
        this.#lag = next.by;
        break;
      case 'rebase':
        this.#bases.set(name, Math.max(0, this.#newest - this.#size + 1));
        break;
      case 'break':
        this.#breaks.add(this.#newest + 1);
        break;
      case 'init':
        this.#init += 1;
        break;
      case 'end':
        this.#hasEnded = true;
        break;
      case 'expire':
        this.#expired.add(name);
        break;
      case 'offer':
        this.#wantsOffer = true;
        break;
      case 'playlist-fails':
        this.#playlistFails = next.how;
        break;
      case 'fragment-fails':
        this.#fragmentFails = { how: next.how, times: next.times };
        break;
    }
  }
}
