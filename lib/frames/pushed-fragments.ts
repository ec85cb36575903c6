import type { Fragment, FragmentBytes } from '../hls/fragment.js';
import type { LedgerFragment } from '../policy/ledger.js';
import type { FrameFragment } from './frame.js';
import { continuedTime, fragmentTime, type DateTrust, type FragmentTime } from './timestamp.js';

/** How many fragments a decoder may be behind with its pictures: reordering never spans more than two. */
const REMEMBERED_FRAGMENTS = 16;

/** What is remembered of a fragment until its frames are out. */
export interface PushedFragment {
  readonly fragment: FrameFragment;
  readonly ledger: LedgerFragment;
  /** `null` once the engine has read them. */
  bytes: FragmentBytes | null;
}

interface Entry extends PushedFragment {
  readonly receivedAtMs: number;
  /** Goes on where the fragment before ended, as far as the playlist says. */
  readonly continues: boolean;
  /** Its first frame must say that it does not, and has not said so yet. */
  breakIsDue: boolean;
  /** The playlist's word until it is measured. */
  lengthMs: number;
  /** Settled once it has been joined to the fragment before. */
  time: FragmentTime;
  isSettled: boolean;
}

/** The fragments that were given to the engine, by the number they were given. */
export class PushedFragments {
  readonly #trust: DateTrust;
  readonly #entries = new Map<number, Entry>();
  #nextId = 0;
  /** A fragment that was forgotten had a break due. */
  #breakIsDue = false;

  constructor(trust: DateTrust) {
    this.#trust = trust;
  }

  /** The number of the fragment that is added next. */
  get nextId(): number {
    return this.#nextId;
  }

  add(fragment: Fragment): PushedFragment {
    const { number, sequence, durationMs, sessionId, init, media, receivedAtMs } = fragment;
    const { isAdjacent, lost, elapsedMs } = fragment;
    const time = fragmentTime(fragment, this.#trust);
    const isDated = time.source !== 'received';
    const continues = !fragment.discontinuity && lost === null;
    const entry: Entry = {
      fragment: { number, sequence, dateMs: fragment.dateMs, durationMs, sessionId },
      ledger: {
        ...{ dateMs: isDated ? time.startMs : null, durationMs, aheadMs: time.startMs - receivedAtMs },
        ...{ sessionId, isAdjacent, lost, elapsedMs },
      },
      bytes: { init, media },
      receivedAtMs,
      continues,
      breakIsDue: !continues,
      lengthMs: durationMs,
      time,
      isSettled: isDated || !continues,
    };
    this.#entries.set(this.#nextId, entry);
    this.#nextId += 1;
    return entry;
  }

  get(id: number): PushedFragment | undefined {
    return this.#entries.get(id);
  }

  /** When its first picture was taken. REQUIRES: the fragments before it were read. */
  timeOf(id: number): FragmentTime | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.isSettled) return entry?.time;
    entry.isSettled = true;
    const before = this.#entries.get(id - 1);
    if (before?.time.source === 'received') {
      const endMs = before.time.startMs + before.lengthMs;
      entry.time = continuedTime(entry.time, endMs, entry.receivedAtMs, this.#trust);
    }
    return entry.time;
  }

  /** The engine has read it and lets its bytes go. `durationMs`: its true length, `null` if it could not be measured. */
  read(id: number, durationMs: number | null): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.timeOf(id);
    entry.bytes = null;
    entry.lengthMs = durationMs ?? entry.lengthMs;
    this.#forgetBefore(id - REMEMBERED_FRAGMENTS);
  }

  /** Whether the playlist says of this fragment, or of one before it that gave no frame, that it breaks with the one before. */
  takeBreak(id: number): boolean {
    let isDue = this.#breakIsDue;
    this.#breakIsDue = false;
    for (const [other, entry] of this.#entries) {
      if (other > id) break;
      isDue ||= entry.breakIsDue;
      entry.breakIsDue = false;
    }
    return isDue;
  }

  clear(): void {
    this.#entries.clear();
  }

  #forgetBefore(id: number): void {
    for (const [other, entry] of this.#entries) {
      if (other >= id) break;
      this.#breakIsDue ||= entry.breakIsDue;
      this.#entries.delete(other);
    }
  }
}
