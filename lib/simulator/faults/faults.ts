import type { Clock } from '../../clock.js';
import type { Logger } from '../../logger.js';
import type { SimulatorRequest, SimulatorResponse } from '../exchange.js';
import type { HttpFront } from '../server.js';
import type { Sessions } from '../session.js';
import type { Streams } from '../streams.js';
import { Deeds } from './deeds.js';
import { FaultRun, type RequestFault, type RequestSubject } from './run.js';
import type { FaultDeed, FaultScript, FaultWindow } from './script.js';

export interface FaultsParts {
  readonly streams: Streams;
  readonly sessions: Sessions;
  readonly fronts: () => readonly HttpFront[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The fault scripts of a simulator: those that are set, and the deeds they want done. */
export class Faults {
  readonly #parts: FaultsParts;
  readonly #deeds: Deeds;
  readonly #closed = new AbortController();
  #run: FaultRun | null = null;
  #isSet = false;

  constructor(parts: FaultsParts) {
    this.#parts = parts;
    const { streams, sessions, fronts, clock } = parts;
    this.#deeds = new Deeds({
      streams: () => streams.all,
      sessions: () => sessions.all,
      fronts,
      clock,
      signal: this.#closed.signal,
    });
  }

  /** Sets scripts in the place of those that are set; conditions count from now. None: nothing goes wrong any more. */
  set(scripts: readonly FaultScript[]): void {
    this.#run?.end();
    this.#isSet = scripts.length > 0;
    if (!this.#isSet) return;
    this.#deeds.prepare(scripts);
    const { streams, sessions, clock } = this.#parts;
    this.#run = new FaultRun(
      scripts,
      streams.all.map((stream) => stream.name),
      {
        clock,
        mark: (name) => ({
          nextFragment: streams.get(name)?.store.nextIndex ?? 0,
          sessions: sessions.madeOf(name),
        }),
        perform: (deed) => this.#perform(deed),
      },
    );
  }

  /** Of the scripts set last; `null` while nothing has gone wrong yet. */
  get window(): FaultWindow | null {
    return this.#run?.window ?? null;
  }

  judge(request: SimulatorRequest, subject: RequestSubject | null): RequestFault | null {
    return this.#isSet ? this.#run!.judge(request, subject) : null;
  }

  delivered(response: SimulatorResponse): void {
    if (this.#isSet && response.delivery !== undefined) this.#run!.noteDelivered();
  }

  close(): void {
    this.set([]);
    this.#closed.abort(new Error('The simulator was closed'));
  }

  async #perform(deed: FaultDeed): Promise<void> {
    try {
      await this.#deeds.perform(deed);
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#parts.logger.error(`The fault ${deed.type} failed`, error);
    }
  }
}
