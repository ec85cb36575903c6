import { readlinkSync } from 'node:fs';
import { ConfigError, FrameSourceError } from './errors.js';
import { shown } from './config.js';
import { Lease } from './frames/lease.js';
import { Picture } from './frames/picture.js';
import { Span } from './frames/ring.js';
import { isHandle, type FrameHandle } from './frames/sharing.js';

export type { FrameHandle } from './frames/sharing.js';

let thread: number | undefined;

/** The kernel's number of this thread: the one thing by which another thread sees whether it still runs. */
function thisThread(): number {
  // The link reads PID/task/TID.
  thread ??= Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  return thread;
}

/** A frame that is dropped without release would hold its slot as long as the thread runs: then the collector gives it back. */
const forgotten = new FinalizationRegistry<Lease>((lease) => lease.end(thisThread()));

/**
 * A frame of a source in another thread, over the same memory. It holds the frame's slot until it is released, whatever
 * becomes of the frame there.
 */
export class SharedFrame extends Picture {
  readonly #memory: Span;
  readonly #lease: Lease;
  #isReleased = false;

  /** @internal */
  constructor(handle: FrameHandle, lease: Lease) {
    const { facts, memory, byteOffset } = handle;
    const { parameterSets: sets } = facts;
    // A clone of a Buffer is a Uint8Array.
    const parameterSets = sets === null ? null : Buffer.from(sets.buffer, sets.byteOffset, sets.length);
    super({ ...facts, parameterSets });
    this.#memory = new Span(memory, byteOffset, facts.bytes);
    this.#lease = lease;
    forgotten.register(this, lease, this);
  }

  override get released(): boolean {
    return this.#isReleased;
  }

  /** Gives the memory back to the source: one atomic step, of which the source's thread need not know. Doing it again does nothing. */
  override release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    forgotten.unregister(this);
    this.#lease.end(thisThread());
  }

  protected override held(): Span {
    if (this.#isReleased) {
      throw new FrameSourceError(
        'FRAME_RELEASED',
        `Frame ${this.index} was released in this thread, its memory may hold a later picture`,
      );
    }
    return this.#memory;
  }
}

/**
 * Opens a frame that another thread shared, or this one, without a copy. Release it when done; a frame that is forgotten
 * gives its memory back when it is collected, and those of a thread that ends are taken back within a second.
 *
 * A handle is opened once: call `frame.share()` for each reader. Throws `HANDLE_SPENT` if it was opened already, or taken back
 * because nobody opened it in time; `CONFIG_INVALID` for anything but a handle.
 */
export function openFrame(handle: FrameHandle): SharedFrame {
  if (!isHandle(handle)) {
    throw new ConfigError(
      `Expected what frame.share() answered, for openFrame() but received ${shown(handle)}`,
    );
  }
  const lease = new Lease(handle.lease);
  if (!lease.open(thisThread())) {
    throw new FrameSourceError(
      'HANDLE_SPENT',
      `The handle of frame ${handle.facts.index} of ${handle.facts.cameraId} was opened before, or taken back because nobody ` +
        'opened it in time. Call frame.share() once for each reader; openWithinMs is how long it waits.',
    );
  }
  return new SharedFrame(handle, lease);
}
