import type { FrameSourceErrorCode } from '../errors.js';
import type { KvsOperation } from './kvs-fault.js';

/** Control calls of one kind that came out the same. */
export interface CallCount {
  api: KvsOperation;
  /** `ok`, or the code of the error. */
  result: 'ok' | FrameSourceErrorCode;
  count: number;
}

/** Control calls so far, by API and result: as many numbers as there are kinds of both. */
export class CallCounts {
  readonly #counts = new Map<string, CallCount>();

  count(api: KvsOperation, result: 'ok' | FrameSourceErrorCode): void {
    const key = `${api} ${result}`;
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { api, result, count: 1 });
    else known.count += 1;
  }

  read(): CallCount[] {
    return [...this.#counts.values()].map((one) => ({ ...one }));
  }
}
