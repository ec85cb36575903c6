import { systemClock, type Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import type { FaultAction, FaultControl } from '../monitor/fault-control.js';
import { faultResources, type FaultScript } from '../simulator/index.js';
import type { DemoCamera } from './demo-cameras.js';

/** Something that can be done to a camera, and undone. */
interface Trouble extends FaultAction {
  /** It ends by itself after so long. */
  forMs: number;
  begin(camera: DemoCamera): void | Promise<void>;
  end?(camera: DemoCamera): void | Promise<void>;
}

const cutNetwork: FaultScript = {
  name: 'cut-network',
  summary: 'Every connection is reset.',
  rows: [{ when: { resource: faultResources }, what: { type: 'deliver', delivery: { reset: true } } }],
};

const throttle: FaultScript = {
  name: 'throttle',
  summary: 'Control calls are answered ClientLimitExceededException, playlists 429.',
  rows: [
    {
      when: { resource: ['endpoint', 'session-url'] },
      what: {
        type: 'refuse',
        status: 400,
        errorName: 'ClientLimitExceededException',
        message: 'Rate exceeded.',
      },
    },
    { when: { resource: ['master', 'playlist'] }, what: { type: 'refuse', status: 429 } },
  ],
};

/** A trouble that a fault script makes for as long as it is set. */
const scripted = (script: FaultScript): Pick<Trouble, 'begin' | 'end'> => ({
  begin: ({ simulator }) => simulator.setFaults(script),
  end: ({ simulator }) => simulator.setFaults(null),
});

/** How long a button shows what is over in a moment. */
const MOMENT_MS = 3_000;

/** In the order of the buttons. */
const troubles: readonly Trouble[] = [
  {
    id: 'expire-session',
    label: 'Expire the session',
    help: 'The session is refused from now on. The reader opens another one at once and misses nothing.',
    forMs: MOMENT_MS,
    begin: ({ simulator }) => {
      for (const session of simulator.sessions) session.expire();
    },
  },
  {
    id: 'sleep',
    label: 'Put to sleep',
    help: 'The camera sends nothing for 20 s. The reader waits for it; the ledger shows the hole when it is back.',
    forMs: 20_000,
    begin: ({ stream }) => stream.stopCamera(),
    end: ({ stream }) => stream.startCamera(),
  },
  {
    id: 'throttle',
    label: 'Throttle',
    help: 'For 15 s playlists and calls are answered that they are too many. The reader asks ever less often.',
    forMs: 15_000,
    ...scripted(throttle),
  },
  {
    id: 'cut-network',
    label: 'Cut the network',
    help: 'For 12 s every connection is reset. The reader tries again with growing pauses, then goes on where it was.',
    forMs: 12_000,
    ...scripted(cutNetwork),
  },
  {
    id: 'change-resolution',
    label: 'Change resolution',
    help: 'For 15 s the camera sends pictures of another size. The reader goes on in the same session.',
    forMs: 15_000,
    begin: (camera) => camera.show('changed'),
    end: (camera) => camera.show('usual'),
  },
  {
    id: 'drop-fragment',
    label: 'Drop a fragment',
    help: 'The next fragment is lost on the camera’s uplink: to the reader the camera sent nothing. It goes on; the ledger has the hole.',
    forMs: MOMENT_MS,
    begin: ({ uplink }) => uplink.loseFragment(),
  },
];

/** A camera, and what is being done to it. */
interface Place {
  readonly camera: DemoCamera;
  run: { trouble: Trouble; cancel: () => void } | null;
  /** What is begun and ended, one after the other. */
  turn: Promise<void>;
}

export interface DemoFaultsHooks {
  /** A trouble began. */
  onBegin(cameraId: string, action: FaultAction): void;
  /** It is over, by itself or for another one. */
  onEnd(cameraId: string, action: FaultAction): void;
  /** A camera could not be brought back. */
  onError(cameraId: string, error: unknown): void;
}

/** The buttons of the demo: what they do to its cameras, and undo. */
export class DemoFaults implements FaultControl {
  readonly actions: readonly FaultAction[] = troubles.map(({ id, label, help }) => ({ id, label, help }));
  readonly #places: ReadonlyMap<string, Place>;
  readonly #hooks: DemoFaultsHooks;
  readonly #clock: Clock;
  #isClosed = false;

  constructor(cameras: readonly DemoCamera[], hooks: DemoFaultsHooks, clock: Clock = systemClock) {
    this.#places = new Map(
      cameras.map((camera) => [camera.cameraId, { camera, run: null, turn: Promise.resolve() }]),
    );
    this.#hooks = hooks;
    this.#clock = clock;
  }

  active(cameraId: string): string | null {
    return this.#places.get(cameraId)?.run?.trouble.id ?? null;
  }

  apply(cameraId: string, actionId: string): Promise<void> {
    const place = this.#places.get(cameraId);
    const trouble = troubles.find(({ id }) => id === actionId);
    if (place === undefined || trouble === undefined) {
      const [what, there, received] =
        place === undefined
          ? ['a camera', [...this.#places.keys()], cameraId]
          : ['an action', troubles.map(({ id }) => id), actionId];
      return Promise.reject(
        new ConfigError(
          `Expected ${what} out of ${there.join(', ')} but received ${JSON.stringify(received)}`,
        ),
      );
    }
    return this.#inTurn(place, () => this.#begin(place, trouble));
  }

  /** Nothing begins or ends any more. Resolves when what was under way has settled. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { run } of this.#places.values()) run?.cancel();
    await Promise.all([...this.#places.values()].map(({ turn }) => turn));
  }

  #inTurn(place: Place, work: () => Promise<void>): Promise<void> {
    const done = place.turn.then(work);
    place.turn = done.catch(() => undefined);
    return done;
  }

  async #begin(place: Place, trouble: Trouble): Promise<void> {
    await this.#end(place);
    if (this.#isClosed) return;
    const run = { trouble, cancel: () => {} };
    place.run = run;
    this.#hooks.onBegin(place.camera.cameraId, trouble);
    try {
      await trouble.begin(place.camera);
    } catch (error) {
      await this.#end(place);
      throw error;
    }
    if (this.#isClosed) return;
    run.cancel = this.#clock.after(trouble.forMs, () => {
      void this.#inTurn(place, async () => {
        // Another one may have begun while this waited for its turn.
        if (place.run === run) await this.#end(place);
      });
    });
  }

  async #end(place: Place): Promise<void> {
    const { run, camera } = place;
    if (run === null || this.#isClosed) return;
    run.cancel();
    place.run = null;
    this.#hooks.onEnd(camera.cameraId, run.trouble);
    try {
      await run.trouble.end?.(camera);
    } catch (error) {
      this.#hooks.onError(camera.cameraId, error);
    }
  }
}
