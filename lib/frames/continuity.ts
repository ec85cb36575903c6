import type { Drop } from '../policy/drop.js';
import type { Gap } from '../policy/gap.js';
import type { FrameBreak } from './frame.js';
import type { FragmentTime } from './timestamp.js';

/** Pictures that begin further apart than this, in ms, and than two of them last, with none dropped between, do not follow
 *  each other. */
const JUMP_MS = 250;

/** A stretch of a fragment's time line, in ms from its start. */
export interface Stretch {
  fromMs: number;
  durationMs: number;
  /** Of one of its pictures. */
  pictureMs: number;
}

/** Media time that a frame behind the gap has to say is missing. */
function missingMs(gap: Gap | null): number {
  return gap === null || gap.recovered ? 0 : gap.ms;
}

/** Whether each picture goes on where the one before ended, be that delivered or dropped. */
export class Continuity {
  /** When the newest picture was taken, and when it ended. */
  #lastMs = -Infinity;
  #lastEndMs = -Infinity;
  #isFirst = true;
  /** What dropped pictures would have said, and the next frame must. */
  #beforeDropped: FrameBreak = { discontinuity: false, gapMs: 0 };

  /**
   * What the next frame says of the media before it. `gap`: what the ledger found right before the stretch that it accounts
   * for; `isBroken`: it begins something new.
   */
  frame(time: FragmentTime, stretch: Stretch, gap: Gap | null, isBroken: boolean): FrameBreak {
    const jumps = this.#advance(time, stretch);
    const before = this.#beforeDropped;
    this.#beforeDropped = { discontinuity: false, gapMs: 0 };
    // Nothing comes before the first frame, so there is nothing to break with.
    const isNew = (isBroken || jumps || before.discontinuity) && !this.#isFirst;
    this.#isFirst = false;
    return { discontinuity: gap !== null || before.gapMs > 0 || isNew, gapMs: missingMs(gap) + before.gapMs };
  }

  /** Pictures are dropped that make up the stretch. */
  dropped(time: FragmentTime, stretch: Stretch, gap: Gap | null): void {
    const jumps = this.#advance(time, stretch);
    const { discontinuity, gapMs } = this.#beforeDropped;
    this.#beforeDropped = {
      discontinuity: discontinuity || jumps || gap !== null,
      gapMs: gapMs + missingMs(gap),
    };
  }

  /** Whether time steps back, or on by more than pictures of a running camera are apart: it came late, or a clock was set. */
  #advance({ startMs, source }: FragmentTime, { fromMs, durationMs, pictureMs }: Stretch): boolean {
    const ms = startMs + fromMs;
    const isBack = ms < this.#lastMs;
    const holeMs = ms - this.#lastEndMs;
    this.#lastMs = ms;
    this.#lastEndMs = ms + durationMs;
    return isBack || (source === 'producer' && holeMs > Math.max(JUMP_MS - pictureMs, pictureMs));
  }
}

/** Pictures that were dropped because they came too late, until that is told. */
export class LateDrops {
  #frames = 0;
  #ms = 0;

  constructor(private readonly cause: Drop['cause']) {}

  add(frames: number, ms: number): void {
    this.#frames += frames;
    this.#ms += ms;
  }

  /** Those since the last call; `undefined` if there were none. */
  take(): Drop | undefined {
    if (this.#frames === 0) return undefined;
    const drop: Drop = { cause: this.cause, frames: this.#frames, ms: this.#ms };
    this.#frames = 0;
    this.#ms = 0;
    return drop;
  }
}
