import type { HealthStatus } from '../health.js';
import type { GapNote, ReconnectNote, StatusMark } from './protocol.js';

/** How much of the past the strip shows. */
export const STRIP_MS = 600_000;
/** Changes of status that are kept at most: more within ten minutes is noise, and memory has an end. */
const MAX_MARKS = 200;
/** Seconds of age and bandwidth that are kept. */
export const SERIES_LENGTH = 180;
/** Gaps and reconnections that are kept, of each. */
export const NOTES_LENGTH = 8;

/** The newest of something, at most so many. */
class Newest<T> {
  readonly #length: number;
  readonly items: T[] = [];

  constructor(length: number) {
    this.#length = length;
  }

  add(item: T): void {
    this.items.push(item);
    if (this.items.length > this.#length) this.items.shift();
  }
}

/** What is kept of one camera's past: bounded, oldest first. */
export class CameraHistory {
  readonly #strip = new Newest<StatusMark>(MAX_MARKS);
  readonly #ages = new Newest<number | null>(SERIES_LENGTH);
  readonly #rates = new Newest<number | null>(SERIES_LENGTH);
  readonly #gaps = new Newest<GapNote>(NOTES_LENGTH);
  readonly #reconnects = new Newest<ReconnectNote>(NOTES_LENGTH);

  /** Notes a status if it is another one than before, and forgets those that ended before the strip begins. */
  status(status: HealthStatus, atMs: number, nowMs: number): void {
    const marks = this.#strip.items;
    if (marks.at(-1)?.status !== status) this.#strip.add({ status, atMs });
    while (marks[1] !== undefined && marks[1].atMs <= nowMs - STRIP_MS) marks.shift();
  }

  sample(ageMs: number | null, bytesPerSecond: number | null): void {
    this.#ages.add(ageMs);
    this.#rates.add(bytesPerSecond);
  }

  gap(note: GapNote): void {
    this.#gaps.add(note);
  }

  reconnect(note: ReconnectNote): void {
    this.#reconnects.add(note);
  }

  get strip(): StatusMark[] {
    return this.#strip.items;
  }

  get ages(): (number | null)[] {
    return this.#ages.items;
  }

  get rates(): (number | null)[] {
    return this.#rates.items;
  }

  get gaps(): GapNote[] {
    return this.#gaps.items;
  }

  get reconnects(): ReconnectNote[] {
    return this.#reconnects.items;
  }
}
