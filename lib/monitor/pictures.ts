import type { ServerResponse } from 'node:http';
import { channels, type FrameMessage } from '../channels.js';
import type { Clock } from '../clock.js';
import type { Frame } from '../frames/frame.js';
import type { HttpRequest } from '../http/route.js';

/** Widths of pictures: in a tile, and enlarged. */
const WIDTHS = { tile: 480, large: 1280 } as const;
export type PictureSize = keyof typeof WIDTHS;
/** Enough to see what there is to see; a third of the bytes of quality 85. */
const QUALITY = 70;
/** Pictures that are encoded at a time, in some milliseconds each: half of the threads that Node has for such work. */
const MAX_ENCODING = 2;
/** A picture younger than this is new to whoever asks, and there is no other one, however many ask how often. */
const FRESH_MS = 400;
/** How long a request waits for a frame unless it says otherwise, and at most. */
const MAX_WAIT_MS = 3_000;
/** For so long after a request the next frame is encoded: frames come in bursts, a fragment's length apart. */
const WANTED_MS = 3_000;
/** A picture that nobody asked for since is forgotten. */
const KEEP_MS = 10_000;
/** Requests that may wait at a time. */
const MAX_WAITING = 256;

/** A file of a camera's picture. */
interface Picture {
  jpeg: Buffer;
  /** Counts up over all pictures of the monitor. */
  serial: number;
  capturedMs: number;
  madeAtMs: number;
}

/** Pictures of one camera in one size. */
interface Desk {
  width: number;
  picture: Picture | null;
  /** Why there can't be one, in words. */
  failure: string | null;
  /** The next frame is encoded if it comes before that. */
  wantedUntilMs: number;
  isEncoding: boolean;
  askedAtMs: number;
  waiters: Set<() => void>;
}

/**
 * Pictures for who looks. A request makes one frame of its camera be encoded, the next one that comes; without requests nothing is
 * subscribed to and nothing costs. Frames are encoded on libuv's threads, a few at a time; those that come meanwhile pass.
 */
export class Pictures {
  readonly #clock: Clock;
  readonly #desks = new Map<object, Map<PictureSize, Desk>>();
  #isSubscribed = false;
  #encoding = 0;
  #waiting = 0;
  #serial = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Answers a request for the newest picture. `?size=large`: a large one; `?after=N`: not the one with that serial;
   * `?waitMs=N`: waits no longer than that. 204 if there is none; 415, in words, if the camera's frames can't be one.
   */
  async answer(source: object, request: HttpRequest, response: ServerResponse): Promise<void> {
    const { query, signal } = request;
    const desk = this.#desk(source, query.get('size') === 'large' ? 'large' : 'tile');
    desk.askedAtMs = this.#clock.monotonic();
    const after = Number(query.get('after') ?? 0);
    const isNew = (picture: Picture | null): picture is Picture =>
      picture !== null && picture.serial !== after;
    const isFresh = isNew(desk.picture) && this.#clock.monotonic() - desk.picture.madeAtMs < FRESH_MS;
    if (!isFresh && desk.failure === null) {
      if (this.#waiting >= MAX_WAITING) {
        response.writeHead(503, { 'retry-after': '5' }).end();
        return;
      }
      await this.#wait(desk, waitMsOf(query), signal);
    }
    if (desk.failure !== null) {
      response.writeHead(415, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(desk.failure);
    } else if (isNew(desk.picture)) {
      const { jpeg, serial, capturedMs } = desk.picture;
      response.writeHead(200, {
        'content-type': 'image/jpeg',
        'content-length': jpeg.length,
        'x-captured-ms': Math.round(capturedMs),
        'x-serial': serial,
      });
      response.end(jpeg);
    } else {
      response.writeHead(204).end();
    }
  }

  /** To be called about once a second: wishes that nothing came for end, pictures nobody looks at are forgotten. */
  sweep(): void {
    const now = this.#clock.monotonic();
    for (const [source, desks] of this.#desks) {
      for (const [size, desk] of desks) {
        const isAskedFor = desk.waiters.size > 0 || desk.isEncoding || now - desk.askedAtMs < KEEP_MS;
        if (!isAskedFor) desks.delete(size);
      }
      if (desks.size === 0) this.#desks.delete(source);
    }
    this.#subscribe();
  }

  /** Ends: requests that wait are answered. */
  close(): void {
    const desks = this.#allDesks();
    this.#desks.clear();
    this.#subscribe();
    for (const { waiters } of desks) for (const done of [...waiters]) done();
  }

  #desk(source: object, size: PictureSize): Desk {
    let desks = this.#desks.get(source);
    if (desks === undefined) this.#desks.set(source, (desks = new Map<PictureSize, Desk>()));
    let desk = desks.get(size);
    if (desk === undefined) {
      desk = {
        width: WIDTHS[size],
        picture: null,
        failure: null,
        wantedUntilMs: -Infinity,
        isEncoding: false,
        askedAtMs: 0,
        waiters: new Set(),
      };
      desks.set(size, desk);
    }
    return desk;
  }

  #allDesks(): Desk[] {
    return [...this.#desks.values()].flatMap((desks) => [...desks.values()]);
  }

  /** Until the next picture is there, at most `ms`. */
  async #wait(desk: Desk, ms: number, signal: AbortSignal): Promise<void> {
    desk.wantedUntilMs = this.#clock.monotonic() + WANTED_MS;
    this.#subscribe();
    if (ms === 0 || signal.aborted) return;
    this.#waiting += 1;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        desk.waiters.delete(done);
        resolve();
      };
      const cancel = this.#clock.afterIfAlive(ms, done);
      signal.addEventListener('abort', done, { once: true });
      desk.waiters.add(done);
    });
    this.#waiting -= 1;
  }

  /** Subscribed while a frame is wanted, and not otherwise: published frames cost their program time. */
  #subscribe(): void {
    const now = this.#clock.monotonic();
    const isWanted = this.#allDesks().some(({ wantedUntilMs }) => wantedUntilMs > now);
    if (isWanted === this.#isSubscribed) return;
    this.#isSubscribed = isWanted;
    if (isWanted) channels.frame.subscribe(this.#onFrame);
    else channels.frame.unsubscribe(this.#onFrame);
  }

  readonly #onFrame = (message: unknown): void => {
    const { source, frame } = message as FrameMessage;
    const now = this.#clock.monotonic();
    for (const desk of this.#desks.get(source)?.values() ?? []) {
      const isDue = now - (desk.picture?.madeAtMs ?? -Infinity) >= FRESH_MS;
      const isWanted = !desk.isEncoding && isDue && desk.wantedUntilMs > now;
      if (isWanted && this.#encoding < MAX_ENCODING) void this.#encode(desk, frame);
    }
  };

  async #encode(desk: Desk, frame: Frame): Promise<void> {
    desk.isEncoding = true;
    this.#encoding += 1;
    try {
      const { timestampMs } = frame;
      // It holds the pixels by itself until the file is done, whatever becomes of the frame.
      const jpeg = await frame.toJpeg({ quality: QUALITY, maxWidth: desk.width });
      this.#serial += 1;
      const madeAtMs = this.#clock.monotonic();
      desk.picture = { jpeg, serial: this.#serial, capturedMs: timestampMs, madeAtMs };
    } catch (error) {
      desk.failure = error instanceof Error ? error.message : String(error);
    } finally {
      desk.isEncoding = false;
      this.#encoding -= 1;
    }
    desk.wantedUntilMs = -Infinity;
    this.#subscribe();
    for (const done of [...desk.waiters]) done();
  }
}

function waitMsOf(query: URLSearchParams): number {
  const asked = Number(query.get('waitMs') ?? MAX_WAIT_MS);
  return asked >= 0 ? Math.min(asked, MAX_WAIT_MS) : MAX_WAIT_MS;
}
