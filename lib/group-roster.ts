import { sleep, type Clock } from './clock.js';
import { ConfigError } from './errors.js';
import type { FrameSource } from './frame-source.js';
import type { Frame } from './frames/frame.js';
import type { RingSupply } from './frames/ring.js';
import type { Outlet } from './outlet.js';
import { Wakeup } from './wakeup.js';

/** A source is not in the group any more. */
export interface GroupLeave {
  source: FrameSource;
  cameraId: string;
  /** `ended`: its stream ended, or it was stopped; `failed`: it gave up; `removed`: by `group.remove()`. */
  reason: 'ended' | 'failed' | 'removed';
  /** What made it give up, else `null`. */
  error: Error | null;
}

export interface Member {
  readonly source: FrameSource;
  readonly outlet: Outlet;
  /** Where it writes its frames, if that is the group's memory. */
  supply: RingSupply | undefined;
  /** It may have frames to take. */
  isQueued: boolean;
  /** Ends the wait for a frame that is not due yet. */
  cancelDue: (() => void) | undefined;
}

export interface RosterHooks {
  onLeave(leave: GroupLeave): void;
  /** The engine of a source that left has ended. */
  onStopped(member: Member): void;
}

/** The sources of a group: who is in it, whose turn it is, and who was begun. */
export class Roster {
  /** Wakes the consumer: a frame, or a source that left. */
  readonly news = new Wakeup();
  readonly #clock: Clock;
  readonly #startSpacingMs: number;
  readonly #hooks: RosterHooks;
  readonly #members = new Map<string, Member>();
  /** Those that may have frames to take, in the order of their turns. */
  readonly #queue: Member[] = [];
  /** Of those that left, what is still being stopped. */
  readonly #leaving = new Set<Promise<void>>();
  /** Those that gave up: until the group is stopped, or reads the camera anew, their metrics say so. */
  readonly #failed = new Map<string, FrameSource>();
  readonly #stopping = new AbortController();
  #unbegun: Member[] = [];
  #beginning = Promise.resolve();
  #isBeginning = false;
  #lastBeginAtMs = -Infinity;
  #isBegun = false;
  #lastFailure: Error | null = null;
  #endedWell = false;

  constructor(clock: Clock, startSpacingMs: number, hooks: RosterHooks) {
    this.#clock = clock;
    this.#startSpacingMs = startSpacingMs;
    this.#hooks = hooks;
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** No source is left, nor being stopped. */
  get isEmpty(): boolean {
    return this.#members.size === 0 && this.#leaving.size === 0;
  }

  /** What the last source gave up with, if all that left did so. */
  get failure(): Error | null {
    return this.#endedWell ? null : this.#lastFailure;
  }

  find(cameraId: string): Member | undefined {
    return this.#members.get(cameraId);
  }

  /** Makes the group the source's one consumer. `join` answers where its frames are to lie. */
  add(source: FrameSource, join: (outlet: Outlet) => RingSupply | undefined): void {
    const { cameraId, outlet } = source;
    if (this.#members.has(cameraId)) {
      throw new ConfigError(`The group has a source with cameraId ${cameraId} already: give each its own`);
    }
    outlet.claim();
    try {
      this.#enter({ source, outlet, supply: join(outlet), isQueued: false, cancelDue: undefined });
    } catch (error) {
      outlet.unclaim();
      throw error;
    }
  }

  /** Begins all sources, so far apart in time, and those that are added later. Resolves when all there are were begun. */
  async begin(): Promise<void> {
    this.#isBegun = true;
    if (!this.#isBeginning) this.#beginning = this.#beginAll();
    await this.#beginning;
  }

  /** The next frame of the source whose turn it is; its lease is the caller's. */
  take(): Frame | undefined {
    for (let member = this.#queue.shift(); member !== undefined; member = this.#queue.shift()) {
      member.isQueued = false;
      if (this.#members.get(member.source.cameraId) !== member) continue;
      // Looked at before the frames, as those that came before the end are taken first.
      const { outcome } = member.outlet;
      const frame = member.outlet.take();
      if (frame !== undefined) {
        // It may have more, and then its turn comes again after the others'.
        this.#enqueue(member);
        return frame;
      }
      if (outcome === undefined) this.#awaitDue(member);
      else void this.leave(member, outcome.error === null ? 'ended' : 'failed', outcome.error);
    }
    return undefined;
  }

  /** Takes a member out. Resolves when it has stopped, if it is to be. */
  async leave(
    member: Member,
    reason: GroupLeave['reason'],
    error: Error | null,
    isStopped = true,
  ): Promise<void> {
    const { source, outlet } = member;
    this.#members.delete(source.cameraId);
    this.#detach(member);
    if (error === null) this.#endedWell = true;
    else this.#lastFailure = error;
    if (reason === 'failed') this.#failed.set(source.cameraId, source);
    const stopped = isStopped ? this.#stopMember(member, reason) : undefined;
    if (!isStopped) outlet.unclaim();
    this.news.wake();
    this.#hooks.onLeave({ source, cameraId: source.cameraId, reason, error });
    await stopped;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The group was stopped'));
    for (const member of this.#members.values()) this.#detach(member);
    const sources = [...this.members.map(({ source }) => source), ...this.#failed.values()];
    await Promise.all([...this.#leaving, ...sources.map((source) => source.stop())]);
    await this.#beginning;
    this.news.wake();
  }

  #enter(member: Member): void {
    this.#members.set(member.source.cameraId, member);
    this.#failed.delete(member.source.cameraId);
    member.outlet.onNews = () => this.#onNews(member);
    this.#onNews(member);
    this.#unbegun.push(member);
    if (this.#isBegun) void this.begin();
  }

  #onNews(member: Member): void {
    this.#enqueue(member);
    this.news.wake();
  }

  #enqueue(member: Member): void {
    if (member.isQueued) return;
    member.isQueued = true;
    this.#queue.push(member);
  }

  #awaitDue(member: Member): void {
    const { dueInMs } = member.outlet;
    member.cancelDue?.();
    member.cancelDue =
      dueInMs === undefined ? undefined : this.#clock.after(dueInMs, () => this.#onNews(member));
  }

  #detach(member: Member): void {
    member.outlet.onNews = undefined;
    member.cancelDue?.();
    this.#unbegun = this.#unbegun.filter((other) => other !== member);
  }

  async #stopMember(member: Member, reason: GroupLeave['reason']): Promise<void> {
    const end = reason === 'failed' ? member.outlet.close() : member.source.stop();
    const stopped = end.finally(() => {
      this.#leaving.delete(stopped);
      this.#hooks.onStopped(member);
      this.news.wake();
    });
    this.#leaving.add(stopped);
    await stopped;
  }

  async #beginAll(): Promise<void> {
    this.#isBeginning = true;
    try {
      for (;;) {
        const waitMs = this.#lastBeginAtMs + this.#startSpacingMs - this.#clock.monotonic();
        if (this.#unbegun.length > 0 && waitMs > 0) await sleep(this.#clock, waitMs, this.#stopping.signal);
        const member = this.#unbegun.shift();
        if (member === undefined) return;
        this.#lastBeginAtMs = this.#clock.monotonic();
        this.#beginOne(member);
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    } finally {
      this.#isBeginning = false;
    }
  }

  #beginOne(member: Member): void {
    try {
      member.outlet.begin();
    } catch (error) {
      void this.leave(member, 'failed', error as Error);
    }
  }
}
