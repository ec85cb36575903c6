import { parentPort, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../clock.js';
import type { Logger } from '../logger.js';
import { Audience } from './audience.js';
import {
  errorToWire,
  type FollowerReply,
  type FollowerRequest,
  type FollowerStart,
} from './follower-messages.js';
import { Follower } from './follower.js';
import type { Fragment, LostFragments } from './fragment.js';
import { LoadStatistics } from './load-statistics.js';
import { Loader, type LoadEvent } from './loader.js';

interface Run {
  id: number;
  fragments: AsyncGenerator<Fragment, LostFragments | null>;
  stop: AbortController;
  /** The run before has let go of the follower. */
  ready: Promise<unknown>;
}

/** A follower at the other end of a port. What it yields goes over with its memory, not as a copy. */
class FollowerHost {
  readonly #port: MessagePort;
  readonly #loads: LoadStatistics;
  readonly #audience: Audience;
  readonly #loader: Loader;
  readonly #follower: Follower;
  readonly #offers = new Map<number, AbortController>();
  readonly #agains = new Map<number, AbortController>();
  #run: Run | undefined;
  #sentInit: Uint8Array | null | undefined;

  constructor(port: MessagePort, start: FollowerStart) {
    this.#port = port;
    const { allowedOrigins, floorMs, loads, audience, ...following } = start;
    const { limits } = start;
    this.#loads = new LoadStatistics(loads);
    this.#audience = new Audience(audience);
    const onLoad = (event: LoadEvent): void => this.#onLoad(event);
    this.#loader = new Loader({ clock: systemClock, allowedOrigins, limits, onLoad });
    this.#follower = new Follower({
      ...following,
      loader: this.#loader,
      clock: systemClock,
      random: Math.random,
      logger: this.#logger(),
      hooks: { onDownload: (download) => this.#loads.measure(download) },
    });
    this.#follower.setFloor(floorMs);
    port.on('message', (request: FollowerRequest) => this.#onRequest(request));
    port.on('close', () => this.#close());
  }

  #onRequest(request: FollowerRequest): void {
    switch (request.kind) {
      case 'run': {
        const stop = new AbortController();
        const fragments = this.#follower.run(request.session, stop.signal);
        this.#run = { id: request.run, fragments, stop, ready: this.#endRun() };
        break;
      }
      case 'next':
        void this.#next(request.run);
        break;
      case 'end-run':
        if (this.#run?.id === request.run) void this.#endRun();
        break;
      case 'offer':
        void this.#offer(request.offer, request);
        break;
      case 'end-offer':
        this.#offers.get(request.offer)?.abort(new Error('The offer was withdrawn'));
        break;
      case 'again':
        void this.#again(request);
        break;
      case 'floor':
        this.#follower.setFloor(request.dateMs);
        break;
      case 'end-again':
        this.#agains.get(request.again)?.abort(new Error('It is not wanted any more'));
        break;
    }
  }

  /** Resolves when the run has let go of the follower, also if it stands at a fragment that nobody waits behind. */
  async #endRun(): Promise<void> {
    const run = this.#run;
    run?.stop.abort(new Error('The run was ended'));
    await run?.ready;
    await run?.fragments.return(null).catch(() => {});
  }

  async #next(id: number): Promise<void> {
    const run = this.#run;
    if (run?.id !== id) return;
    try {
      await run.ready;
      const { value, done } = await run.fragments.next();
      if (done) this.#send({ kind: 'ended', run: id, lost: value });
      else this.#sendFragment(id, value);
    } catch (error) {
      this.#send({ kind: 'failed', run: id, error: errorToWire(error) });
    }
  }

  async #offer(id: number, { session }: Extract<FollowerRequest, { kind: 'offer' }>): Promise<void> {
    const stop = new AbortController();
    this.#offers.set(id, stop);
    try {
      await this.#follower.offer(session, stop.signal);
      this.#send({ kind: 'offered', offer: id });
    } catch (error) {
      this.#send({ kind: 'offered', offer: id, error: errorToWire(error) });
    } finally {
      this.#offers.delete(id);
    }
  }

  async #again({ again, of }: Extract<FollowerRequest, { kind: 'again' }>): Promise<void> {
    const stop = new AbortController();
    this.#agains.set(again, stop);
    // Whatever the reason: it can't be had.
    const bytes = await this.#follower.again(of, stop.signal).catch(() => null);
    this.#agains.delete(again);
    const memory = bytes === null ? [] : [bytes.init, bytes.media].flatMap((part) => part?.buffer ?? []);
    this.#port.postMessage({ kind: 'again', again, bytes } satisfies FollowerReply, memory as ArrayBuffer[]);
  }

  #sendFragment(run: number, { init, ...fragment }: Fragment): void {
    const isNewInit = init !== this.#sentInit;
    this.#sentInit = init;
    const { position, stallLimitMs } = this.#follower;
    const reply: FollowerReply = {
      kind: 'fragment',
      run,
      fragment,
      position,
      stallLimitMs,
      ...(isNewInit && { init }),
    };
    // The loader made this memory for this fragment alone.
    this.#port.postMessage(reply, [fragment.media.buffer as ArrayBuffer]);
  }

  #onLoad(event: LoadEvent): void {
    this.#loads.count(event);
    const { kind } = event;
    const isPlaylist = kind === 'master' || kind === 'playlist';
    if (isPlaylist && this.#audience.isThere) this.#send({ kind: 'playlist', load: { ...event, kind } });
  }

  #send(reply: FollowerReply): void {
    this.#port.postMessage(reply);
  }

  #logger(): Logger {
    const at = (level: Extract<FollowerReply, { kind: 'log' }>['level']) => (message: string) =>
      this.#send({ kind: 'log', level, message });
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  #close(): void {
    const reason = new Error('The follower was closed');
    this.#run?.stop.abort(reason);
    for (const stop of [...this.#offers.values(), ...this.#agains.values()]) stop.abort(reason);
    this.#loader.close();
  }
}

parentPort?.on('message', ({ port, start }: { port: MessagePort; start: FollowerStart }) => {
  new FollowerHost(port, start);
});
