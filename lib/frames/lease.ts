import { types } from 'node:util';
import { SHARES_PER_FRAME, shareBit } from './ring.js';

/** Where a share of a frame is kept account of; plain data over memory that threads share. */
export interface LeasePlace {
  /** The states of the ring's slots. */
  readonly states: SharedArrayBuffer;
  /** One element for each share that a slot's frame may have: which share it is of all there ever were, and who opened it. */
  readonly cells: SharedArrayBuffer;
  readonly slot: number;
  /** Which of the frame's, from 0. */
  readonly share: number;
  /** Counts the ring's shares from 1. */
  readonly ticket: number;
}

const TICKET_SHIFT = 32n;

function cellBytes(slots: number): number {
  return slots * SHARES_PER_FRAME * BigInt64Array.BYTES_PER_ELEMENT;
}

/** Elements of {@link LeasePlace.cells} for so many slots. */
export function newCells(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(cellBytes(slots));
}

/** Whether a number can be a place in memory. */
export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether it says where a share's account is. */
export function isLeasePlace(value: Partial<LeasePlace> | null | undefined): value is LeasePlace {
  const { states, cells, slot, share, ticket } = value ?? {};
  if (!types.isSharedArrayBuffer(states) || !types.isSharedArrayBuffer(cells)) return false;
  if (!isIndex(slot) || !isIndex(share) || !isIndex(ticket)) return false;
  const slots = states.byteLength / Int32Array.BYTES_PER_ELEMENT;
  const isWhole = Number.isInteger(slots) && cells.byteLength === cellBytes(slots);
  return isWhole && slot < slots && share < SHARES_PER_FRAME;
}

/**
 * One share of a frame, as the thread that gives it and the one that opens it see it.
 *
 * The slot's state has a bit for it, which nobody but its opener clears, or the giver once there can be no opener any more; until
 * then the giver gives the bit to no other share. So one atomic step ends it, and wherever its opener dies, it has either ended
 * or can be ended in its place.
 */
export class Lease {
  readonly #states: Int32Array;
  readonly #cells: BigInt64Array;
  readonly #slot: number;
  readonly #cell: number;
  readonly #bit: number;
  readonly #offered: bigint;

  constructor(place: LeasePlace) {
    this.#states = new Int32Array(place.states);
    this.#cells = new BigInt64Array(place.cells);
    this.#slot = place.slot;
    this.#cell = place.slot * SHARES_PER_FRAME + place.share;
    this.#bit = shareBit(place.share);
    this.#offered = BigInt(place.ticket) << TICKET_SHIFT;
  }

  /** Begins it. REQUIRES: the giver holds the frame, and what had this place before is over. */
  offer(): void {
    Atomics.or(this.#states, this.#slot, this.#bit);
    Atomics.store(this.#cells, this.#cell, this.#offered);
  }

  /** Opens it for a thread; `false` if it was opened or withdrawn before. */
  open(thread: number): boolean {
    return this.#replace(this.#offered, this.#offered | BigInt(thread));
  }

  /** Ends it for the thread that opened it. Does nothing where it was ended in its place. */
  end(thread: number): void {
    if (Atomics.load(this.#cells, this.#cell) === (this.#offered | BigInt(thread))) this.#clear();
  }

  /** Ends it unless it was opened, and it can't be opened any more. */
  withdraw(): void {
    if (this.#replace(this.#offered, 0n)) this.#clear();
  }

  /** Ends it in the place of a thread that is no more. */
  endFor(thread: number): void {
    if (this.#replace(this.#offered | BigInt(thread), 0n)) this.#clear();
  }

  get isOver(): boolean {
    return (Atomics.load(this.#states, this.#slot) & this.#bit) === 0;
  }

  /** The thread that opened it; 0: none. */
  get opener(): number {
    return Number(Atomics.load(this.#cells, this.#cell) ^ this.#offered);
  }

  #replace(before: bigint, after: bigint): boolean {
    return Atomics.compareExchange(this.#cells, this.#cell, before, after) === before;
  }

  #clear(): void {
    Atomics.and(this.#states, this.#slot, ~this.#bit);
  }
}
