import { ConfigError } from '../errors.js';
import type { Camera, CameraContext, CameraFeed } from './camera.js';
import type { Clip } from './clip.js';

export interface ClipCameraOptions {
  /** From `prepareClip` or `parseClip`. */
  clip: Clip;
  /** Fragments that are already there, and visible, when the camera first starts. Default 3. */
  backlogFragments?: number;
  /**
   * How many times faster than real time fragments are sent, 0.1–100. Producer times and media times stay true to
   * each other, so above 1 they run ahead of the clock, while server times follow it. Default 1.
   */
  speed?: number;
}

/**
 * A camera that sends a prepared clip in real time without ffmpeg running, over and over with times that go on.
 *
 * Stamps are the clip's own. With `n = stamp.frameNumber` and `t = stamp.captureMs`, loop `k` shows picture
 * number `n + k × clip.frames`, captured at `stream.stampEpochMs + k × clip.durationMs + t`. A new
 * connection goes on with the fragment after the last one sent: picture numbers have no hole, times do.
 */
export function clipCamera(options: ClipCameraOptions): Camera {
  const { clip, backlogFragments = 3, speed = 1 } = options;
  if (!Number.isInteger(backlogFragments) || backlogFragments < 0) {
    throw new ConfigError(`Expected integer ≥ 0 for backlogFragments but received ${backlogFragments}`);
  }
  if (!(speed >= 0.1 && speed <= 100)) {
    throw new ConfigError(`Expected a number from 0.1 to 100 for speed but received ${speed}`);
  }
  return { open: (context) => new ClipFeed(context, clip, backlogFragments, speed) };
}

class ClipFeed implements CameraFeed {
  readonly #context: CameraContext;
  readonly #clip: Clip;
  readonly #speed: number;
  #backlogFragments: number;
  /** Fragments sent since the first start: which one comes next, and in which loop. */
  #sent = 0;
  #epochMs = 0;
  /** Clock time at which tick `#startTicks` was sent. */
  #startMs = 0;
  #startTicks = 0;
  #cancel: (() => void) | null = null;

  constructor(context: CameraContext, clip: Clip, backlogFragments: number, speed: number) {
    this.#context = context;
    this.#clip = clip;
    this.#backlogFragments = backlogFragments;
    this.#speed = speed;
  }

  get stampEpochMs(): number {
    return this.#epochMs;
  }

  start(): Promise<void> {
    if (this.#cancel !== null) return Promise.resolve();
    const { clock, ingestDelayMs } = this.#context;
    const now = Math.round(clock.now());
    const backlog = this.#backlogFragments;
    // Only the first connection has a past; a later one's would overlap what was sent before it.
    this.#backlogFragments = 0;
    const backlogMs = this.#toMs(this.#startOf(this.#sent + backlog).ticks - this.#startOf(this.#sent).ticks);
    this.#startTicks = this.#startOf(this.#sent).ticks;
    this.#startMs = backlog === 0 ? now : Math.round(now - ingestDelayMs - backlogMs / this.#speed);
    this.#epochMs =
      (backlog === 0 ? now : Math.round(now - ingestDelayMs - backlogMs)) - this.#toMs(this.#startTicks);
    for (let n = 0; n < backlog; n++) this.#send();
    this.#schedule();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    return Promise.resolve();
  }

  #schedule(): void {
    const { clock } = this.#context;
    const { ticks, contents } = this.#startOf(this.#sent);
    const dueMs = this.#sentAtMs(ticks + contents.firstPresentationTicks + contents.durationTicks);
    this.#cancel = clock.after(Math.max(0, dueMs - clock.now()), () => {
      this.#send();
      this.#schedule();
    });
  }

  #send(): void {
    const { ticks, contents, media } = this.#startOf(this.#sent);
    const firstTicks = ticks + contents.firstPresentationTicks;
    this.#sent += 1;
    this.#context.publish({
      init: this.#clip.init,
      media,
      connectionMs: this.#epochMs,
      decodeTicks: ticks,
      producerMs: this.#epochMs + this.#toMs(firstTicks),
      durationMs: this.#toMs(contents.durationTicks),
      frames: contents.samples.length,
      sentFromMs: this.#sentAtMs(firstTicks),
      sentUntilMs: this.#sentAtMs(firstTicks + contents.durationTicks),
    });
  }

  /** The fragment sent as number `index` since the first start, and its decode time since loop 0. */
  #startOf(index: number): Clip['fragments'][number] & { ticks: number } {
    const { fragments, durationTicks } = this.#clip;
    const fragment = fragments[index % fragments.length]!;
    const loop = Math.floor(index / fragments.length);
    return { ...fragment, ticks: loop * durationTicks + fragment.contents.decodeTicks };
  }

  #toMs(ticks: number): number {
    return (ticks * 1000) / this.#clip.init.timescale;
  }

  #sentAtMs(ticks: number): number {
    return this.#startMs + this.#toMs(ticks - this.#startTicks) / this.#speed;
  }
}
