import { type RequestKind, type RequestNotes, requestKinds } from './exchange.js';

/** One request that was answered. Holds no token. */
export interface RequestRecord extends Readonly<RequestNotes> {
  readonly kind: RequestKind;
  /** HTTP status of the answer. */
  readonly status: number;
  /** AWS's error name, or `null`. */
  readonly errorName: string | null;
  /** Unix ms on the simulator's clock. */
  readonly atMs: number;
}

/** What was asked of the simulator so far. */
export interface RequestCounts {
  /** Requests answered, by kind; every kind is there. */
  readonly counts: Readonly<Record<RequestKind, number>>;
  /** The last 1000, oldest first. */
  readonly recent: readonly RequestRecord[];
}

const keptRecords = 1000;

export class RequestLog implements RequestCounts {
  readonly counts = Object.fromEntries(requestKinds.map((kind) => [kind, 0])) as Record<RequestKind, number>;
  readonly recent: RequestRecord[] = [];

  add(record: RequestRecord): void {
    this.counts[record.kind] += 1;
    this.recent.push(record);
    if (this.recent.length > keptRecords) this.recent.shift();
  }
}
