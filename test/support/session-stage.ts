import { type FrameSourceError, HlsStreamError, KvsConnectionError } from '../../lib/errors';
import type { Fragment, LostFragments } from '../../lib/hls/fragment';
import { SessionLoop } from '../../lib/session-loop';
import type { Session, SessionRequest } from '../../lib/session/provider';
import { FakeClock, settled } from './fake-clock';

export const expired = (): Error => new HlsStreamError('HLS_SESSION_EXPIRED', 'refused', { status: 403 });
export const offline = (): Error => new KvsConnectionError('KVS_NO_FRAGMENTS', 'silent');
export const reset = (): Error => new HlsStreamError('HLS_NETWORK', 'reset');

/** Sessions, fragments and a record of what happened, all under the test's control. */
export class Stage {
  readonly clock = new FakeClock();
  readonly requests: Omit<SessionRequest, 'signal'>[] = [];
  readonly log: string[] = [];
  /** Classes of the failures that were told. */
  readonly faults: string[] = [];
  /** Lines above debug. */
  readonly told: string[] = [];
  /** What acquiring answers, in turn; an empty list makes sessions of 300 s. */
  acquireErrors: (Error | undefined)[] = [];
  offerErrors: (Error | undefined)[] = [];
  goesOn = false;
  /** There is no room for another fragment. */
  isFull = false;
  /** A session was opened, and is not in use yet. */
  onAcquired = (): void => {};
  /** What a list's end says is missing. */
  lost: LostFragments | null = null;
  #feed: ((event: Partial<Fragment> | Error | 'end') => void) | undefined;
  #sessions = 0;
  readonly stopping = new AbortController();
  readonly loop: SessionLoop;
  readonly result: Promise<unknown>;

  constructor() {
    this.loop = new SessionLoop(
      {
        provider: { acquire: (request) => this.#acquire(request), close: () => {} },
        fragments: {
          run: (session, signal) => this.#run(session, signal),
          offer: (session) => this.#offer(session),
        },
        policy: { delayMs: 1000, maxDelayMs: 8000, multiplier: 2, maxConsecutiveErrors: 3 },
        renewalMarginMs: 30_000,
        clock: this.clock,
        random: () => 0.5,
        logger: {
          debug: () => {},
          info: (message) => this.told.push(String(message)),
          warn: (message) => this.told.push(String(message)),
          error: (message) => this.told.push(String(message)),
        },
        cameraId: 'cam',
      },
      {
        onFragment: (fragment) => {
          this.log.push(`fragment ${fragment.sequence}`);
          this.loop.onFrame(fragment.sessionId);
          return this.isFull ? new Promise(() => {}) : Promise.resolve();
        },
        onEnd: (lost) => {
          if (lost !== null) this.log.push(`lost ${lost.ms}`);
          return Promise.resolve(this.goesOn);
        },
        onPhase: (from, to) => this.log.push(`${from.phase} ${from.connection}>${to.connection} ${to.phase}`),
        onSession: (session, isRenewal) =>
          this.log.push(`session ${session.id}${isRenewal ? ' renewed' : ''}`),
        onOffline: ({ code }) => this.log.push(`offline ${code}`),
        onReconnect: (_, afterMs) => this.log.push(`reconnect ${afterMs}`),
        onFault: (fault, error) => {
          this.faults.push(fault);
          if (fault !== 'offline' && fault !== 'expired') this.log.push((error as FrameSourceError).code);
        },
      },
    );
    this.result = this.loop.run(this.stopping.signal).catch((error: unknown) => error);
  }

  async feed(event: Partial<Fragment> | Error | 'end'): Promise<void> {
    this.#feed?.(event);
    await settled();
  }

  #acquire({ signal: _, ...request }: SessionRequest): Promise<Session> {
    this.requests.push(request);
    const error = this.acquireErrors.shift();
    if (error !== undefined) return Promise.reject(error);
    this.#sessions += 1;
    const [expiresAtMs, endsAtMs] = [this.clock.now() + 300_000, this.clock.monotonic() + 300_000];
    this.onAcquired();
    return Promise.resolve({ id: this.#sessions, url: 'http://x', expiresAtMs, endsAtMs });
  }

  #offer(session: Session): Promise<void> {
    this.log.push(`offer ${session.id}`);
    const error = this.offerErrors.shift();
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  }

  async *#run(session: Session, signal: AbortSignal): AsyncGenerator<Fragment, LostFragments | null> {
    for (;;) {
      const event = await new Promise<Partial<Fragment> | Error | 'end'>((resolve, reject) => {
        this.#feed = resolve;
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
      if (event === 'end') return this.lost;
      if (event instanceof Error) throw event;
      yield { sessionId: session.id, dateMs: null, ...event } as Fragment;
    }
  }
}
