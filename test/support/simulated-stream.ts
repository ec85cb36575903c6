// One stream of a simulator whose clock stands still: what the suites that play it request by request begin with. Importing it
// makes the clip before the suite's first test, and closes the simulator after each.
import { afterEach, beforeAll } from '@jest/globals';
import {
  clipCamera,
  prepareClip,
  startSimulator,
  type Clip,
  type FaultRow,
  type FaultScript,
  type ResponseEffect,
  type Simulator,
  type SimulatorOptions,
} from '../../lib/simulator/index';
import { FakeClock } from './fake-clock';

export let clip: Clip;
export let simulator: Simulator;

beforeAll(async () => {
  clip = await prepareClip({ width: 160, height: 90, seconds: 2 });
});

afterEach(() => simulator?.close());

export async function simulate(options: Partial<SimulatorOptions> = {}): Promise<FakeClock> {
  const clock = new FakeClock();
  const streams = [{ name: 'front-door', camera: clipCamera({ clip }) }];
  simulator = await startSimulator({ clock, streams, ...options });
  return clock;
}

export const live = { StreamName: 'front-door' };
export const once = { from: 1, count: 1 };
export const script = (...rows: FaultRow[]): FaultScript => ({ name: 'test', summary: 'A test.', rows });
export const onFragment = (what: ResponseEffect): FaultScript =>
  script({ when: { resource: 'fragment', requests: once }, what });
