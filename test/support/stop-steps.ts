import { deadline, systemClock } from '../../lib/clock';
import type { KvsHlsFrameSourceOptions } from '../../lib/index';
import { abortable } from '../../lib/session/shared-call';
import { fullServer, muteServer, type DeadEnd } from './dead-ends';
import { STREAM, type Stage } from './camera';
import { StallingProxy, type Conduct, type Kind } from './stalling-proxy';
import { SLOWNESS } from './sanitizer';
import { StoppingChild, type Ending, type Place, type Way } from './stopping';

const PATIENCE_MS = 15_000 * SLOWNESS;

type Options = Partial<KvsHlsFrameSourceOptions>;

/** A moment in the life of a source. */
export interface Step {
  ways: readonly Way[];
  /** The reader keeps its first frame also when it is not to leave its loop. */
  hold?: boolean;
  /** What the reader ends with, if not as the way has it. */
  outcome?: string;
  options?(scene: Scene): Options;
  /** Another source of the same process and account comes to this before. */
  before?: Step;
  /** Called before the life begins; what it answers resolves when the moment has come. */
  arrange(scene: Scene): () => Promise<unknown>;
}

/** A simulator behind a proxy that stalls, dead ends, and a child whose sources come there. */
export class Scene implements AsyncDisposable {
  readonly proxy: StallingProxy;
  /** Where a TLS handshake never ends. */
  readonly mute: DeadEnd;
  /** Where a connection is never made. */
  readonly full: DeadEnd;
  child = new StoppingChild();
  readonly #stage: Stage;
  readonly #options: Options;
  #isWarm = false;
  #accounts = 0;

  private constructor(stage: Stage, proxy: StallingProxy, mute: DeadEnd, full: DeadEnd, options: Options) {
    this.#stage = stage;
    this.#options = options;
    this.proxy = proxy;
    this.mute = mute;
    this.full = full;
  }

  /** `options`: those of all its sources, unless a step has others. */
  static async set(stage: Stage, options: Options = {}): Promise<Scene> {
    const proxy = new StallingProxy(stage.simulator.endpoint);
    await proxy.start();
    return new Scene(stage, proxy, await muteServer(), await fullServer(), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill();
    await Promise.all([
      this.proxy.close(),
      this.mute.close(),
      this.full.close(),
      this.#stage.simulator.close(),
    ]);
  }

  /** A source lives up to the step and is ended there. */
  async live(step: Step, way: Way): Promise<Ending> {
    try {
      // What Node keeps for good comes with the first source of a process.
      if (!this.#isWarm) await this.#live(FLOWING, 'stop');
      this.#isWarm = true;
      this.#accounts += 1;
      if (step.before !== undefined) await this.#live(step.before, 'stop');
      return await this.#live(step, way);
    } catch (error) {
      this.child.kill();
      this.child = new StoppingChild();
      this.#isWarm = false;
      throw error;
    }
  }

  /**
   * A process of its own with a source that has come to the step, for the caller to end.
   *
   * @param copyPath where another copy of the package is
   */
  async reach(step: Step, place: Place, copyPath: string): Promise<StoppingChild> {
    this.child.kill();
    this.child = new StoppingChild(place);
    this.#isWarm = false;
    this.#accounts += 1;
    const way = step.ways[0] ?? 'stop';
    using limit = deadline(systemClock, PATIENCE_MS, () => new Error('The step was not reached'));
    await this.#reach(step, way, limit.signal, copyPath);
    return this.child;
  }

  async #live(step: Step, way: Way): Promise<Ending> {
    using limit = deadline(systemClock, PATIENCE_MS, () => new Error('The step was not reached'));
    await this.#reach(step, way, limit.signal);
    return abortable(this.child.end(), limit.signal);
  }

  async #reach(step: Step, way: Way, signal: AbortSignal, copyPath = ''): Promise<void> {
    this.proxy.reset();
    const reached = step.arrange(this);
    this.child.begin({
      way,
      hold: way === 'break' || step.hold === true,
      options: { ...this.#common(), ...step.options?.(this) },
      // Nothing stalls those.
      companion: { options: { ...this.#common(), endpoint: this.#stage.simulator.endpoint }, copyPath },
    });
    await abortable(Promise.all([this.child.told('begun'), reached()]), signal);
  }

  #common(): Options {
    return {
      streamName: STREAM,
      region: this.#stage.simulator.region,
      endpoint: this.proxy.origin,
      credentials: { accessKeyId: `KEY${this.#accounts}`, secretAccessKey: 'secret' },
      bufferedFrames: 64,
      reconnectDelaySeconds: 60,
      maxReconnectDelaySeconds: 60,
      ...this.#options,
    };
  }
}

const OPENING = ['stop', 'abort', 'read'] as const;
const PLAYING = ['stop', 'abort', 'read', 'break'] as const;

const FLOWING: Step = {
  ways: PLAYING,
  arrange:
    ({ child }) =>
    () =>
      child.told('frame'),
};

/** The requests of a kind from the `nth` on are treated like this; the moment has come when the first of them was. */
function stuckAt(kind: Kind, conduct: Conduct, nth = 1): Step['arrange'] {
  return ({ proxy, child }) => {
    proxy.conduct = (asked, count) => (asked === kind && count >= nth ? conduct : 'pass');
    return async () => {
      await proxy.seen(kind, nth);
      if (nth > 1) await child.told('frame');
    };
  };
}

const refusal = (status: number, name: string, message = 'no') => ({ status, name, message });
const OVERLOADED = refusal(500, 'InternalFailure');
const SILENT_CAMERA = refusal(
  404,
  'ResourceNotFoundException',
  'No fragments found in the stream for the streaming request.',
);

/** Not answered at all, and half of the body only. */
function unanswered(what: string, kind: Kind): Record<string, Step> {
  return {
    [`while ${what} is not answered`]: { ways: OPENING, arrange: stuckAt(kind, 'silent') },
    [`while the answer to ${what} stands still half-way`]: { ways: OPENING, arrange: stuckAt(kind, 'half') },
  };
}

/** Name, connection and TLS handshake that never come about, with the place put in by `put`. */
function unconnected(whom: string, put: (scene: Scene, origin: string) => Options): Record<string, Step> {
  const name = `${whom.replace(/\W/g, '-')}.invalid`;
  const step = (
    origin: (scene: Scene) => string,
    reached: (scene: Scene) => () => Promise<unknown>,
  ): Step => ({
    ways: OPENING,
    options: (scene) => put(scene, origin(scene)),
    arrange: reached,
  });
  return {
    [`while the name of the ${whom} is looked up`]: step(
      () => `http://${name}:1`,
      ({ child }) =>
        () =>
          child.looksUp(name),
    ),
    [`while connecting to the ${whom}`]: step(
      ({ full }) => `http://${full.host}`,
      ({ full }) =>
        () =>
          full.reached(),
    ),
    [`in the TLS handshake with the ${whom}`]: step(
      ({ mute }) => `https://${mute.host}`,
      ({ mute }) => {
        const reached = mute.reached();
        return () => reached;
      },
    ),
  };
}

/** Before the first frame. */
export const OPENING_STEPS: Record<string, Step> = {
  'before anybody asked for a frame': { ways: ['unused'], arrange: () => () => Promise.resolve() },
  ...unconnected('control plane', (_scene, endpoint) => ({ endpoint })),
  ...unanswered('GetDataEndpoint', 'getDataEndpoint'),
  ...unanswered('GetHLSStreamingSessionURL', 'getHLSStreamingSessionURL'),
  ...unconnected('media plane', ({ proxy }, origin) => {
    proxy.mediaOrigin = origin;
    return {};
  }),
  ...unanswered('the master playlist', 'getHLSMasterPlaylist'),
  ...unanswered('the media playlist', 'getHLSMediaPlaylist'),
  ...unanswered('the init section', 'getMP4InitFragment'),
  ...unanswered('the first fragment', 'getMP4MediaFragment'),
};

const THROTTLED: Step = {
  ways: ['stop'],
  arrange: (scene) => {
    const slowDown = { ...refusal(400, 'ClientLimitExceededException'), headers: { 'retry-after': '3600' } };
    stuckAt('getHLSStreamingSessionURL', slowDown)(scene);
    return () => scene.child.told('reconnect');
  },
};

/** While it waits for something to get better, and when it waits for nothing more. */
export const WAITING_STEPS: Record<string, Step> = {
  'while backing off': {
    ways: OPENING,
    arrange: (scene) => {
      stuckAt('getHLSStreamingSessionURL', OVERLOADED)(scene);
      return () => scene.child.told('reconnect', ({ afterMs }) => afterMs > 0);
    },
  },
  'while the camera is offline': {
    ways: OPENING,
    arrange: (scene) => {
      stuckAt('getHLSStreamingSessionURL', SILENT_CAMERA)(scene);
      return () => scene.child.told('phase', ({ phase }) => phase === 'offline');
    },
  },
  'while the account is throttled': {
    ways: OPENING,
    before: THROTTLED,
    arrange:
      ({ child }) =>
      () =>
        child.told('log', ({ line }) => /a control call waits/.test(line)),
  },
  'after an error': {
    ways: ['stop'],
    outcome: 'KVS_DENIED',
    arrange: (scene) => {
      stuckAt('getHLSStreamingSessionURL', refusal(403, 'AccessDeniedException'))(scene);
      return () => scene.child.told('read');
    },
  },
  'after the end': {
    ways: ['stop'],
    options: () => ({
      playbackMode: 'ON_DEMAND',
      startTimestamp: new Date(Date.now() - 3000),
      endTimestamp: new Date(Date.now() - 1000),
    }),
    arrange:
      ({ child }) =>
      () =>
        child.told('read'),
  },
};

const RENEWING = { hlsSessionSeconds: 300, urlRefreshMarginSeconds: 299 };

/** Half-second fragments pass unseen between two sessions, and their recording is stuck at the `nth` request of a kind. */
function catchingUp(kind: Kind, nth: number): Step {
  return {
    ways: PLAYING,
    options: () => ({
      catchUp: { maxSeconds: 60 },
      maxMediaPlaylistFragmentResults: 1,
      reconnectDelaySeconds: 2,
    }),
    arrange: ({ proxy, child }) => {
      const session: Kind = 'getHLSStreamingSessionURL';
      proxy.conduct = (asked, count) => {
        if (asked === kind && count >= nth) return 'silent';
        if (asked === 'getHLSMediaPlaylist' && count > 1 && proxy.count(session) < 2) {
          return refusal(403, 'AccessDeniedException');
        }
        return asked === session && count === 2 ? OVERLOADED : 'pass';
      };
      return () => Promise.all([child.told('frame'), proxy.seen(kind, nth)]);
    },
  };
}

/** Decoding and converting one picture is the longest work that can't be interrupted. */
export const HUGE_CLIP = { width: 3840, height: 2160, fps: 6, fragmentSeconds: 1, seconds: 1 };
export const HUGE_STEPS: Record<string, Step> = {
  'while the first huge picture is decoded': {
    ways: OPENING,
    arrange:
      ({ child }) =>
      () =>
        child.told('engine', ({ engine }) => (engine?.decoderOpens ?? 0) > 0),
  },
  'while the next huge picture is decoded': { ...FLOWING, ways: ['break'] },
};

/** With frames flowing, or having flowed. */
export const PLAYING_STEPS: Record<string, Step> = {
  'while frames flow': FLOWING,
  'while waiting for the next fragment': {
    ways: PLAYING,
    arrange: ({ proxy, child }) => {
      proxy.conduct = (kind, nth) => (kind === 'getHLSMediaPlaylist' && nth > 1 ? 'stale' : 'pass');
      return () => Promise.all([child.told('frame'), proxy.seen('getHLSMediaPlaylist', 4)]);
    },
  },
  'while the ring is full': {
    ways: ['stop', 'abort', 'break'],
    hold: true,
    options: () => ({ bufferedFrames: 2 }),
    arrange:
      ({ child }) =>
      () =>
        child.told('engine', ({ engine }) => (engine?.queuedFragments ?? 0) > 0),
  },
  'while a later fragment is not answered': {
    ways: PLAYING,
    arrange: stuckAt('getMP4MediaFragment', 'silent', 3),
  },
  'while a later fragment stands still half-way': {
    ways: PLAYING,
    arrange: stuckAt('getMP4MediaFragment', 'half', 3),
  },
  'while the playlist is not answered': {
    ways: PLAYING,
    arrange: stuckAt('getHLSMediaPlaylist', 'silent', 3),
  },
  'while renewing, in the control call': {
    ways: PLAYING,
    options: () => RENEWING,
    arrange: stuckAt('getHLSStreamingSessionURL', 'silent', 2),
  },
  'while renewing, as the candidate is opened': {
    ways: PLAYING,
    options: () => RENEWING,
    arrange: stuckAt('getHLSMasterPlaylist', 'silent', 2),
  },
  'while catching up, in the control call': catchingUp('getHLSStreamingSessionURL', 4),
  'while catching up, as the recording is opened': catchingUp('getHLSMasterPlaylist', 3),
  'while backing off between frames': {
    ways: PLAYING,
    arrange: ({ proxy, child }) => {
      proxy.conduct = (kind, nth) => {
        if (kind === 'getHLSMediaPlaylist' && nth > 2) return refusal(403, 'AccessDeniedException');
        return kind === 'getHLSStreamingSessionURL' && nth > 1 ? OVERLOADED : 'pass';
      };
      return () =>
        Promise.all([child.told('frame'), child.told('reconnect', ({ afterMs }) => afterMs > 1000)]);
    },
  },
};
