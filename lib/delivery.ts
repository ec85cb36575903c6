import type { Clock } from './clock.js';
import type { Delivery } from './frame-choice.js';
import type { Frame, FrameBreak } from './frames/frame.js';
import type { Drop } from './policy/drop.js';
import { Playout } from './policy/playout.js';
import { Thinning } from './policy/thinning.js';

/** Of how many frames the consumer's least time is what the next one is expected to take. */
const REMEMBERED_TIMES = 8;
/** Share of that time for which the frames to come are not even converted. */
const SURE_SHARE = 0.8;

export interface FrameDeliveryOptions {
  delivery: Delivery;
  isPaced: boolean;
  /** Else a recording, which may come much faster than it was taken. */
  isLive: boolean;
  clock: Clock;
}

export interface FrameDeliveryHooks {
  /** The oldest frame that is ready, or `undefined`. */
  take(): Frame | undefined;
  /** Pictures taken before that are not wanted any more. */
  setFloor(captureMs: number): void;
  /** Pictures are wanted so far apart; 0: all. */
  setPeriod(periodMs: number): void;
  /** Frames that were ready are not handed over. */
  onDrop(drop: Drop): void;
}

/** A fragment on its way to the decoder. */
export interface ArrivedFragment {
  /** When its first picture was taken. */
  captureMs: number;
  durationMs: number;
  /** Its times can't be compared with those of the fragment before. */
  isBreak: boolean;
}

/** Between frames that are ready and the consumer: which are handed over, and when. */
export class FrameDelivery {
  readonly #delivery: Delivery;
  readonly #isPaced: boolean;
  readonly #clock: Clock;
  readonly #hooks: FrameDeliveryHooks;
  readonly #playout: Playout;
  readonly #thinning: Thinning | undefined;
  /** Oldest first. */
  readonly #ready: Frame[] = [];
  /** What the consumer took for its last frames, ms. */
  readonly #busyMs: number[] = [];
  #handedOverAtMs: number | undefined;
  /** What dropped frames knew of what is missing before them, and the next frame must say. */
  #before: FrameBreak | undefined;
  /** How long the last frame lasted. */
  #frameMs = 0;
  /** When the newest fragment begins. */
  #newestMs = -Infinity;

  constructor({ delivery, isPaced, isLive, clock }: FrameDeliveryOptions, hooks: FrameDeliveryHooks) {
    this.#delivery = delivery;
    this.#isPaced = isPaced;
    this.#playout = new Playout(isLive);
    this.#clock = clock;
    this.#hooks = hooks;
    this.#thinning = delivery.kind === 'max-age' ? new Thinning(delivery.maxAgeMs) : undefined;
  }

  /** Frames that are ready. */
  get readyCount(): number {
    return this.#ready.length;
  }

  /** In how many ms the next frame is due; `undefined` if none is ready. */
  get dueInMs(): number | undefined {
    const [first] = this.#ready;
    if (first === undefined) return undefined;
    return this.#isPaced ? this.#playout.dueInMs(first.timestampMs, this.#clock.monotonic()) : 0;
  }

  /** A fragment is about to be pushed. */
  onFragment({ captureMs, durationMs, isBreak }: ArrivedFragment): void {
    this.#playout.arrived(captureMs, this.#clock.monotonic(), isBreak);
    this.#newestMs = captureMs;
    if (this.#thinning !== undefined) this.#hooks.setPeriod(this.#thinning.periodMs(durationMs));
    this.makeRoom();
  }

  /** Drops what will not be handed over, whether the consumer asks or not. */
  makeRoom(): void {
    switch (this.#delivery.kind) {
      case 'every':
        return;
      case 'latest': {
        const floorMs = this.#latestMs();
        this.#hooks.setFloor(floorMs);
        this.#fill();
        this.#dropWhile(({ timestampMs }) => timestampMs < floorMs && this.#ready.length > 1);
        return;
      }
      case 'max-age':
        this.#dropAged(this.#delivery.maxAgeMs);
        return;
    }
  }

  /** The frame to hand over now, or `undefined` if there is none, or none is due. */
  next(): Frame | undefined {
    const nowMs = this.#clock.monotonic();
    this.#noteBusy(nowMs);
    this.#fill();
    if (this.#delivery.kind === 'max-age') this.#dropAged(this.#delivery.maxAgeMs);
    if (this.#delivery.kind === 'latest') {
      this.#dropWhile(() => {
        const second = this.#ready[1];
        return second !== undefined && this.#isDue(second, nowMs);
      });
    }
    const [first] = this.#ready;
    if (first === undefined || !this.#isDue(first, nowMs)) return undefined;
    this.#ready.shift();
    this.#handOver(first, nowMs);
    return first;
  }

  /** Gives back the frames that nobody took. */
  close(): void {
    for (const frame of this.#ready.splice(0)) frame.release();
  }

  #isDue({ timestampMs }: Frame, nowMs: number): boolean {
    return !this.#isPaced || this.#playout.dueInMs(timestampMs, nowMs) === 0;
  }

  #fill(): void {
    for (let frame = this.#hooks.take(); frame !== undefined; frame = this.#hooks.take()) {
      if (this.#before !== undefined) frame.follow(this.#before);
      this.#before = undefined;
      this.#ready.push(frame);
    }
  }

  #handOver({ durationMs, ageMs }: Frame, nowMs: number): void {
    this.#handedOverAtMs = nowMs;
    this.#playout.taken(durationMs);
    this.#thinning?.handedOver(durationMs, ageMs);
    this.#frameMs = durationMs;
    if (this.#delivery.kind === 'latest') this.#hooks.setFloor(this.#latestMs());
  }

  /** What was taken before that will not be the latest frame when the consumer asks again. */
  #latestMs(): number {
    // Nothing has to wait: all before the newest fragment is not the latest.
    if (!this.#isPaced) return this.#newestMs;
    const isBusy = this.#handedOverAtMs !== undefined && this.#busyMs.length > 0;
    const sureMs = isBusy ? (this.#handedOverAtMs ?? 0) + Math.min(...this.#busyMs) * SURE_SHARE : 0;
    return this.#playout.captureMs(Math.max(this.#clock.monotonic(), sureMs)) - this.#frameMs;
  }

  /** How long the consumer was busy with the frame before. */
  #noteBusy(nowMs: number): void {
    if (this.#handedOverAtMs === undefined) return;
    const busyMs = nowMs - this.#handedOverAtMs;
    this.#handedOverAtMs = undefined;
    this.#thinning?.asked(busyMs);
    this.#busyMs.push(busyMs);
    if (this.#busyMs.length > REMEMBERED_TIMES) this.#busyMs.shift();
  }

  #dropAged(maxAgeMs: number): void {
    this.#hooks.setFloor(this.#clock.now() - maxAgeMs);
    this.#fill();
    this.#dropWhile(({ timestampMs }) => this.#clock.now() - timestampMs > maxAgeMs);
  }

  #dropWhile(isUnwanted: (oldest: Frame) => boolean): void {
    const drop: Drop = { cause: this.#delivery.kind === 'latest' ? 'latest' : 'age', frames: 0, ms: 0 };
    for (;;) {
      const [oldest, second] = this.#ready;
      if (oldest === undefined || !isUnwanted(oldest)) break;
      this.#ready.shift();
      if (second !== undefined) second.follow(oldest);
      else this.#before = oldest;
      drop.frames += 1;
      drop.ms += oldest.durationMs;
      oldest.release();
    }
    if (drop.frames > 0) this.#hooks.onDrop(drop);
  }
}
