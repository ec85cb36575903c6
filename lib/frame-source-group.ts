import { EventEmitter } from 'node:events';
import { checkBatchLength, waitForNews } from './batches.js';
import { systemClock, type Clock } from './clock.js';
import { ConfigError, FrameSourceError } from './errors.js';
import type { FrameSource } from './frame-source.js';
import type { FrameBatch } from './frames/batch.js';
import type { Frame } from './frames/frame.js';
import { GroupBatches } from './group-batches.js';
import {
  checkGroupBatchesOptions,
  checkGroupOptions,
  checkGroupRemoveOptions,
  checkSource,
  checkSources,
  type FrameSourceGroupOptions,
  type GroupBatchesOptions,
  type GroupRemoveOptions,
} from './group-options.js';
import { Roster, type GroupLeave } from './group-roster.js';
import type { SourceHealth } from './health.js';
import type { SourceMetrics } from './source-metrics.js';
import { checkFramesOptions, type FramesOptions } from './read-options.js';

/** Events of a group and what their listeners are given. */
export interface GroupEvents {
  leave: [GroupLeave];
}

/** What is handed over and given back: a frame, or a batch. */
interface Lease {
  release(): void;
}

/** Where a loop gets them from. */
interface GroupOutlet<T> {
  readonly take: () => T | undefined;
  /** When `take` may answer though there is no news. */
  readonly dueInMs?: () => number | undefined;
  /** Whether it counts towards the loop's end. Default: always. */
  readonly isCounted?: (taken: T) => boolean;
}

/**
 * Many cameras as one: their frames, in turn, for one consumer at a time. `frame.cameraId` says whose a frame is.
 *
 * ```ts
 * await using group = new FrameSourceGroup(streams.map((streamName) => new KvsHlsFrameSource({ streamName })));
 * group.on('leave', ({ cameraId, reason, error }) => console.log(cameraId, reason, error));
 * for await (const frame of group) await infer(frame.cameraId, frame.data);
 * ```
 *
 * Cameras that have frames take turns, one frame each; those that have none are passed over, whatever keeps them. A source that
 * ends or fails leaves the group, which says so (`leave`). Asking for the first frame starts the sources, one after the other.
 * Leaving a loop early stops them all, and so does the end of an `await using` block.
 */
export class FrameSourceGroup extends EventEmitter<GroupEvents> implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #endWhenEmpty: boolean;
  readonly #roster: Roster;
  #batches: GroupBatches | undefined;
  #isReading = false;
  /** What was handed over last; asking for the next one releases it. */
  #current: Lease | undefined;
  #stopped: Promise<void> | undefined;

  /** Takes the sources over: they are read and stopped by the group. Throws as {@link FrameSourceGroup.add}, and takes none then. */
  constructor(
    sources: Iterable<FrameSource> = [],
    options: FrameSourceGroupOptions = {},
    /** @internal */ clock: Clock = systemClock,
  ) {
    super();
    const { startsPerSecond, endWhenEmpty = true } = checkGroupOptions(options);
    this.#clock = clock;
    this.#endWhenEmpty = endWhenEmpty;
    this.#roster = new Roster(clock, 1000 / startsPerSecond, {
      onLeave: (leave) => this.#tellLeave(leave),
      onStopped: ({ supply }) => {
        if (supply !== undefined) this.#batches?.leave(supply);
      },
    });
    this.#addAll(checkSources(sources));
  }

  /** The sources in the group. */
  get sources(): readonly FrameSource[] {
    return this.#roster.members.map(({ source }) => source);
  }

  /**
   * Adds a source, which is started if the group was. Throws `ConfigError` for anything else, for a second one of the same
   * `cameraId`, and with batches for frames of another form; `ALREADY_READING` if somebody reads it; `SOURCE_STOPPED` once the group is stopped.
   */
  add(source: FrameSource): this {
    this.#refuseIfStopped();
    this.#roster.add(checkSource(source), (outlet) => this.#batches?.join(outlet));
    return this;
  }

  /**
   * Takes a source out, and stops it unless `stop` is false; then it can be read on by itself. Resolves when it has stopped,
   * within 250 ms. Frames on loan stay valid. Throws `ConfigError` for a source that is not in the group, and with batches
   * for `stop: false`, as its frames lie in the group's memory.
   */
  async remove(which: FrameSource | string, options: GroupRemoveOptions = {}): Promise<void> {
    const { stop = true } = checkGroupRemoveOptions(options);
    const cameraId = typeof which === 'string' ? which : checkSource(which).cameraId;
    const member = this.#roster.find(cameraId);
    if (member === undefined || (typeof which !== 'string' && member.source !== which)) {
      throw new ConfigError(`Expected a source of the group to remove but received ${cameraId}`);
    }
    if (!stop && member.supply !== undefined) {
      throw new ConfigError(
        `${cameraId} can't be removed without being stopped: its frames lie in the memory of the group's batches`,
      );
    }
    await this.#roster.leave(member, 'removed', null, stop);
  }

  /**
   * Begins to read all sources, `startsPerSecond` of them; asking for a frame does so too. Resolves when all were begun, or the
   * group was stopped; what becomes of each its events and {@link FrameSourceGroup.health} tell. Throws `SOURCE_STOPPED`
   * after `stop()`.
   */
  async start(): Promise<void> {
    this.#refuseIfStopped();
    await this.#roster.begin();
  }

  /**
   * Stops all sources. Legal in every state, resolves within 250 ms, may be called more than once. A loop ends. Frames on loan
   * stay valid.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#roster.stop().then(() => this.#batches?.release());
    this.#roster.news.wake();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  [Symbol.asyncIterator](): AsyncGenerator<Frame, void, undefined> {
    return this.frames();
  }

  /**
   * The cameras' frames, one of each in turn. Each is released when the next is asked for, unless `frame.retain()` was called.
   *
   * Ends after `maxFrames`, when the group is stopped, and when no source is left (see `endWhenEmpty`): then it throws what the
   * last one gave up with, if none of them ended by itself or was removed. Throws `ALREADY_READING` while somebody else reads;
   * `ConfigError` for a wrong option, or after {@link FrameSourceGroup.batches} was called.
   */
  async *frames(options: FramesOptions = {}): AsyncGenerator<Frame, void, undefined> {
    const { signal, maxFrames } = checkFramesOptions(options);
    if (this.#batches !== undefined) {
      throw new ConfigError("The group gives batches: it can't be asked for single frames any more");
    }
    yield* this.#read(
      {
        take: () => this.#roster.take(),
        // Repetitions are no frames that were read.
        isCounted: ({ synthetic }) => !synthetic,
      },
      maxFrames,
      signal,
    );
  }

  /**
   * The cameras' frames in batches of `length`, 1–1024, each in one piece of memory without a copy: all cameras write to the
   * same memory. Each batch is released when the next is asked for, unless `batch.retain()` was called; what is retained, a single
   * frame too, takes one of `bufferedBatches` from the others, and all cameras wait while none is left.
   *
   * All sources need the same `output.format`, `width` and `height`, and `memory`. While several cameras have media to decode,
   * each takes its share of a batch first, `length` divided by their number, rounded up. A batch is shorter after `maxWaitMs`,
   * where a camera left in the middle of it, and when no source is left. That it is to be batches is settled before the start:
   * call this before `start()`; the group then gives batches of this length only.
   *
   * Ends, and throws, as {@link FrameSourceGroup.frames}; `ConfigError` also where `FrameSource.batches` does.
   */
  batches(length: number, options: GroupBatchesOptions = {}): AsyncGenerator<FrameBatch, void, undefined> {
    checkBatchLength(length);
    const { signal, maxBatches, maxWaitMs, bufferedBatches } = checkGroupBatchesOptions(options);
    this.#batches ??= this.#openBatches(length, bufferedBatches);
    const batches = this.#batches;
    if (batches.length !== length) {
      throw new ConfigError(
        `The group gives batches of ${batches.length}, which can't be changed to ${length}: make a new group for these`,
      );
    }
    const take = (): FrameBatch | undefined => {
      batches.maxWaitMs = maxWaitMs ?? Infinity;
      for (let frame = this.#roster.take(); frame !== undefined; frame = this.#roster.take()) {
        batches.add(frame);
      }
      return batches.next(this.#endWhenEmpty && this.#roster.isEmpty);
    };
    return this.#read({ take, dueInMs: () => batches.dueInMs }, maxBatches, signal);
  }

  /** Each source's verdict, by `cameraId`. */
  health(): Map<string, SourceHealth> {
    return new Map(this.sources.map((source) => [source.cameraId, source.health()]));
  }

  /** True while nobody has to look after any of the sources; {@link FrameSourceGroup.health} says which, and why. */
  isHealthy(): boolean {
    return this.sources.every((source) => source.isHealthy());
  }

  /** Each source's numbers, by `cameraId`. */
  getMetrics(): Map<string, SourceMetrics> {
    return new Map(this.sources.map((source) => [source.cameraId, source.getMetrics()]));
  }

  async *#read<T extends Lease>(
    outlet: GroupOutlet<T>,
    maxCount = Infinity,
    signal?: AbortSignal,
  ): AsyncGenerator<T, void, undefined> {
    this.#claim();
    let isLeftEarly = true;
    try {
      for (let count = 0; count < maxCount; count++) {
        const next = await this.#next(outlet, signal);
        if (next === null) break;
        if (outlet.isCounted?.(next) === false) count -= 1;
        yield next;
      }
      isLeftEarly = false;
      this.#releaseCurrent();
    } finally {
      this.#isReading = false;
      if (isLeftEarly) await this.stop();
    }
  }

  async #next<T extends Lease>(
    { take, dueInMs }: GroupOutlet<T>,
    signal: AbortSignal | undefined,
  ): Promise<T | null> {
    this.#releaseCurrent();
    if (this.#stopped === undefined) void this.#roster.begin();
    for (;;) {
      signal?.throwIfAborted();
      if (this.#stopped !== undefined) return null;
      const next = take();
      if (next !== undefined) {
        this.#current = next;
        return next;
      }
      if (this.#roster.isEmpty && this.#endWhenEmpty) {
        if (this.#roster.failure !== null) throw this.#roster.failure;
        return null;
      }
      await waitForNews(this.#roster.news, { clock: this.#clock }, dueInMs?.(), signal);
    }
  }

  #addAll(sources: readonly FrameSource[]): void {
    try {
      for (const source of sources) this.add(source);
    } catch (error) {
      // Nobody will have this group to let go of them.
      for (const member of this.#roster.members) void this.#roster.leave(member, 'removed', null, false);
      throw error;
    }
  }

  #openBatches(length: number, bufferedBatches: number): GroupBatches {
    const batches = new GroupBatches(length, bufferedBatches, this.#clock);
    batches.joinAll(this.#roster.members);
    return batches;
  }

  #claim(): void {
    if (this.#isReading) {
      throw new FrameSourceError(
        'ALREADY_READING',
        'The group is being read already. It has one consumer at a time: let one loop hand the frames on.',
      );
    }
    this.#isReading = true;
  }

  #releaseCurrent(): void {
    this.#current?.release();
    this.#current = undefined;
  }

  #refuseIfStopped(): void {
    if (this.#stopped === undefined) return;
    throw new FrameSourceError('SOURCE_STOPPED', 'The group was stopped; make a new one to read on');
  }

  /** A listener that throws is its program's affair, not the reader's: it ends as an uncaught exception. */
  #tellLeave(leave: GroupLeave): void {
    try {
      this.emit('leave', leave);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
