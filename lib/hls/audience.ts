import { channels } from '../channels.js';

/**
 * Whether anyone listens to `kvs-frames:playlist`, as the network thread may know it: a flag in shared memory, so that no
 * message is made that nobody wants. The thread with the subscribers looks for them and sets it; the other one asks it.
 */
export class Audience {
  /** What another thread makes the same of. */
  readonly buffer: SharedArrayBuffer;
  readonly #flag: Int32Array;

  /** `buffer`: that of the audience to ask for. */
  constructor(buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#flag = new Int32Array(buffer);
  }

  /** Looks for subscribers on this thread. */
  look(): void {
    Atomics.store(this.#flag, 0, channels.playlist.hasSubscribers ? 1 : 0);
  }

  /** As of the last look. */
  get isThere(): boolean {
    return Atomics.load(this.#flag, 0) !== 0;
  }
}
