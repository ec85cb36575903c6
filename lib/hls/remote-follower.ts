import { join } from 'node:path';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { channels, type PlaylistMessage } from '../channels.js';
import { FrameSourceError, HlsStreamError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Session } from '../session/provider.js';
import { Audience } from './audience.js';
import type { Position } from './cursor.js';
import {
  errorFromWire,
  type FragmentName,
  type FollowerReply,
  type FollowerRequest,
  type FollowerSettings,
  type FollowerStart,
  type PlaylistLoad,
} from './follower-messages.js';
import type { Fragment, FragmentBytes, LostFragments } from './fragment.js';
import type { LoadStatistics } from './load-statistics.js';
import { UNKNOWN_STALL_LIMIT_MS } from './rhythm.js';

/** One thread for the network of all sources of a JavaScript environment, while there are any. */
class NetworkThread {
  static #shared: NetworkThread | undefined;
  readonly #worker: Worker;
  readonly #onEnd = new Set<(error: Error) => void>();

  /** The thread, and a promise to give it back. */
  static share(onEnd: (error: Error) => void): NetworkThread {
    this.#shared ??= new NetworkThread();
    this.#shared.#onEnd.add(onEnd);
    return this.#shared;
  }

  private constructor() {
    // A worker needs compiled code, and lib/hls and dist/hls are equally deep. It takes none of the process's flags:
    // those of a test runner or of `node -e` don't fit it.
    const path = join(__dirname, '..', '..', 'dist', 'hls', 'network-thread.js');
    try {
      this.#worker = new Worker(path, { name: 'kvs-frames network', execArgv: [] });
    } catch (cause) {
      throw new FrameSourceError(
        'ENGINE_FAILED',
        `The network thread can't be started: ${cause instanceof Error ? cause.message : String(cause)}. The process has ` +
          'too many threads or too little memory: raise its limits (ulimit -u, -v, the memory of its container), or read ' +
          'fewer cameras in it.',
        { cause },
      );
    }
    // The ports of running followers keep the process alive, not the thread.
    this.#worker.unref();
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', (code) => this.#end(new Error(`The network thread ended with code ${code}`)));
  }

  open(start: FollowerStart): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ port: port2, start }, [port2]);
    return port1;
  }

  /** The last one out ends the thread. */
  async leave(onEnd: (error: Error) => void): Promise<void> {
    this.#onEnd.delete(onEnd);
    if (this.#onEnd.size > 0) return;
    if (NetworkThread.#shared === this) NetworkThread.#shared = undefined;
    await this.#worker.terminate();
  }

  /** Told once, though a thread that dies of an error ends twice: with the error, and with its code. */
  #end(error: Error): void {
    if (NetworkThread.#shared === this) NetworkThread.#shared = undefined;
    const listeners = [...this.#onEnd];
    this.#onEnd.clear();
    for (const onEnd of listeners) onEnd(error);
  }
}

/** The thread can be made again: to the policy it is like a lost connection. */
function threadEnded(cause?: Error): HlsStreamError {
  return new HlsStreamError('HLS_NETWORK', 'The network thread ended; another one is started', { cause });
}

/** One for all followers of a JavaScript environment: they have the same channel. */
const audience = new Audience();

/** Whose follower it is, and what it tells of its work. */
export interface RemoteFollowerContext {
  /** Names the source in what is published. */
  cameraId: string;
  logger: Logger;
  /** What counts the requests; several followers of one source may share it. */
  loads: LoadStatistics;
}

/** What `run` waits for. */
type Next = { fragment: Fragment } | { lost: LostFragments | null };

/** Someone who waits for a reply. */
interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/**
 * A {@link Follower} on the network thread: playlists, HTTP and TLS cost the calling thread nothing but a message per
 * fragment. Its `run`, `offer` and `again` are the follower's own.
 */
export class RemoteFollower {
  readonly #settings: FollowerSettings;
  readonly #context: RemoteFollowerContext;
  readonly #offers = new Map<number, Waiter<void>>();
  readonly #agains = new Map<number, (bytes: FragmentBytes | null) => void>();
  #thread: NetworkThread | undefined;
  #port: MessagePort | undefined;
  #lastId = 0;
  #run = 0;
  #waiting: Waiter<Next> | undefined;
  #init: Uint8Array | null = null;
  #position: Position | null = null;
  #stallLimitMs = UNKNOWN_STALL_LIMIT_MS;
  #floorMs = -Infinity;

  constructor(settings: FollowerSettings, context: RemoteFollowerContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** Starts the thread if need be. `run` does so too; calling this before lets it start while a session is acquired. */
  open(): void {
    if (this.#port !== undefined) return;
    this.#thread = NetworkThread.share(this.#onThreadEnd);
    this.#port = this.#thread.open({
      ...this.#settings,
      position: this.#position,
      floorMs: this.#floorMs,
      loads: this.#context.loads.buffer,
      audience: audience.buffer,
    });
    this.#port.on('message', (reply: FollowerReply) => this.#onReply(reply));
    this.#port.unref();
  }

  /** As {@link Follower.stallLimitMs}, as of the last fragment. */
  get stallLimitMs(): number {
    return this.#stallLimitMs;
  }

  /** As {@link Follower.setFloor}; holds from the first fragment on if it is called before. */
  setFloor(dateMs: number): void {
    if (dateMs === this.#floorMs) return;
    this.#floorMs = dateMs;
    this.#send({ kind: 'floor', dateMs });
  }

  /** As {@link Follower.run}. */
  async *run(
    session: Session,
    signal: AbortSignal,
  ): AsyncGenerator<Fragment, LostFragments | null, undefined> {
    signal.throwIfAborted();
    this.open();
    const run = ++this.#lastId;
    this.#run = run;
    const port = this.#port;
    this.#send({ kind: 'run', run, session });
    port?.ref();
    const onAbort = (): void => this.#waiting?.reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        signal.throwIfAborted();
        if (this.#port !== port) throw threadEnded();
        const next = new Promise<Next>((resolve, reject) => (this.#waiting = { resolve, reject }));
        this.#send({ kind: 'next', run });
        const news = await next;
        if ('lost' in news) return news.lost;
        yield news.fragment;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#waiting = undefined;
      if (this.#port === port) this.#send({ kind: 'end-run', run });
      port?.unref();
    }
  }

  /** As {@link Follower.offer}. */
  async offer(session: Session, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#port === undefined) throw threadEnded();
    const offer = ++this.#lastId;
    const onAbort = (): void => {
      this.#send({ kind: 'end-offer', offer });
      this.#offers.get(offer)?.reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.#offers.set(offer, { resolve, reject });
        this.#send({ kind: 'offer', offer, session });
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#offers.delete(offer);
    }
  }

  /** As {@link Follower.again}; also `null` if the thread has ended. */
  async again(
    { sessionId, sequence, dateMs }: FragmentName,
    signal: AbortSignal,
  ): Promise<FragmentBytes | null> {
    signal.throwIfAborted();
    if (this.#port === undefined) return null;
    const again = ++this.#lastId;
    let onAbort = (): void => {};
    try {
      return await new Promise<FragmentBytes | null>((resolve, reject) => {
        onAbort = () => {
          this.#send({ kind: 'end-again', again });
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        this.#agains.set(again, resolve);
        const of = { sessionId, sequence, ...(dateMs !== undefined && { dateMs }) };
        this.#send({ kind: 'again', again, of });
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#agains.delete(again);
    }
  }

  /** Ends connections, and the thread if nobody else needs it. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#port?.close();
    this.#port = undefined;
    this.#thread = undefined;
    for (const resolve of this.#agains.values()) resolve(null);
    await thread?.leave(this.#onThreadEnd);
  }

  readonly #onThreadEnd = (cause: Error): void => {
    this.#port?.close();
    this.#port = undefined;
    this.#thread = undefined;
    const error = threadEnded(cause);
    this.#waiting?.reject(error);
    for (const waiter of this.#offers.values()) waiter.reject(error);
    for (const resolve of this.#agains.values()) resolve(null);
  };

  #send(request: FollowerRequest): void {
    audience.look();
    this.#port?.postMessage(request);
  }

  #onReply(reply: FollowerReply): void {
    audience.look();
    switch (reply.kind) {
      case 'fragment':
        if (reply.init !== undefined) this.#init = reply.init;
        if (reply.run !== this.#run) break;
        this.#position = reply.position;
        this.#stallLimitMs = reply.stallLimitMs;
        this.#waiting?.resolve({ fragment: { ...reply.fragment, init: this.#init } });
        break;
      case 'ended':
        if (reply.run === this.#run) this.#waiting?.resolve({ lost: reply.lost });
        break;
      case 'failed':
        if (reply.run === this.#run) this.#waiting?.reject(errorFromWire(reply.error));
        break;
      case 'offered': {
        const waiter = this.#offers.get(reply.offer);
        if (reply.error === undefined) waiter?.resolve();
        else waiter?.reject(errorFromWire(reply.error));
        break;
      }
      case 'again':
        this.#agains.get(reply.again)?.(reply.bytes);
        break;
      case 'playlist':
        this.#publish(reply.load);
        break;
      case 'log':
        this.#context.logger[reply.level](reply.message);
        break;
    }
  }

  #publish({ result, ...load }: PlaylistLoad): void {
    if (!channels.playlist.hasSubscribers) return;
    const message: PlaylistMessage = {
      cameraId: this.#context.cameraId,
      ...load,
      ...(result === 'cancelled' && { cancelled: true }),
      ...(result !== 'ok' && result !== 'cancelled' && { code: result }),
    };
    channels.playlist.publish(message);
  }
}
