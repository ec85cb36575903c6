import { HlsStreamError } from '../errors.js';

/** One damaged fragment is bad luck, and so may be the next. */
const MAX_FAULTS_IN_ROW = 3;

/** Whether what arrives becomes frames. Media that can't be decoded must not look like a quiet stream. */
export class Decodability {
  #hasFrame = false;
  #faultsInRow = 0;
  #lastFault = '';

  onFrame(): void {
    this.#hasFrame = true;
    this.#faultsInRow = 0;
  }

  onFault(message: string): void {
    this.#faultsInRow += 1;
    this.#lastFault = message;
  }

  /** Throws `HLS_UNDECODABLE` once several faults came with no frame between: another session may do better. */
  check(): void {
    if (this.#faultsInRow < MAX_FAULTS_IN_ROW) return;
    this.#faultsInRow = 0;
    throw new HlsStreamError('HLS_UNDECODABLE', `The last fragments gave no frame: ${this.#lastFault}`);
  }

  /** Throws `HLS_UNSUPPORTED` if the stream ended and nothing of it could be decoded. */
  checkEnd(): void {
    if (this.#hasFrame || this.#lastFault === '') return;
    throw new HlsStreamError('HLS_UNSUPPORTED', `No frame could be decoded: ${this.#lastFault}`);
  }
}
