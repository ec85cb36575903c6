/** One ISO BMFF box inside a buffer: `start` … `end`, its payload from `body`. */
export interface Box {
  readonly type: string;
  readonly start: number;
  readonly body: number;
  readonly end: number;
}

/** The bytes are not the MP4 they should be. */
export class Mp4Error extends Error {
  override readonly name = 'Mp4Error';
}

/** Length of the box that starts at `at`, or `null` while its header is not all there. */
function boxBytes(data: Buffer, at: number, end: number): { bytes: number; headerBytes: number } | null {
  if (end - at < 8) return null;
  const short = data.readUInt32BE(at);
  if (short === 1) {
    if (end - at < 16) return null;
    return { bytes: Number(data.readBigUInt64BE(at + 8)), headerBytes: 16 };
  }
  if (short < 8) throw new Mp4Error(`box at byte ${at} announces ${short} bytes`);
  return { bytes: short, headerBytes: 8 };
}

/** The boxes of `data` between two offsets, in order. Throws {@link Mp4Error} where one overruns. */
export function boxesOf(data: Buffer, start = 0, end = data.length): Box[] {
  const found: Box[] = [];
  for (let at = start; at < end;) {
    const size = boxBytes(data, at, end);
    if (size === null || size.bytes < size.headerBytes || at + size.bytes > end) {
      throw new Mp4Error(`box at byte ${at} overruns its parent, which ends at ${end}`);
    }
    const type = data.toString('latin1', at + 4, at + 8);
    found.push({ type, start: at, body: at + size.headerBytes, end: at + size.bytes });
    at += size.bytes;
  }
  return found;
}

/** The first box down a path such as `['moov', 'trak', 'mdia']`. Throws {@link Mp4Error} if absent. */
export function boxAt(data: Buffer, path: readonly string[], within?: Box): Box {
  let box = within;
  for (const type of path) {
    const next = boxesOf(data, box?.body ?? 0, box?.end ?? data.length).find((child) => child.type === type);
    if (next === undefined) throw new Mp4Error(`no ${path.join('/')} box: ${type} is missing`);
    box = next;
  }
  if (box === undefined) throw new Mp4Error('an empty box path names nothing');
  return box;
}

/** What comes out of an {@link Mp4Splitter}. */
export interface Mp4Parts {
  /** `ftyp` + `moov`. */
  onInit(bytes: Buffer): void;
  /** `moof` + `mdat`. */
  onFragment(bytes: Buffer): void;
}

/** Cuts a fragmented MP4, arriving in pieces of any size, into its init section and its fragments. */
export class Mp4Splitter {
  readonly #parts: Mp4Parts;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #neededBytes = 8;
  #leading: Buffer | null = null;

  constructor(parts: Mp4Parts) {
    this.#parts = parts;
  }

  /** True when nothing of an unfinished box or fragment is held back. */
  get isAtBoundary(): boolean {
    return this.#heldBytes === 0 && this.#leading === null;
  }

  /** Takes the next bytes; calls back for each part they complete. Throws {@link Mp4Error}. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    // Joined only once a whole box is there: joining at every chunk copies large fragments many times.
    while (this.#heldBytes >= this.#neededBytes) {
      const held = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      this.#chunks = [held];
      const size = boxBytes(held, 0, held.length);
      if (size === null || held.length < size.bytes) {
        this.#neededBytes = size?.bytes ?? 16;
        return;
      }
      this.#take(held.toString('latin1', 4, 8), held.subarray(0, size.bytes));
      this.#chunks = [held.subarray(size.bytes)];
      this.#heldBytes -= size.bytes;
      this.#neededBytes = 8;
    }
  }

  #take(type: string, box: Buffer): void {
    if (type === 'ftyp' || type === 'moof') this.#leading = box;
    else if (type === 'moov') this.#parts.onInit(this.#join(box));
    else if (type === 'mdat') this.#parts.onFragment(this.#join(box));
  }

  #join(box: Buffer): Buffer {
    if (this.#leading === null) throw new Mp4Error('a moov or mdat box came without the box that leads it');
    const joined = Buffer.concat([this.#leading, box]);
    this.#leading = null;
    return joined;
  }
}
