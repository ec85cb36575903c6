import type { Engine, EngineFault, EngineStats } from '../../binding.js';
import type { Fragment } from '../hls/fragment.js';
import { FrameSourceError } from '../errors.js';
import { loadAddon } from './addon.js';
import { Frame, type FrameFragment, type TimestampSource } from './frame.js';
import { Ring, type RingMemory } from './ring.js';
import { fragmentTime, type DateTrust } from './timestamp.js';

/** Fragments that may wait for the decoder: enough to hide one slow fetch, little enough to stay near live. */
const MAX_QUEUED_FRAGMENTS = 4;
/** Bytes that may wait: one fragment of the largest size KVS allows (50 MB), or many of the usual size. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** The largest picture: H.264 level 6.2 and H.265 level 6.2 end at 8192×4320; square pictures may be as wide. */
const MAX_PIXELS = 8192 * 8192;

/** Kinds and flags of the records, as binding.d.ts lists them. */
const RECORD = { frame: 1, ring: 2, fragment: 3, fault: 4, ended: 5 } as const;
const FLAG = { key: 1, damaged: 2, reopened: 4 } as const;
/** Records taken in one call: a few bursts. */
const RECORDS_AT_ONCE = 64;
/** How many fragments a decoder may be behind with its pictures: reordering never spans more than two. */
const REMEMBERED_FRAGMENTS = 16;

export interface FrameEngineOptions {
  bufferedFrames: number;
  memory: RingMemory;
  matrix: 'auto' | 'bt601' | 'bt709';
  decoderThreads: number;
  dates: DateTrust;
}

/** The picture form from now on. */
export interface PictureFormat {
  /** In pixels. */
  width: number;
  height: number;
  /** Bytes per row of `frame.data`. */
  stride: number;
}

export interface FrameEngineHooks {
  /** Frames wait to be taken; the newest of them. */
  onFrames(newest: Frame): void;
  /** The first picture, or one of another size than before, is about to come. */
  onFormat(format: PictureFormat): void;
  /** A fragment was consumed: there is room for another. */
  onRoom(): void;
  /** A fragment, or part of it, could not be used. Later ones are not affected. */
  onFault(fault: EngineFault, fragment: FrameFragment | undefined): void;
  /** After `finish`: the last frame has been made. */
  onEnded(): void;
  /** The engine can't go on, e.g. no memory for the ring. */
  onFailure(error: FrameSourceError): void;
}

/** Anything that ends the engine, as an error of this package. */
function engineFailure(cause: unknown): FrameSourceError {
  if (cause instanceof FrameSourceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FrameSourceError('ENGINE_FAILED', `The engine can't go on: ${reason}`, { cause });
}

/** What is remembered of a fragment until its frames are out; its bytes are not. */
interface PushedFragment {
  fragment: FrameFragment;
  startMs: number;
  source: TimestampSource;
  isDiscontinuous: boolean;
}

/** Fragments in, frames out: the native engine, its ring, and what each frame needs to know of its fragment. */
export class FrameEngine {
  readonly #engine: Engine;
  readonly #records: Float64Array;
  readonly #recordDoubles: number;
  readonly #options: FrameEngineOptions;
  readonly #hooks: FrameEngineHooks;
  readonly #pushed = new Map<number, PushedFragment>();
  /** The current ring and those whose frames are still on their way here. */
  readonly #rings = new Map<number, Ring>();
  readonly #ready: Frame[] = [];
  #nextFragmentId = 0;
  #nextRingId = 0;
  #nextIndex = 0;
  #lastFrameFragmentId = -1;
  #isDiscontinuous = false;
  #isClosed = false;

  constructor(options: FrameEngineOptions, hooks: FrameEngineHooks) {
    const addon = loadAddon();
    this.#options = options;
    this.#hooks = hooks;
    this.#recordDoubles = addon.recordDoubles;
    this.#records = new Float64Array(RECORDS_AT_ONCE * addon.recordDoubles);
    this.#engine = new addon.Engine(
      {
        matrix: options.matrix,
        decoderThreads: options.decoderThreads,
        maxQueuedFragments: MAX_QUEUED_FRAGMENTS,
        maxQueuedBytes: MAX_QUEUED_BYTES,
        maxPixels: MAX_PIXELS,
      },
      () => this.#onWake(),
    );
  }

  /** Frames made and not yet taken. */
  get readyCount(): number {
    return this.#ready.length;
  }

  /**
   * Queues a fragment; `false` if there is no room, then `onRoom` tells when. `followsGap`: media time is missing
   * before it.
   */
  push(fragment: Fragment, followsGap: boolean): boolean {
    const id = this.#nextFragmentId;
    if (!this.#engine.push({ id, init: fragment.init, media: fragment.media })) return false;
    this.#nextFragmentId += 1;
    const { startMs, source } = fragmentTime(fragment, this.#options.dates);
    const { number, sequence, dateMs, durationMs, sessionId } = fragment;
    this.#pushed.set(id, {
      fragment: { number, sequence, dateMs, durationMs, sessionId },
      startMs,
      source,
      isDiscontinuous: fragment.discontinuity || followsGap,
    });
    return true;
  }

  /** No fragment follows: the decoder gives out what it holds, then `onEnded` is called. */
  finish(): void {
    this.#engine.finish();
  }

  /** The oldest frame that waits, or `undefined`. */
  take(): Frame | undefined {
    return this.#ready.shift();
  }

  stats(): EngineStats {
    return this.#engine.stats();
  }

  /** Stops the native thread and gives back the frames that nobody took. Frames on loan stay valid. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const frame of this.#ready.splice(0)) frame.release();
    await this.#engine.close();
    this.#rings.clear();
    this.#pushed.clear();
  }

  #onWake(): void {
    const made = this.#nextIndex;
    for (;;) {
      if (this.#isClosed) return;
      const count = this.#engine.take(this.#records);
      for (let i = 0; i < count; i++) this.#onRecord(i * this.#recordDoubles);
      if (count < RECORDS_AT_ONCE) break;
    }
    const newest = this.#ready.at(-1);
    if (this.#nextIndex > made && newest !== undefined) this.#hooks.onFrames(newest);
  }

  #onRecord(at: number): void {
    switch (this.#field(at)) {
      case RECORD.frame:
        this.#onFrame(at + 1);
        break;
      case RECORD.ring:
        this.#onRingWanted(at + 1);
        break;
      case RECORD.fragment:
        this.#forgetBefore(this.#field(at + 1) - REMEMBERED_FRAGMENTS);
        this.#hooks.onRoom();
        break;
      case RECORD.fault: {
        const fault = this.#engine.takeFault();
        this.#isDiscontinuous = true;
        this.#hooks.onFault(fault, this.#pushed.get(fault.fragmentId)?.fragment);
        break;
      }
      case RECORD.ended:
        this.#hooks.onEnded();
        break;
    }
  }

  #field(at: number): number {
    return this.#records[at] ?? 0;
  }

  #onFrame(at: number): void {
    const fragmentId = this.#field(at);
    const ringId = this.#field(at + 1);
    const slot = this.#field(at + 2);
    const offsetMs = this.#field(at + 7);
    const flags = this.#field(at + 8);
    const pushed = this.#pushed.get(fragmentId);
    const ring = this.#rings.get(ringId);
    const data = ring?.buffers[slot];
    if (pushed === undefined || ring === undefined || data === undefined) {
      const what = `fragment ${fragmentId}, ring ${ringId}, slot ${slot}`;
      this.#hooks.onFailure(engineFailure(`it named ${what}, which it was not given`));
      return;
    }
    if (fragmentId > this.#lastFrameFragmentId) {
      // Fragments between the two gave no frame; what they said about continuity still holds.
      for (let id = this.#lastFrameFragmentId + 1; id <= fragmentId; id++) {
        if (this.#pushed.get(id)?.isDiscontinuous) this.#isDiscontinuous = true;
      }
      this.#lastFrameFragmentId = fragmentId;
      this.#forgetRingsBefore(ringId);
    }
    if (flags & FLAG.reopened) this.#isDiscontinuous = true;
    this.#ready.push(
      new Frame({
        data,
        width: this.#field(at + 3),
        height: this.#field(at + 4),
        stride: this.#field(at + 5),
        index: this.#nextIndex,
        ptsMs: this.#field(at + 6),
        timestampMs: pushed.startMs + offsetMs,
        timestampSource: pushed.source,
        keyFrame: (flags & FLAG.key) !== 0,
        // Nothing comes before the first frame, so nothing can be missing before it.
        discontinuity: this.#isDiscontinuous && this.#nextIndex > 0,
        damaged: (flags & FLAG.damaged) !== 0,
        fragment: pushed.fragment,
        free: () => {
          ring.free(slot);
          this.#engine.wake();
        },
      }),
    );
    this.#nextIndex += 1;
    this.#isDiscontinuous = false;
  }

  #onRingWanted(at: number): void {
    const width = this.#field(at);
    const height = this.#field(at + 1);
    const stride = this.#field(at + 2);
    const pictureBytes = this.#field(at + 3);
    this.#nextRingId += 1;
    try {
      const { bufferedFrames, memory } = this.#options;
      const ring = new Ring(this.#nextRingId, width, height, stride, pictureBytes, bufferedFrames, memory);
      this.#rings.set(ring.id, ring);
      this.#hooks.onFormat({ width, height, stride });
      this.#engine.setRing(ring);
    } catch (error) {
      this.#hooks.onFailure(engineFailure(error));
    }
  }

  #forgetBefore(fragmentId: number): void {
    for (const id of this.#pushed.keys()) {
      if (id >= fragmentId) break;
      if (this.#pushed.get(id)?.isDiscontinuous && id > this.#lastFrameFragmentId)
        this.#isDiscontinuous = true;
      this.#pushed.delete(id);
    }
  }

  #forgetRingsBefore(ringId: number): void {
    for (const id of this.#rings.keys()) if (id < ringId) this.#rings.delete(id);
  }
}
