import { describe, expect, it } from '@jest/globals';
import { HlsStreamError, KvsConnectionError } from '../../lib/errors';
import type { Fragment } from '../../lib/hls/fragment';
import { silentLogger } from '../../lib/logger';
import { ConnectionState } from '../../lib/policy/supervisor';
import { SessionLoop } from '../../lib/session-loop';
import type { Session, SessionRequest } from '../../lib/session/provider';
import { FakeClock, settled } from '../support/fake-clock';

const expired = (): Error => new HlsStreamError('HLS_SESSION_EXPIRED', 'refused', { status: 403 });
const offline = (): Error => new KvsConnectionError('KVS_NO_FRAGMENTS', 'silent');
const reset = (): Error => new HlsStreamError('HLS_NETWORK', 'reset');

/** Sessions, fragments and a record of what happened, all under the test's control. */
class Stage {
  readonly clock = new FakeClock();
  readonly requests: Omit<SessionRequest, 'signal'>[] = [];
  readonly log: string[] = [];
  /** What acquiring answers, in turn; an empty list makes sessions of 300 s. */
  acquireErrors: (Error | undefined)[] = [];
  offerErrors: (Error | undefined)[] = [];
  goesOn = false;
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
        logger: silentLogger,
        cameraId: 'cam',
      },
      {
        onFragment: (fragment) => {
          this.log.push(`fragment ${fragment.sequence}`);
          this.loop.onFrame(fragment.sessionId);
          return Promise.resolve();
        },
        onEnd: () => Promise.resolve(this.goesOn),
        onState: (from, to) => this.log.push(`state ${from}>${to}`),
        onSession: (session, isRenewal) =>
          this.log.push(`session ${session.id}${isRenewal ? ' renewed' : ''}`),
        onReconnect: (_, afterMs) => this.log.push(`reconnect ${afterMs}`),
        onError: (error) => this.log.push(error.code),
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
    return Promise.resolve({ id: this.#sessions, url: 'http://x', expiresAtMs: this.clock.now() + 300_000 });
  }

  #offer(session: Session): Promise<void> {
    this.log.push(`offer ${session.id}`);
    const error = this.offerErrors.shift();
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  }

  async *#run(session: Session, signal: AbortSignal): AsyncGenerator<Fragment, void> {
    for (;;) {
      const event = await new Promise<Partial<Fragment> | Error | 'end'>((resolve, reject) => {
        this.#feed = resolve;
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
      if (event === 'end') return;
      if (event instanceof Error) throw event;
      yield { sessionId: session.id, dateMs: null, ...event } as Fragment;
    }
  }
}

describe('the session loop', () => {
  it('hands on fragments and ends with the stream', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0 });
    await stage.feed('end');
    expect(await stage.result).toBeUndefined();
    expect(stage.log).toEqual(['state 0>1', 'session 1', 'fragment 0', 'state 1>2', 'state 2>0']);
    expect(stage.clock.pending).toBe(0);
  });

  it('opens a new session at once when the old one is refused, where the last fragment was', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0, dateMs: 5000 });
    await stage.feed(expired());
    await stage.clock.advance(0);
    expect(stage.requests).toEqual([{}, { resumeAtMs: 5000 }]);
    expect(stage.log).toContain('reconnect 0');
    expect(stage.loop.session?.id).toBe(2);
    expect(stage.loop.connection).toBe(ConnectionState.RECONNECTING);
    await stage.feed({ sequence: 0, sessionId: 1 });
    expect(stage.loop.connection).toBe(ConnectionState.RECONNECTING);
    await stage.feed({ sequence: 1 });
    expect(stage.loop.connection).toBe(ConnectionState.CONNECTED);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('backs off after failures and gives up with the last one as the cause', async () => {
    const stage = new Stage();
    stage.acquireErrors = [reset(), reset(), reset()];
    await stage.clock.advance(10_000);
    const error = await stage.result;
    expect(error).toMatchObject({ code: 'TOO_MANY_ERRORS', cause: { code: 'HLS_NETWORK' } });
    expect(stage.log.filter((line) => line.startsWith('reconnect'))).toEqual([
      'reconnect 1000',
      'reconnect 2000',
    ]);
    expect(stage.loop.connection).toBe(ConnectionState.ERROR);
  });

  it('waits for a silent camera without giving up', async () => {
    const stage = new Stage();
    stage.acquireErrors = Array.from({ length: 20 }, offline);
    await stage.clock.advance(200_000);
    await stage.feed({ sequence: 0 });
    expect(stage.loop.connection).toBe(ConnectionState.CONNECTED);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('renews before the end of the session, while it still plays', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0, dateMs: 1 });
    // 270 s, by chance 5 % earlier.
    await stage.clock.advance(256_499);
    expect(stage.log).not.toContain('offer 2');
    await stage.clock.advance(1);
    expect(stage.log.slice(-2)).toEqual(['offer 2', 'session 2 renewed']);
    expect(stage.loop.connection).toBe(ConnectionState.CONNECTED);
    await stage.clock.advance(256_500);
    expect(stage.log.slice(-1)).toEqual(['session 3 renewed']);
    expect(stage.log.filter((line) => line.startsWith('reconnect'))).toEqual([]);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
    expect(stage.clock.pending).toBe(0);
  });

  it('tries a failed renewal again while the old session plays on', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0 });
    stage.acquireErrors = [reset()];
    stage.offerErrors = [reset()];
    await stage.clock.advance(256_500);
    expect(stage.log.slice(-1)).toEqual(['HLS_NETWORK']);
    await stage.clock.advance(1000);
    expect(stage.log.slice(-2)).toEqual(['offer 2', 'HLS_NETWORK']);
    await stage.clock.advance(2000);
    expect(stage.log.slice(-1)).toEqual(['session 3 renewed']);
    expect(stage.loop.consecutiveErrors).toBe(0);
    stage.stopping.abort(new Error('stop'));
    await stage.result;
  });

  it('goes on with a new session when the list ended before what was asked for', async () => {
    const stage = new Stage();
    stage.goesOn = true;
    await stage.clock.advance(0);
    await stage.feed({ sequence: 0, dateMs: 7000 });
    await stage.feed('end');
    await stage.clock.advance(0);
    stage.goesOn = false;
    await stage.feed({ sequence: 1, dateMs: 8000 });
    await stage.feed('end');
    expect(await stage.result).toBeUndefined();
    expect(stage.requests).toEqual([{}, { resumeAtMs: 7000 }]);
  });

  it.each(['waiting for a fragment', 'backing off'])(
    'stops at once while %s, leaving no timer',
    async (when) => {
      const stage = new Stage();
      if (when === 'backing off') stage.acquireErrors = [reset()];
      await stage.clock.advance(0);
      stage.stopping.abort(new Error('stop'));
      expect(await stage.result).toBeUndefined();
      expect(stage.loop.connection).toBe(ConnectionState.DISCONNECTED);
      expect(stage.clock.pending).toBe(0);
    },
  );

  it('ends with a defect of its own instead of hiding it in reconnections', async () => {
    const stage = new Stage();
    await stage.clock.advance(0);
    await stage.feed(new TypeError('a defect'));
    expect(await stage.result).toBeInstanceOf(TypeError);
    expect(stage.loop.connection).toBe(ConnectionState.ERROR);
  });
});
