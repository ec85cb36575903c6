import { type Clock, sleep } from '../../clock.js';
import { type Clip, type ClipOptions, prepareClip } from '../clip.js';
import { clipCamera } from '../clip-camera.js';
import type { HttpFront } from '../server.js';
import type { KvsStream } from '../stream.js';
import type { FaultDeed, FaultScript } from './script.js';

/** What deeds are done to. */
export interface DeedParts {
  readonly streams: () => readonly KvsStream[];
  readonly sessions: () => readonly { expire(): void }[];
  readonly fronts: () => readonly HttpFront[];
  readonly clock: Clock;
  /** Fires when the simulator is closed. */
  readonly signal: AbortSignal;
}

/** Does what scripts want done to cameras, sessions and ports. */
export class Deeds {
  readonly #parts: DeedParts;
  readonly #clips = new Map<string, Promise<Clip>>();

  constructor(parts: DeedParts) {
    this.#parts = parts;
  }

  /** Begins to make the clips that scripts will need, so that they are there in time. */
  prepare(scripts: readonly FaultScript[]): void {
    for (const { what } of scripts.flatMap((script) => script.rows)) {
      if (what.type === 'start-camera' && what.pictures !== undefined) {
        // A failure is told when the clip is used.
        this.#clip(what.pictures).catch(() => undefined);
      }
    }
  }

  /** Resolves when it is done, to all streams that have a camera. */
  async perform(deed: FaultDeed): Promise<void> {
    const { clock, signal } = this.#parts;
    const streams = this.#parts.streams().filter((stream) => stream.cameraState !== 'none');
    switch (deed.type) {
      case 'refuse-connections': {
        const fronts = this.#parts.fronts();
        await Promise.all(fronts.map((front) => front.close()));
        await sleep(clock, deed.forMs, signal);
        await Promise.all(fronts.map((front) => front.reopen()));
        return;
      }
      case 'expire-sessions':
        for (const session of this.#parts.sessions()) session.expire();
        return;
      case 'stop-camera':
        await Promise.all(streams.map((stream) => stream.stopCamera()));
        return;
      case 'start-camera': {
        const clip = deed.pictures === undefined ? null : await this.#clip(deed.pictures);
        signal.throwIfAborted();
        const camera = clip === null ? undefined : clipCamera({ clip, backlogFragments: 0 });
        await Promise.all(streams.map((stream) => stream.startCamera(camera)));
        return;
      }
      case 'repeat-fragment':
        for (const stream of streams) stream.repeatFragment();
        return;
      case 'set-producer-clock':
        for (const stream of streams) stream.moveProducerClock(deed.byMs);
    }
  }

  #clip(pictures: ClipOptions): Promise<Clip> {
    const key = JSON.stringify(pictures);
    let clip = this.#clips.get(key);
    if (clip === undefined) this.#clips.set(key, (clip = prepareClip(pictures)));
    return clip;
  }
}
