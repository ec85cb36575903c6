import type { Clip, SimulatedStream } from '../../lib/simulator/index';
import type { Sent } from './messages';

/** What the stream keeps of a fragment beside what it promises. */
interface Stored {
  readonly index: number;
  readonly connectionMs: number;
  readonly decodeTicks: number;
  readonly init: { readonly width: number; readonly timescale: number };
  readonly producerMs: number;
  readonly durationMs: number;
  readonly frames: number;
}

/** Pictures in a run of the other camera that some faults bring: ten seconds at 20 a second. */
const OTHER_STAMPS = 200;

/** What a stream's cameras sent, each fragment once, its pictures numbered through. */
export class SentFragments {
  readonly stream: SimulatedStream;
  readonly #clip: Clip;
  readonly #usualWidth: number;
  #known: Stored | undefined;
  #serial = 0;
  /** Pictures of the camera that sends, since it was brought. */
  #ofCamera = 0;
  /** By how much the camera's clock was set. */
  #shiftMs = 0;
  #found: Sent[] = [];

  constructor(stream: SimulatedStream, clip: Clip) {
    this.stream = stream;
    this.#clip = clip;
    this.#usualWidth = (stream.fragments[0] as unknown as Stored).init.width;
    const move = stream.moveProducerClock.bind(stream);
    // What was sent before is dated by the old clock.
    stream.moveProducerClock = (byMs) => {
      this.#look();
      this.#shiftMs += byMs;
      move(byMs);
    };
  }

  /** Since the last time. */
  take(): Sent[] {
    this.#look();
    return this.#found.splice(0);
  }

  /** The camera that sends is not the one it began with. */
  get isOtherCamera(): boolean {
    this.#look();
    return this.#known !== undefined && this.#known.init.width !== this.#usualWidth;
  }

  get shiftMs(): number {
    return this.#shiftMs;
  }

  #look(): void {
    const fragments = this.stream.fragments as unknown as readonly Stored[];
    const known = this.#known?.index ?? -1;
    let from = fragments.length;
    while (from > 0 && fragments[from - 1]!.index > known) from -= 1;
    for (const fragment of fragments.slice(from)) this.#add(fragment);
  }

  #add(fragment: Stored): void {
    const { decodeTicks, connectionMs, init, frames, durationMs, producerMs } = fragment;
    const before = this.#known;
    this.#known = fragment;
    const isRepeated = before?.connectionMs === connectionMs && before.decodeTicks === decodeTicks;
    if (isRepeated) return;
    const isOther =
      before !== undefined && (before.init.width !== init.width || decodeTicks <= before.decodeTicks);
    if (isOther) this.#ofCamera = 0;
    const stamps = init.width === this.#usualWidth ? this.#clip.frames : OTHER_STAMPS;
    this.#found.push({
      serial: this.#serial,
      pictures: frames,
      dateMs: producerMs,
      trueMs: producerMs - this.#shiftMs,
      pictureMs: durationMs / frames,
      width: init.width,
      stamp: this.#ofCamera % stamps,
      stamps,
    });
    this.#serial += frames;
    this.#ofCamera += frames;
  }
}
