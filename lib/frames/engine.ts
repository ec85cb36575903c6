import type { Engine, EngineFault, EngineStats } from '../../binding.js';
import { systemClock } from '../clock.js';
import type { Fragment, LostFragments } from '../hls/fragment.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { redact } from '../redact.js';
import type { Gap } from '../policy/gap.js';
import type { RingReading } from '../metrics/reading.js';
import { loadAddon } from './addon.js';
import { Continuity, LateDrops } from './continuity.js';
import type { EngineLimits, FrameEngineHooks, FrameEngineOptions, PictureFormat } from './engine-options.js';
import { causeOf, engineFailure } from './engine-failure.js';
import { Frame } from './frame.js';
import type { FrameLayout } from './layout.js';
import { LibavWatch } from './libav-watch.js';
import { boundMemory } from './memory-bound.js';
import { PushedFragments } from './pushed-fragments.js';
import { DROPPED, frameOf, layoutOf, RECORD, type Fields, type FrameRecord } from './records.js';
import { OwnRings, type Ring, type RingSupply } from './ring.js';
import { SecondCopies } from './second-copies.js';
import { fragmentTime } from './timestamp.js';

export type { FrameEngineHooks, FrameEngineOptions, PictureFormat } from './engine-options.js';

/** Fragments that may wait for the decoder: enough to hide one slow fetch, little enough to stay near live. */
const MAX_QUEUED_FRAGMENTS = 4;

/** Records taken in one call: a few bursts. */
const RECORDS_AT_ONCE = 64;

/** Fragments in, frames out: the native engine, its ring, and what each frame needs to know of its fragment. */
export class FrameEngine {
  readonly #engine: Engine;
  readonly #records: Float64Array;
  readonly #recordDoubles: number;
  readonly #options: FrameEngineOptions;
  readonly #limits: EngineLimits;
  readonly #watch: LibavWatch;
  readonly #hooks: FrameEngineHooks;
  readonly #pushed: PushedFragments;
  readonly #ringSupply: RingSupply;
  readonly #secondCopies = new SecondCopies();
  /** The current ring and those whose frames are still on their way here. */
  readonly #rings = new Map<number, Ring>();
  readonly #ready: Frame[] = [];
  #nextIndex = 0;
  #layout: FrameLayout | undefined;
  #format: PictureFormat | undefined;
  #parameterSets: Buffer | null = null;
  readonly #continuity = new Continuity();
  readonly #late: LateDrops;
  /** The records that were taken are being looked at. */
  #isTaking = false;
  #lostAtEnd: LostFragments | null = null;
  #isClosed = false;
  #thinnedMs = 0;

  constructor(options: FrameEngineOptions, hooks: FrameEngineHooks) {
    const addon = loadAddon();
    this.#options = options;
    this.#hooks = hooks;
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    const { maxQueuedBytes, maxPixels, maxFramesPerFragment, maxDecodeSeconds } = this.#limits;
    this.#pushed = new PushedFragments(options.dates);
    this.#late = new LateDrops(options.lateCause ?? 'age');
    this.#ringSupply = options.rings ?? new OwnRings(options.bufferedFrames, options.memory);
    this.#recordDoubles = addon.recordDoubles;
    this.#records = new Float64Array(RECORDS_AT_ONCE * addon.recordDoubles);
    try {
      this.#engine = new addon.Engine(
        {
          matrix: options.matrix,
          decoderThreads: options.decoderThreads,
          maxQueuedFragments: MAX_QUEUED_FRAGMENTS,
          maxQueuedBytes,
          maxPixels,
          maxFramesPerFragment,
          maxDecodeSeconds,
          output: options.output,
          selection: options.selection,
          encoded: options.encoded,
          hwaccel: options.hwaccel,
          holdOnTrouble: true,
        },
        () => this.#takeRecords(),
      );
    } catch (error) {
      throw engineFailure(error);
    }
    this.#watch = new LibavWatch(
      options.clock ?? systemClock,
      maxDecodeSeconds,
      () => this.#engine.stats().libavCalls,
      (error) => hooks.onFailure(error),
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
    const { startMs, source } = fragmentTime(fragment, this.#options.dates);
    const isDated = source !== 'received';
    if (!this.#engine.push({ id: this.#pushed.nextId, init, media, startMs, isDated })) return false;
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

  /** Pictures taken before that, Unix ms, are not wanted any more; the last call counts. */
  setFloor(captureMs: number): void {
    if (!this.#isClosed) this.#engine.setFloor(captureMs);
  }

  /** Pictures are wanted no closer together than that, in ms, from the next fragment on; 0: as `selection` says. */
  setPeriod(periodMs: number): void {
    this.#thinnedMs = periodMs;
    if (!this.#isClosed) this.#engine.setPeriod(periodMs);
  }

  /** How far apart frames are wanted, ms. */
  get framePeriodMs(): number {
    return Math.max(this.#options.selection.periodMs, this.#thinnedMs);
  }

  /** The oldest frame that waits, or `undefined`. */
  take(): Frame | undefined {
    // Frames may have come of which nobody was told yet: that saves a wake.
    if (this.#ready.length === 0 && !this.#isClosed) this.#takeRecords();
    return this.#ready.shift();
  }

  stats(): EngineStats {
    return this.#engine.stats();
  }

  /** The memory in use for frames; of one that is shared with other engines, this one's share of the bytes. */
  ring(): RingReading | null {
    const ring = [...this.#rings.values()].at(-1);
    if (ring === undefined) return null;
    const bytes = ring.pixels.byteLength / this.#ringSupply.sharers;
    return { slots: ring.slots.length, usedSlots: ring.usedSlots, bytes };
  }

  /** Stops the native thread and gives back the frames that nobody took. Frames on loan stay valid. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watch.stop();
    for (const frame of this.#ready.splice(0)) frame.release();
    await this.#engine.close();
    this.#rings.clear();
    this.#pushed.clear();
  }

  #takeRecords(): void {
    // A hook may ask for the next frame.
    if (this.#isTaking) return;
    const made = this.#nextIndex;
    this.#isTaking = true;
    try {
      for (let count = RECORDS_AT_ONCE; count === RECORDS_AT_ONCE;) {
        count = this.#engine.take(this.#records);
        for (let i = 0; i < count; i++) {
          // A hook may have closed it.
          if (this.#isClosed) return;
          this.#onRecord(i * this.#recordDoubles);
        }
      }
    } finally {
      this.#isTaking = false;
    }
    this.#tellDrop();
    const newest = this.#ready.at(-1);
    if (this.#nextIndex > made && newest !== undefined) this.#hooks.onFrames(newest);
  }

  #onRecord(at: number): void {
    const field = (index: number): number => this.#records[at + index] ?? 0;
    switch (field(0)) {
      case RECORD.frame:
        this.#onFrame(frameOf(field));
        break;
      case RECORD.layout:
        this.#onLayout(field);
        break;
      case RECORD.fragment:
        this.#onFragmentRead(field);
        break;
      case RECORD.fault:
        this.#onFault(this.#engine.takeFault());
        break;
      case RECORD.ended:
        this.#tellGap(this.#options.ledger.end(this.#lostAtEnd));
        this.#tellDrop();
        this.#hooks.onEnded();
        break;
      case RECORD.trouble:
        this.#onTrouble(field(1)).catch((error: unknown) => this.#hooks.onFailure(engineFailure(error)));
        break;
      case RECORD.dropped:
        this.#onDropped(field);
        break;
      case RECORD.decoder:
        this.#hooks.onDecoder(this.#engine.takeDecoder());
        break;
      case RECORD.log:
        this.#hooks.onLog(this.#engine.takeLog());
        break;
    }
  }

  #onFrame(record: FrameRecord): void {
    const { fragmentId, ringId, slot: index, offsetMs, placeMs, placeDurationMs, isReopened } = record;
    const pushed = this.#pushed.get(fragmentId);
    const time = this.#pushed.timeOf(fragmentId);
    const ring = this.#rings.get(ringId);
    const slot = ring?.slots[index];
    const layout = this.#layout;
    if (pushed === undefined || time === undefined || slot === undefined || layout === undefined) {
      const what = `fragment ${fragmentId}, ring ${ringId}, slot ${index}`;
      this.#hooks.onFailure(engineFailure(`it named ${what}, which it was not given`));
      return;
    }
    this.#forgetRingsBefore(ringId);
    if (isReopened && this.#options.encoded !== null) {
      const sets = this.#engine.takeParameterSets();
      this.#parameterSets = sets.length === 0 ? null : Buffer.from(sets);
    }
    this.#tellFormat(layout, record.codec, isReopened);
    const gap = this.#options.ledger.frame(pushed.ledger, placeMs, placeDurationMs);
    this.#tellGap(gap);
    if (this.#isClosed) return;
    const isBroken = this.#pushed.takeBreak(fragmentId) || isReopened;
    const stretch = { fromMs: placeMs, durationMs: placeDurationMs, pictureMs: placeDurationMs };
    const { discontinuity, gapMs } = this.#continuity.frame(time, stretch, gap, isBroken);
    // Who waits for a frame to be forgotten holds this: by way of `this` it would hold the source, and so its last frame.
    const native = this.#engine;
    this.#ready.push(
      new Frame({
        cameraId: this.#options.cameraId,
        slot,
        bytes: record.bytes,
        layout,
        codec: record.codec,
        parameterSets: this.#parameterSets,
        index: this.#nextIndex,
        ptsMs: record.ptsMs,
        dtsMs: record.dtsMs,
        durationMs: record.durationMs,
        timestampMs: time.startMs + offsetMs,
        timestampSource: time.source,
        keyFrame: record.keyFrame,
        discontinuity,
        gapMs,
        damaged: record.damaged,
        synthetic: false,
        fragment: pushed.fragment,
        free: () => {
          slot.ring.free(index);
          native.wake();
        },
      }),
    );
    this.#nextIndex += 1;
  }

  #onDropped(field: Fields): void {
    const [fragmentId, offsetMs, durationMs, pictures] = [field(1), field(2), field(3), field(4)];
    const isLate = field(5) === DROPPED.late;
    const pushed = this.#pushed.get(fragmentId);
    const time = this.#pushed.timeOf(fragmentId);
    if (pushed === undefined || time === undefined) {
      const what = `fragment ${fragmentId}, which it was not given`;
      this.#hooks.onFailure(engineFailure(`it dropped pictures of ${what}`));
      return;
    }
    const cause = isLate ? (this.#options.lateCause ?? 'age') : 'selection';
    const gap = this.#options.ledger.dropped(pushed.ledger, offsetMs, durationMs, pictures, cause);
    this.#tellGap(gap);
    const stretch = { fromMs: offsetMs, durationMs, pictureMs: durationMs / pictures };
    this.#continuity.dropped(time, stretch, gap);
    if (isLate) this.#late.add(pictures, durationMs);
  }

  /** New codec data may leave all that a format says as it was. */
  #tellFormat(layout: FrameLayout, codec: 'h264' | 'hevc', isReopened: boolean): void {
    const { width, height, stride, sourceWidth, sourceHeight, format, dataType } = layout;
    const told = this.#format;
    const isSame =
      told?.width === width &&
      told.height === height &&
      told.sourceWidth === sourceWidth &&
      told.sourceHeight === sourceHeight &&
      told.codec === codec;
    if (isSame && !isReopened) return;
    this.#format = { width, height, stride, format, dataType, sourceWidth, sourceHeight, codec };
    this.#hooks.onFormat(this.#format);
  }

  #tellDrop(): void {
    const drop = this.#late.take();
    if (drop !== undefined) this.#hooks.onDrop(drop);
  }

  #tellGap(gap: Gap | null): void {
    if (gap !== null) this.#hooks.onGap(gap);
  }

  #onFragmentRead(field: Fields): void {
    const id = field(1);
    const durationMs = field(2) > 0 ? field(3) : null;
    const pushed = this.#pushed.get(id);
    if (pushed !== undefined && durationMs !== null) {
      this.#options.ledger.measured(pushed.ledger, durationMs);
    }
    this.#pushed.read(id, durationMs);
    this.#secondCopies.read(id, field(4) !== 0);
    this.#orFail(() => this.#boundMemory());
    this.#hooks.onRoom(durationMs !== null && field(4) === 0);
  }

  #onFault(fault: EngineFault): void {
    const pushed = this.#pushed.get(fault.fragmentId);
    if (pushed !== undefined) this.#options.ledger.refused(pushed.ledger, causeOf(fault));
    // What libav says may quote the media, and that anything.
    const { message, log } = fault;
    const safe = { ...fault, message: redact(message), log: log.map((line) => redact(line)) };
    this.#hooks.onFault(safe, pushed?.fragment);
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

  #onLayout(field: Fields): void {
    const { output, encoded } = this.#options;
    const isPlanar = output.format === 'rgb-chw' || output.format === 'bgr-chw';
    const dataType = encoded === null && isPlanar ? output.dataType : 'uint8';
    const { layout, bytes, isRingWanted } = layoutOf(field, encoded ?? output.format, dataType);
    const { factor, offset } = output;
    this.#layout = dataType === 'uint8' ? layout : { ...layout, levels: { factor, offset } };
    if (!isRingWanted) return;
    this.#orFail(() => {
      const ring = this.#ringSupply.next(layout, bytes);
      this.#rings.set(ring.id, ring);
      this.#boundMemory();
      const { id, pixels, states, slotBytes, blockSlots, cursor } = ring;
      const { writer } = this.#ringSupply;
      this.#engine.setRing({ id, pixels, states, slotBytes, blockSlots, cursor, writer });
    });
  }

  /** Throws `ConfigError` where it holds too much. */
  #boundMemory(): void {
    const { sharers } = this.#ringSupply;
    const { queuedBytes: queue, pictureBytes: pictures } = this.#engine.stats();
    const ring = [...this.#rings.values()].reduce((sum, { pixels }) => sum + pixels.byteLength / sharers, 0);
    boundMemory({ ring, queue, pictures }, this.#limits.maxMemoryBytes);
  }

  #orFail(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#hooks.onFailure(engineFailure(error));
    }
  }

  #forgetRingsBefore(ringId: number): void {
    for (const id of this.#rings.keys()) if (id < ringId) this.#rings.delete(id);
  }
}
