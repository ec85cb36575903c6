import type { Sent } from './messages';

/** How long what was sent is remembered: longer than a frame can be under way, ms of media. */
const REMEMBERED_MS = 400_000;

/** One picture that a camera sent. */
export interface Picture {
  serial: number;
  dateMs: number;
  trueMs: number;
  pictureMs: number;
  width: number;
  stamp: number;
}

/** What one camera sent of late, and which of it a frame can be. */
export class SentLog {
  /** Pictures sent so far. */
  pictures = 0;
  #sent: Sent[] = [];

  add(sent: Sent): void {
    this.#sent.push(sent);
    this.pictures = sent.serial + sent.pictures;
    const oldestMs = sent.trueMs - REMEMBERED_MS;
    while (this.#sent[0]!.trueMs < oldestMs) this.#sent.shift();
  }

  /** By number; `undefined` if it was never sent, or is forgotten. */
  picture(serial: number): Picture | undefined {
    let [low, high] = [0, this.#sent.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#sent[middle]!.serial <= serial) low = middle;
      else high = middle - 1;
    }
    const fragment = this.#sent[low];
    const offset = serial - (fragment?.serial ?? Infinity);
    return fragment !== undefined && offset >= 0 && offset < fragment.pictures
      ? inFragment(fragment, offset)
      : undefined;
  }

  /** All that bear this stamp, the oldest first. */
  withStamp(stamp: number, width: number): Picture[] {
    return this.#sent.flatMap((fragment) => {
      if (fragment.width !== width) return [];
      const offset = (stamp - fragment.stamp + fragment.stamps) % fragment.stamps;
      return offset < fragment.pictures ? [inFragment(fragment, offset)] : [];
    });
  }

  /** All that are dated so, within half a picture. */
  dated(dateMs: number): Picture[] {
    return this.#sent.flatMap((fragment) => {
      const offset = Math.round((dateMs - fragment.dateMs) / fragment.pictureMs);
      if (offset < 0 || offset >= fragment.pictures) return [];
      return [inFragment(fragment, offset)];
    });
  }
}

function inFragment(fragment: Sent, offset: number): Picture {
  const { serial, dateMs, trueMs, pictureMs, width, stamp, stamps } = fragment;
  return {
    serial: serial + offset,
    dateMs: dateMs + offset * pictureMs,
    trueMs: trueMs + offset * pictureMs,
    pictureMs,
    width,
    stamp: (stamp + offset) % stamps,
  };
}
