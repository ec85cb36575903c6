import { existsSync } from 'node:fs';
import { types } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { systemClock, type Clock } from '../clock.js';
import { checkOptions, type Rules } from '../config.js';
import { ConfigError, FrameSourceError } from '../errors.js';
import { isIndex, isLeasePlace, Lease, newCells, type LeasePlace } from './lease.js';
import type { PictureFacts } from './picture.js';
import { SHARES_PER_FRAME, type Ring, type Slot } from './ring.js';

/** What `frame.share()` may be given. */
export interface ShareOptions {
  /** The worker that is to open it: the frame is taken back at once when the worker ends. Default: not known. */
  worker?: Worker;
  /** The frame is taken back if nobody opened the handle for so long, in ms, 1–3600000. Default 30000. */
  openWithinMs?: number;
}

/** A frame for another thread: plain data that `postMessage` can send, for `openFrame` of `kvs-frames/worker`. */
export interface FrameHandle {
  readonly kind: typeof HANDLE_KIND;
  /** @internal */
  readonly facts: PictureFacts;
  /** @internal */
  readonly memory: SharedArrayBuffer;
  /** @internal */
  readonly byteOffset: number;
  /** @internal */
  readonly lease: LeasePlace;
}

/** Tells handles from other messages. */
export const HANDLE_KIND = 'kvs-frames/frame';

/** Whether a message is a handle, whole and of memory that it fits to. */
export function isHandle(message: unknown): message is FrameHandle {
  const { kind, facts, memory, byteOffset, lease } = (message ?? {}) as Partial<FrameHandle>;
  return (
    kind === HANDLE_KIND &&
    areFacts(facts) &&
    types.isSharedArrayBuffer(memory) &&
    isIndex(byteOffset) &&
    byteOffset + facts.bytes <= memory.byteLength &&
    isLeasePlace(lease)
  );
}

function areFacts(value: Partial<PictureFacts> | undefined): value is PictureFacts {
  return (
    typeof value?.layout === 'object' &&
    value.layout !== null &&
    isIndex(value.bytes) &&
    (value.parameterSets === null || types.isUint8Array(value.parameterSets))
  );
}

const OPEN_WITHIN_MS = 30_000;
const RULES: Rules = {
  worker: { kind: 'object', methods: ['postMessage', 'once'], what: 'a Worker', optional: true },
  openWithinMs: { kind: 'number', min: 1, max: 3_600_000, default: OPEN_WITHIN_MS },
};

/** How often the openers of shared frames are looked after, ms: long beside the cost of it, short beside a worker's restart. */
const SWEEP_MS = 1000;

interface Given {
  readonly lease: Lease;
  readonly worker: Worker | undefined;
  /** By the sweeper's clock. */
  readonly openUntilMs: number;
}

/** The shares of one ring's frames. */
class Shares {
  readonly #states: SharedArrayBuffer;
  readonly #cells: SharedArrayBuffer;
  /** Those that are not known to be over, by their place. */
  readonly #given = new Map<number, Given>();
  #tickets = 0;

  constructor({ states }: Ring) {
    this.#states = states.buffer as SharedArrayBuffer;
    this.#cells = newCells(states.length);
  }

  /** A share of the frame in that slot, or `null` if it has as many as it can have. */
  give(slot: number, worker: Worker | undefined, openUntilMs: number): LeasePlace | null {
    for (let share = 0; share < SHARES_PER_FRAME; share++) {
      const key = slot * SHARES_PER_FRAME + share;
      if (this.#given.get(key)?.lease.isOver === false) continue;
      this.#tickets += 1;
      const place = { states: this.#states, cells: this.#cells, slot, share, ticket: this.#tickets };
      const lease = new Lease(place);
      lease.offer();
      this.#given.set(key, { lease, worker, openUntilMs });
      return place;
    }
    return null;
  }

  /** Takes back what can't be opened, or given back, any more. Answers whether any is left. */
  sweep(nowMs: number, isAlive: (thread: number) => boolean): boolean {
    for (const [key, { lease, worker, openUntilMs }] of this.#given) {
      if (!lease.isOver) {
        const { opener } = lease;
        // A worker that has ended has no number.
        if (opener === 0 && (nowMs >= openUntilMs || worker?.threadId === -1)) lease.withdraw();
        else if (opener !== 0 && !isAlive(opener)) lease.endFor(opener);
      }
      if (lease.isOver) this.#given.delete(key);
    }
    return this.#given.size > 0;
  }
}

/** Whether a thread of this process still runs; the kernel's number for it. */
function isAlive(thread: number): boolean {
  return existsSync(`/proc/self/task/${thread}`);
}

/** Gives shares of frames, and takes them back from threads that are no more, and where nobody came for them. */
export class Sharing {
  readonly #clock: Clock;
  readonly #isAlive: (thread: number) => boolean;
  readonly #rings = new WeakMap<Ring, Shares>();
  /** Those that have shares outside. */
  readonly #active = new Set<Shares>();
  readonly #watched = new WeakSet<Worker>();
  #cancelSweep: (() => void) | undefined;

  constructor(clock: Clock = systemClock, alive = isAlive) {
    this.#clock = clock;
    this.#isAlive = alive;
  }

  /** Throws `CONFIG_INVALID` for private memory and wrong options, `FRAME_SHARED_OUT` if it has all shares it can have. */
  share({ ring, index, data }: Slot, facts: PictureFacts, options?: ShareOptions): FrameHandle {
    if (!types.isSharedArrayBuffer(data.buffer)) {
      throw new ConfigError(
        "Expected a source with memory 'shared' for frame.share() but its memory is 'private', which no other thread can read",
      );
    }
    const { worker, openWithinMs = OPEN_WITHIN_MS } =
      options === undefined ? {} : checkOptions<ShareOptions>(options, RULES, 'share()');
    let shares = this.#rings.get(ring);
    if (shares === undefined) this.#rings.set(ring, (shares = new Shares(ring)));
    const lease = shares.give(index, worker, this.#clock.monotonic() + openWithinMs);
    if (lease === null) {
      throw new FrameSourceError(
        'FRAME_SHARED_OUT',
        `Frame ${facts.index} is shared ${SHARES_PER_FRAME} times already, as often as it can be; release one of them first`,
      );
    }
    this.#active.add(shares);
    this.#watch(worker);
    this.#cancelSweep ??= this.#clock.afterIfAlive(SWEEP_MS, () => this.#sweep());
    return { kind: HANDLE_KIND, facts, memory: data.buffer, byteOffset: data.byteOffset, lease };
  }

  #watch(worker: Worker | undefined): void {
    if (worker === undefined || this.#watched.has(worker)) return;
    this.#watched.add(worker);
    worker.once('exit', () => this.#sweep());
  }

  #sweep(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    // One look per thread, however many frames it has.
    const known = new Map<number, boolean>();
    const alive = (thread: number): boolean => {
      const answer = known.get(thread) ?? this.#isAlive(thread);
      known.set(thread, answer);
      return answer;
    };
    const nowMs = this.#clock.monotonic();
    for (const shares of this.#active) if (!shares.sweep(nowMs, alive)) this.#active.delete(shares);
    if (this.#active.size > 0) this.#cancelSweep = this.#clock.afterIfAlive(SWEEP_MS, () => this.#sweep());
  }
}

/** For all sources of this environment. */
export const sharing = new Sharing();
