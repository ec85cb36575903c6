import { setTimeout as sleep } from 'node:timers/promises';
import {
  faultCatalogue,
  type Camera,
  type CatalogueFault,
  type FaultScript,
  type Simulator,
} from '../../lib/simulator/index';
import { isThrottling } from './cameras';
import type { Chance } from './chance';
import type { SentFragments } from './sent-fragments';

export interface DirectorParts {
  simulator: Simulator;
  sent: SentFragments;
  /** The camera that belongs to the stream, anew. */
  usual: () => Camera;
  chance: Chance;
  isSpared: (fault: CatalogueFault) => boolean;
  onFault: (faults: readonly string[], isOver: boolean) => void;
}

const faultGroups = [...new Set(faultCatalogue.map(({ group }) => group))];
/** Faults of these groups may meet another one: what they do to media and dates is nothing. */
const simpleGroups: readonly CatalogueFault['group'][] = ['session', 'connection', 'refusal'];
/** Shares of turns: two faults at once; sessions ended as a fault of the opening begins, so that there is an opening. */
const PAIRED = 0.2;
const REOPENED = 0.6;
/** Of what has no end by itself. */
const FOREVER_MS = [3_000, 12_000] as const;
/** For a port to be open again. */
const REOPENING_MS = 500;
/** Beyond what a script does by the clock. */
const MORE_MS = [500, 6_000] as const;
/** Peace between faults: mostly too short for all to be well again, sometimes so long that the judge can tell that it is. */
const PEACE_MS = [1_500, 9_000] as const;
const LONG_PEACE_MS = [45_000, 60_000] as const;
const LONG_PEACE = 1 / 6;
/** The same where a throttled reader may wait for two minutes first. */
const PEACE_AFTER_THROTTLING_MS = [145_000, 160_000] as const;

/** When the last thing that a script does by the clock is done, ms. */
function lengthOf(script: FaultScript): number {
  const ends = script.rows.map(({ when }) => {
    if ('atMs' in when) return when.atMs;
    return when.untilMs ?? 0;
  });
  return Math.max(0, ...ends);
}

/** Until when a script keeps the port closed, ms. */
function closedMs({ rows }: FaultScript): number {
  const ends = rows.map(({ when, what }) =>
    what.type === 'refuse-connections' && 'atMs' in when ? when.atMs + what.forMs + REOPENING_MS : 0,
  );
  return Math.max(0, ...ends);
}

/** Makes one camera's service fail by chance, one or two faults of the catalogue at a time, until it is stopped. */
export class Director {
  readonly #parts: DirectorParts;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: DirectorParts) {
    this.#parts = parts;
  }

  run(): Promise<void> {
    return (this.#running ??= this.#turns());
  }

  /** Ends what goes wrong. Resolves when all is well again as far as the service and the camera go. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #turns(): Promise<void> {
    const { chance } = this.#parts;
    let names: readonly string[] = [];
    while (!this.#stopping.signal.aborted) {
      const longMs = names.some(isThrottling) ? PEACE_AFTER_THROTTLING_MS : LONG_PEACE_MS;
      const [from, to] = chance.happens(LONG_PEACE) ? longMs : PEACE_MS;
      await this.#wait(chance.between(from, to));
      if (this.#stopping.signal.aborted) return;
      names = await this.#turn();
    }
  }

  /** Answers what went wrong. */
  async #turn(): Promise<readonly string[]> {
    const { chance, simulator, onFault } = this.#parts;
    const faults = this.#choose();
    const names = faults.map(({ name }) => name);
    const scripts = faults.map(({ script }) => script);
    onFault(names, false);
    if (faults.some(({ startsAt }) => startsAt === 'opening') && chance.happens(REOPENED)) {
      scripts.push({
        name: 'reopen',
        summary: 'Sessions are over.',
        rows: [{ when: { atMs: 0 }, what: { type: 'expire-sessions' } }],
      });
    }
    simulator.setFaults(scripts);
    const restMs: readonly [number, number] = names.some((name) => name.endsWith('-forever'))
      ? FOREVER_MS
      : MORE_MS;
    // Nobody else opens a port again.
    await sleep(Math.max(...scripts.map(closedMs)));
    await this.#wait(Math.max(...scripts.map(lengthOf)) + chance.between(...restMs));
    simulator.setFaults(null);
    await this.#mend();
    onFault(names, true);
    return names;
  }

  #choose(): CatalogueFault[] {
    const { chance } = this.#parts;
    const first = chance.pick(this.#of(chance.pick(faultGroups)));
    if (!simpleGroups.includes(first.group) || !chance.happens(PAIRED)) return [first];
    return [first, chance.pick(this.#of(chance.pick(simpleGroups)))];
  }

  #of(group: CatalogueFault['group']): CatalogueFault[] {
    const { isSpared, sent } = this.#parts;
    const ofGroup = faultCatalogue.filter((fault) => fault.group === group && !isSpared(fault));
    // A clock that is days off is another matter: what was set forward is set back.
    const fitting = ofGroup.filter(
      ({ script }) =>
        !script.rows.some(({ what }) => what.type === 'set-producer-clock' && what.byMs * sent.shiftMs > 0),
    );
    return fitting.length > 0 ? fitting : this.#of('session');
  }

  async #mend(): Promise<void> {
    const { sent, usual } = this.#parts;
    if (sent.isOtherCamera) await sent.stream.startCamera(usual());
    else await sent.stream.startCamera();
  }

  async #wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}
