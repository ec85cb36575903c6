import type { Engine, EngineFault, EngineStats } from '../../binding.js';
import type { Fragment, FragmentBytes, LostFragments } from '../hls/fragment.js';
import { FrameSourceError } from '../errors.js';
import type { Gap } from '../policy/gap.js';
import type { Ledger } from '../policy/ledger.js';
import { loadAddon } from './addon.js';
import { Frame, type FrameFragment } from './frame.js';
import { PushedFragments } from './pushed-fragments.js';
import { Ring, type RingMemory } from './ring.js';
import { SecondCopies } from './second-copies.js';
import type { DateTrust, FragmentTime } from './timestamp.js';

/** Fragments that may wait for the decoder: enough to hide one slow fetch, little enough to stay near live. */
const MAX_QUEUED_FRAGMENTS = 4;
/** Bytes that may wait: one fragment of the largest size KVS allows (50 MB), or many of the usual size. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** The largest picture: H.264 level 6.2 and H.265 level 6.2 end at 8192×4320; square pictures may be as wide. */
const MAX_PIXELS = 8192 * 8192;

/** Kinds and flags of the records, as binding.d.ts lists them. */
const RECORD = { frame: 1, ring: 2, fragment: 3, fault: 4, ended: 5, trouble: 6 } as const;
const FLAG = { key: 1, damaged: 2, reopened: 4, hevc: 8 } as const;
/** Records taken in one call: a few bursts. */
const RECORDS_AT_ONCE = 64;
/** Pictures that begin further apart than this, in ms, and than two of them last, do not follow each other. */
const JUMP_MS = 250;

export interface FrameEngineOptions {
  bufferedFrames: number;
  memory: RingMemory;
  matrix: 'auto' | 'bt601' | 'bt709';
  decoderThreads: number;
  dates: DateTrust;
  /** Keeps the account of the media time that comes out. */
  ledger: Ledger;
}

/** What frames look like, and how they were coded, from now on. */
export interface PictureFormat {
  /** In pixels. */
  width: number;
  height: number;
  /** Bytes per row of `frame.data`. */
  stride: number;
  /** How the pictures are coded. */
  codec: 'h264' | 'hevc';
}

export interface FrameEngineHooks {
  /** A fragment is in trouble: another copy of its bytes, or `null` if none can be had. */
  fetchAgain(fragment: FrameFragment): Promise<FragmentBytes | null>;
  /** Media time is missing, or was had after all. The frame behind it can't be taken yet. */
  onGap(gap: Gap): void;
  /** Frames wait to be taken; the newest of them. */
  onFrames(newest: Frame): void;
  /** The first frame, or one of another form than the one before, can be taken next. */
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

/** Why the media of a fragment with that fault is missing. */
function causeOf({ stage }: EngineFault): 'media' | 'format' | 'policy' {
  if (stage === 'limit') return 'policy';
  return stage === 'open' || stage === 'convert' ? 'format' : 'media';
}

/** Fragments in, frames out: the native engine, its ring, and what each frame needs to know of its fragment. */
export class FrameEngine {
  readonly #engine: Engine;
  readonly #records: Float64Array;
  readonly #recordDoubles: number;
  readonly #options: FrameEngineOptions;
  readonly #hooks: FrameEngineHooks;
  readonly #pushed: PushedFragments;
  readonly #secondCopies = new SecondCopies();
  /** The current ring and those whose frames are still on their way here. */
  readonly #rings = new Map<number, Ring>();
  readonly #ready: Frame[] = [];
  #nextRingId = 0;
  #nextIndex = 0;
  #lastTimestampMs = -Infinity;
  #format: PictureFormat | undefined;
  #lostAtEnd: LostFragments | null = null;
  #isClosed = false;

  constructor(options: FrameEngineOptions, hooks: FrameEngineHooks) {
    const addon = loadAddon();
    this.#options = options;
    this.#hooks = hooks;
    this.#pushed = new PushedFragments(options.dates);
    this.#recordDoubles = addon.recordDoubles;
    this.#records = new Float64Array(RECORDS_AT_ONCE * addon.recordDoubles);
    this.#engine = new addon.Engine(
      {
        matrix: options.matrix,
        decoderThreads: options.decoderThreads,
        maxQueuedFragments: MAX_QUEUED_FRAGMENTS,
        maxQueuedBytes: MAX_QUEUED_BYTES,
        maxPixels: MAX_PIXELS,
        holdOnTrouble: true,
      },
      () => this.#onWake(),
    );
  }

  /** Frames made and not yet taken. */
  get readyCount(): number {
    return this.#ready.length;
  }

  /** Damaged fragments of which a second copy was asked for. */
  get refetched(): number {
    return this.#secondCopies.fetched;
  }

  /** Of these, those whose second copy was whole. */
  get repaired(): number {
    return this.#secondCopies.repaired;
  }

  /** Queues a fragment; `false` if there is no room, then `onRoom` tells when. */
  push(fragment: Fragment): boolean {
    const { init, media } = fragment;
    if (!this.#engine.push({ id: this.#pushed.nextId, init, media })) return false;
    this.#options.ledger.push(this.#pushed.add(fragment).ledger);
    return true;
  }

  /**
   * No fragment follows: the decoder gives out what it holds, then `onEnded` is called. `lost`: what is known to be
   * missing behind the last fragment.
   */
  finish(lost: LostFragments | null): void {
    this.#lostAtEnd = lost;
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
    for (let count = RECORDS_AT_ONCE; count === RECORDS_AT_ONCE;) {
      count = this.#engine.take(this.#records);
      for (let i = 0; i < count; i++) {
        // A hook may have closed it.
        if (this.#isClosed) return;
        this.#onRecord(i * this.#recordDoubles);
      }
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
        this.#onFragmentRead(at + 1);
        break;
      case RECORD.fault:
        this.#onFault(this.#engine.takeFault());
        break;
      case RECORD.ended:
        this.#tellGap(this.#options.ledger.end(this.#lostAtEnd));
        this.#hooks.onEnded();
        break;
      case RECORD.trouble:
        this.#onTrouble(this.#field(at + 1)).catch((error: unknown) =>
          this.#hooks.onFailure(engineFailure(error)),
        );
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
    const durationMs = this.#field(at + 9);
    const pushed = this.#pushed.get(fragmentId);
    const time = this.#pushed.timeOf(fragmentId);
    const ring = this.#rings.get(ringId);
    const data = ring?.buffers[slot];
    if (pushed === undefined || time === undefined || ring === undefined || data === undefined) {
      const what = `fragment ${fragmentId}, ring ${ringId}, slot ${slot}`;
      this.#hooks.onFailure(engineFailure(`it named ${what}, which it was not given`));
      return;
    }
    this.#forgetRingsBefore(ringId);
    const { width, height, stride } = ring;
    const isReopened = (flags & FLAG.reopened) !== 0;
    const codec = (flags & FLAG.hevc) !== 0 ? 'hevc' : 'h264';
    this.#tellFormat({ width, height, stride, codec }, isReopened);
    const gap = this.#options.ledger.frame(pushed.ledger, offsetMs, durationMs);
    this.#tellGap(gap);
    if (this.#isClosed) return;
    const timestampMs = time.startMs + offsetMs;
    const isBroken = this.#pushed.takeBreak(fragmentId) || isReopened;
    const jumps = this.#jumps(time, timestampMs, durationMs);
    this.#lastTimestampMs = timestampMs;
    this.#ready.push(
      new Frame({
        data,
        width,
        height,
        stride,
        index: this.#nextIndex,
        ptsMs: this.#field(at + 6),
        timestampMs,
        timestampSource: time.source,
        keyFrame: (flags & FLAG.key) !== 0,
        // Nothing comes before the first frame, so there is nothing to break with.
        discontinuity: gap !== null || ((isBroken || jumps) && this.#nextIndex > 0),
        gapMs: gap === null || gap.recovered ? 0 : gap.ms,
        damaged: (flags & FLAG.damaged) !== 0,
        synthetic: false,
        fragment: pushed.fragment,
        free: () => {
          ring.free(slot);
          this.#engine.wake();
        },
      }),
    );
    this.#nextIndex += 1;
  }

  /** Whether time steps back, or on by more than pictures of a running camera are apart: it came late, or a clock was set. */
  #jumps({ source }: FragmentTime, timestampMs: number, durationMs: number): boolean {
    const stepMs = timestampMs - this.#lastTimestampMs;
    return stepMs < 0 || (source === 'producer' && stepMs > Math.max(JUMP_MS, 2 * durationMs));
  }

  /** New codec data may leave all that a format says as it was. */
  #tellFormat(format: PictureFormat, isReopened: boolean): void {
    const { width, height, codec } = this.#format ?? {};
    if (!isReopened && format.width === width && format.height === height && format.codec === codec) return;
    this.#format = format;
    this.#hooks.onFormat(format);
  }

  #tellGap(gap: Gap | null): void {
    if (gap !== null) this.#hooks.onGap(gap);
  }

  #onFragmentRead(at: number): void {
    const id = this.#field(at);
    const durationMs = this.#field(at + 1) > 0 ? this.#field(at + 2) : null;
    const pushed = this.#pushed.get(id);
    if (pushed !== undefined && durationMs !== null) {
      this.#options.ledger.measured(pushed.ledger, durationMs);
    }
    this.#pushed.read(id, durationMs);
    this.#secondCopies.read(id, this.#field(at + 3) !== 0);
    this.#hooks.onRoom();
  }

  #onFault(fault: EngineFault): void {
    const pushed = this.#pushed.get(fault.fragmentId);
    if (pushed !== undefined) this.#options.ledger.refused(pushed.ledger, causeOf(fault));
    this.#hooks.onFault(fault, pushed?.fragment);
  }

  async #onTrouble(id: number): Promise<void> {
    const pushed = this.#pushed.get(id);
    const original = pushed?.bytes ?? null;
    const copy =
      pushed === undefined || original === null
        ? null
        : await this.#secondCopies.get(id, original, () => this.#hooks.fetchAgain(pushed.fragment));
    if (copy === null) this.#engine.giveUp();
    else this.#engine.retry(copy);
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
      this.#engine.setRing(ring);
    } catch (error) {
      this.#hooks.onFailure(engineFailure(error));
    }
  }

  #forgetRingsBefore(ringId: number): void {
    for (const id of this.#rings.keys()) if (id < ringId) this.#rings.delete(id);
  }
}
