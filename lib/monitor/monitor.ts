import type { ServerResponse } from 'node:http';
import { systemClock, type Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import type { FrameSource } from '../frame-source.js';
import type { HttpRequest, Route } from '../http/route.js';
import type { Logger } from '../logger.js';
import { WatchedCamera, type Moment } from './camera.js';
import { EventStreams } from './event-streams.js';
import type { FaultControl } from './fault-control.js';
import { NOTES_LENGTH, SERIES_LENGTH, STRIP_MS } from './history.js';
import { pageRoutes } from './page-files.js';
import { Pictures } from './pictures.js';
import type { CameraChange, Snapshot, Tick } from './protocol.js';

/** Options of {@link Monitor}. */
export interface MonitorOptions {
  /** Who is shown: asked once a second, since cameras come and go. */
  sources: () => FrameSource[];
  /** Gives the page buttons that make cameras fail. */
  faults?: FaultControl;
  /** Default: the host's. */
  clock?: Clock;
  logger: Logger;
}

/** How often cameras are looked at. */
const TICK_MS = 1_000;
/** News between the ticks are collected for so long: changes of state come in groups. */
const NEWS_MS = 50;

/**
 * What the live page is made of: the page itself, its events, its pictures, its buttons. Keeps a bounded history of each camera
 * from its making on, whether somebody looks or not. Does not keep the process alive.
 */
export class Monitor {
  /** To be served, behind whatever decides who may look. */
  readonly routes: readonly Route[];

  readonly #options: MonitorOptions;
  readonly #clock: Clock;
  /** In the order of `sources()`. */
  #cameras = new Map<FrameSource, WatchedCamera>();
  readonly #streams = new EventStreams();
  readonly #pictures: Pictures;
  /** When the next second's look is due, by the clock's monotonic time. */
  #nextTickMs: number;
  #cancelTimer: () => void;
  #isLookSoon = false;
  #isClosed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#pictures = new Pictures(this.#clock);
    this.routes = [
      ...pageRoutes(),
      {
        method: 'GET',
        path: '/events',
        handle: (request, response) => this.#streams.open(request, response, 'snapshot', this.#snapshot()),
      },
      {
        method: 'GET',
        // Not in the path: browsers take a camera called .. out of it.
        path: '/picture.jpg',
        handle: (request, response) => this.#sendPicture(request, response),
      },
      ...(options.faults === undefined ? [] : [this.#faultRoute(options.faults)]),
    ];
    this.#nextTickMs = this.#clock.monotonic() + TICK_MS;
    this.#cancelTimer = (): void => {};
    this.#lookSafely(true);
  }

  /** Ends streams and waiting requests, and lets go of the sources. Idempotent. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    for (const camera of this.#cameras.values()) camera.close();
    this.#cameras.clear();
    this.#streams.close();
    this.#pictures.close();
    return Promise.resolve();
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    const isSample = now >= this.#nextTickMs;
    // A host that slept does not make up for the seconds it missed.
    if (isSample) this.#nextTickMs = Math.max(this.#nextTickMs + TICK_MS, now + TICK_MS / 2);
    this.#isLookSoon = false;
    this.#lookSafely(isSample);
  }

  #lookSafely(isSample: boolean): void {
    try {
      this.#look(isSample);
    } catch (error) {
      // The program's own function may throw, and must not end the program because it is looked at.
      this.#options.logger.error(`The monitor could not ask for the sources: ${String(error)}`);
    }
    if (isSample) this.#pictures.sweep();
    this.#cancelTimer();
    const dueMs = Math.max(0, this.#nextTickMs - this.#clock.monotonic());
    this.#cancelTimer = this.#clock.afterIfAlive(dueMs, () => this.#tick());
  }

  readonly #onNews = (): void => {
    if (this.#isLookSoon || this.#isClosed) return;
    this.#isLookSoon = true;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.afterIfAlive(NEWS_MS, () => this.#tick());
  };

  #look(isSample: boolean): void {
    const moment: Moment = { nowMs: this.#clock.now(), monotonicMs: this.#clock.monotonic(), isSample };
    const tick: Tick = { nowMs: moment.nowMs, isSample, cameras: [], added: [], gone: [] };
    this.#meet(tick);
    for (const camera of this.#cameras.values()) {
      const isNew = !camera.isKnown;
      const change = this.#lookAt(camera, moment);
      if (isNew && camera.isKnown) tick.added.push(camera.snapshot());
      else if (change !== null) tick.cameras.push(change);
    }
    this.#streams.send('tick', tick);
  }

  /** One that can't be looked at must not hide the others: it stays as it was. */
  #lookAt(camera: WatchedCamera, moment: Moment): CameraChange | null {
    try {
      return camera.look(moment, this.#options.faults?.active(camera.source.cameraId) ?? null);
    } catch (error) {
      this.#options.logger.error(`${camera.id}: the monitor could not look at it: ${String(error)}`);
      return null;
    }
  }

  /** Takes up the sources that have come, and leaves those that are gone. */
  #meet({ gone }: Tick): void {
    const before = this.#cameras;
    const sources = new Set(this.#options.sources());
    for (const [source, camera] of before) {
      if (sources.has(source)) continue;
      camera.close();
      before.delete(source);
      gone.push(camera.id);
    }
    const ids = new Set([...before.values()].map(({ id }) => id));
    for (const source of sources) {
      if (before.has(source)) continue;
      const id = unlike(ids, source.cameraId);
      ids.add(id);
      before.set(source, new WatchedCamera(id, source, () => this.#clock.now(), this.#onNews));
    }
  }

  #snapshot(): Snapshot {
    return {
      nowMs: this.#clock.now(),
      stripMs: STRIP_MS,
      seriesLength: SERIES_LENGTH,
      notesLength: NOTES_LENGTH,
      actions: this.#options.faults?.actions ?? [],
      cameras: [...this.#cameras.values()].flatMap((camera) => (camera.isKnown ? [camera.snapshot()] : [])),
    };
  }

  async #sendPicture(request: HttpRequest, response: ServerResponse): Promise<void> {
    const id = request.query.get('camera') ?? '';
    const camera = [...this.#cameras.values()].find((one) => one.id === id);
    if (camera === undefined) {
      response
        .writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
        .end('There is no such camera\n');
      return;
    }
    await this.#pictures.answer(camera.source, request, response);
  }

  #faultRoute(faults: FaultControl): Route {
    return {
      method: 'POST',
      path: '/faults',
      handle: async ({ json }, response) => {
        const { cameraId, action } = (json ?? {}) as { cameraId?: unknown; action?: unknown };
        if (typeof cameraId !== 'string' || typeof action !== 'string') {
          throw new ConfigError(
            'Expected JSON such as {"cameraId": "front-door", "action": "expire-session"}',
          );
        }
        const camera = [...this.#cameras.values()].find(({ id }) => id === cameraId);
        if (camera === undefined) throw new ConfigError(`There is no camera ${JSON.stringify(cameraId)}`);
        await faults.apply(camera.source.cameraId, action);
        this.#onNews();
        response.writeHead(204).end();
      },
    };
  }
}

/** The name, with a number if another one is called so. */
function unlike(names: ReadonlySet<string>, name: string): string {
  let unique = name;
  for (let number = 2; names.has(unique); number++) unique = `${name} (${number})`;
  return unique;
}
