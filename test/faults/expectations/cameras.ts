import { CALM, CALM_OR_RECONNECTED, type Expectation, type Expectations, OFFLINE } from './expectation';

const asleep = (ms: number, more: Partial<Expectation> = {}): Expectation => ({
  does: 'Takes the camera for silent after 10 s, says so once, looks for it about every 6 s, and goes on where it does.',
  means: 'The camera sends nothing: off, restarting, without a network.',
  todo: 'Look at the camera, not at the reader.',
  silentMs: [ms - 500, ms + 1_500],
  phases: OFFLINE,
  calls: [1, Math.ceil(ms / 4_000) + 2],
  recoveryMs: 10_000,
  settings: { deadlineMs: 90_000 },
  ...more,
});
const clockSet: Expectation = {
  does: 'Goes on; dates jump as the clock did, `discontinuity` marks it, no hole is told: none is there.',
  means: 'The clock of the camera was set.',
  todo: 'Give the camera NTP; or `fragmentSelectorType: SERVER_TIMESTAMP`.',
  jumps: true,
};

export const cameraExpectations: Expectations = {
  'camera-blinks': asleep(1_000, {
    does: 'Waits, and tells the hole.',
    means: 'The camera reconnected, as it does about every 45 min.',
    todo: 'Nothing.',
    phases: CALM,
    calls: [0, 0],
    recoveryMs: 3_000,
  }),
  'camera-asleep-20s': asleep(20_000),
  'camera-asleep-40s': asleep(40_000),
  'camera-asleep-40s-sessions-dead': asleep(40_000),
  'camera-gone': asleep(0, {
    does: 'Takes the camera for silent after 10 s, says so once, and looks for it about every 6 s, for ever.',
    silentMs: [0, 0],
    phases: /^connecting connected offline$/,
    health: 'idle',
    calls: [1, 6],
    settings: { watchMs: 25_000 },
  }),
  'camera-asleep-at-start': asleep(8_000, {
    does: 'Waits for the camera as if it had gone away later: looks for it about every 6 s.',
    silentMs: [0, 0],
    phases: /^connecting offline connected$/,
    calls: [3, 6],
  }),
  'camera-back-with-new-codec-data': asleep(5_000, {
    does: 'Waits; opens the decoder anew, tells `format` and the hole.',
    means: 'The camera restarted with other settings.',
    todo: 'Nothing, unless the program counts on one size.',
    phases: CALM_OR_RECONNECTED,
    calls: [0, 1],
    recoveryMs: 4_000,
  }),
  'clock-forward-1h': clockSet,
  'clock-back-1h': clockSet,
  'clock-forward-5s': clockSet,
  'clock-back-5s': clockSet,
};
