import { expect, test } from '@jest/globals';
import { LibavWatch } from '../../../lib/frames/libav-watch.js';
import { FakeClock } from '../../support/fake-clock.js';

function watched(maxDecodeSeconds: number) {
  const clock = new FakeClock();
  const libav = { calls: 0 };
  const told: Error[] = [];
  const watch = new LibavWatch(
    clock,
    maxDecodeSeconds,
    () => libav.calls,
    (error) => told.push(error),
  );
  return { clock, libav, told, watch };
}

test('a call that lasts twice as long as all of a fragment may is told, once', () => {
  const { clock, libav, told } = watched(40);
  libav.calls = 7;
  clock.step(80_000);
  expect(told).toHaveLength(0);
  clock.step(10_000);
  expect(told).toMatchObject([
    { code: 'ENGINE_FAILED', message: expect.stringContaining('maxDecodeSeconds') },
  ]);
  clock.step(1_000_000);
  expect(told).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test('a short limit leaves a call ten seconds all the same', () => {
  const { clock, libav, told } = watched(0.001);
  libav.calls = 1;
  clock.step(10_000);
  expect(told).toHaveLength(0);
  clock.step(1_250);
  expect(told).toHaveLength(1);
});

test('calls that come back are not told, however many there are, nor is a thread that is elsewhere', () => {
  const { clock, libav, told } = watched(1);
  for (let look = 0; look < 100; look++) {
    libav.calls += 2 * (look % 5);
    libav.calls |= 1;
    clock.step(1_250);
  }
  libav.calls += 1;
  clock.step(1_000_000);
  expect(told).toHaveLength(0);
});

test('nothing is told, and nothing waits, after it was stopped', () => {
  const { clock, libav, told, watch } = watched(1);
  libav.calls = 1;
  watch.stop();
  expect(clock.pending).toBe(0);
  clock.step(100_000);
  expect(told).toHaveLength(0);
});
