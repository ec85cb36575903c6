import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type * as Addon from '../../binding.js';
import { loadAddon } from '../../lib/frames/addon.js';
import { ENGINE_OPTIONS, EngineDriver } from '../support/engine-driver.js';
import { makeClip, type FragmentedClip } from '../support/fragments.js';

const WIDTH = 176;
const HEIGHT = 144;

/** The addon's errors are of Node's realm, not of the one jest runs tests in. */
function named(name: string): Error {
  return expect.objectContaining({ name }) as unknown as Error;
}

describe('the native boundary', () => {
  const addon = loadAddon();
  let clip: FragmentedClip;
  const drivers: EngineDriver[] = [];

  function drive(): EngineDriver {
    const driver = new EngineDriver(addon);
    drivers.push(driver);
    return driver;
  }

  beforeAll(() => {
    clip = makeClip({ width: WIDTH, height: HEIGHT, seconds: 1, bFrames: 0 });
  });

  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.engine.close()));
  });

  test.each([
    ['no options', undefined, 'TypeError'],
    ['an unknown matrix', { ...ENGINE_OPTIONS, matrix: 'bt2020' }, 'TypeError'],
    ['text for a number', { ...ENGINE_OPTIONS, decoderThreads: '1' }, 'TypeError'],
    ['no threads', { ...ENGINE_OPTIONS, decoderThreads: 0 }, 'RangeError'],
    ['too many threads', { ...ENGINE_OPTIONS, decoderThreads: 17 }, 'RangeError'],
    ['a fraction', { ...ENGINE_OPTIONS, maxQueuedFragments: 1.5 }, 'RangeError'],
    ['NaN', { ...ENGINE_OPTIONS, maxQueuedBytes: NaN }, 'RangeError'],
    ['a number for a choice', { ...ENGINE_OPTIONS, holdOnTrouble: 1 }, 'TypeError'],
    ['an infinite limit', { ...ENGINE_OPTIONS, maxPixels: Infinity }, 'RangeError'],
  ])('refuses to be constructed with %s', (_name, options, error) => {
    expect(() => new addon.Engine(options as Addon.EngineOptions, () => undefined)).toThrow(named(error));
  });

  test('refuses to be constructed without a callback or without new', () => {
    expect(() => new addon.Engine(ENGINE_OPTIONS, undefined as unknown as () => void)).toThrow(
      named('TypeError'),
    );
    const construct = addon.Engine as unknown as (options: object, onWake: () => void) => void;
    expect(() => construct(ENGINE_OPTIONS, () => undefined)).toThrow();
  });

  test('refuses fragments that are none', () => {
    const { engine } = drive();
    const media = clip.fragments[0]!;
    const bad: [unknown, string][] = [
      [undefined, 'TypeError'],
      [{}, 'TypeError'],
      [{ id: 1, init: null, media: 'bytes' }, 'TypeError'],
      [{ id: 1, init: null, media: new Uint16Array(4) }, 'TypeError'],
      [{ id: 1, init: undefined, media }, 'TypeError'],
      [{ id: 1, init: new Uint8Array(0), media }, 'RangeError'],
      [{ id: 2 ** 53, init: null, media }, 'RangeError'],
      [{ id: 'x', init: null, media }, 'TypeError'],
    ];
    for (const [value, error] of bad)
      expect(() => engine.push(value as Addon.FragmentBytes)).toThrow(named(error));
    const thrown = new Error('from a getter');
    const trap = {
      id: 1,
      media,
      get init(): null {
        throw thrown;
      },
    };
    expect(() => engine.push(trap)).toThrow(thrown);
    expect(engine.stats().queuedFragments).toBe(0);
  });

  test('refuses rings that do not fit and rings it did not ask for', async () => {
    const driver = drive();
    driver.answerRings = false;
    const slotBytes = WIDTH * HEIGHT * 3;
    const pixels = new Uint8Array(2 * slotBytes);
    const states = new Int32Array(2);
    const ring = { id: 1, pixels, states, slotBytes };
    expect(() => driver.engine.setRing(ring)).toThrow(/without a ring record/);
    driver.engine.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    await driver.until(() => driver.ringRequests === 1);
    const bad: [unknown, string][] = [
      [null, 'TypeError'],
      [{ ...ring, pixels: new Uint8Array(slotBytes) }, 'RangeError'],
      [{ ...ring, states: new Int32Array(0) }, 'RangeError'],
      [{ ...ring, states: new Uint32Array(2) }, 'TypeError'],
      [{ ...ring, slotBytes: slotBytes - 1 }, 'RangeError'],
      [{ ...ring, slotBytes: Number.MAX_SAFE_INTEGER }, 'RangeError'],
      [{ ...ring, states: new Int32Array(pixels.buffer, 0, 2) }, 'RangeError'],
    ];
    for (const [value, error] of bad)
      expect(() => driver.engine.setRing(value as Addon.Ring)).toThrow(named(error));
    driver.rings.set(1, ring);
    driver.engine.setRing(ring);
    await driver.until(() => driver.fragments.length === 1);
  });

  test('refuses second copies that are none, and answers to no question', async () => {
    const driver = new EngineDriver(addon, { holdOnTrouble: true });
    drivers.push(driver);
    const { engine } = driver;
    const media = clip.fragments[0]!;
    expect(() => engine.giveUp()).toThrow(/giveUp without a trouble record/);
    expect(() => engine.retry({ init: null, media })).toThrow(/retry without a trouble record/);
    engine.push({ id: 0, init: clip.init, media: media.subarray(0, 3000) });
    await driver.until(() => driver.troubles.length === 1);
    const bad: [unknown, string][] = [
      [undefined, 'TypeError'],
      [{ init: null }, 'TypeError'],
      [{ media }, 'TypeError'],
      [{ init: new Uint8Array(0), media }, 'RangeError'],
    ];
    for (const [value, error] of bad) {
      expect(() => engine.retry(value as Addon.SecondCopy)).toThrow(named(error));
    }
    engine.retry({ init: clip.init, media });
    expect(() => engine.giveUp()).toThrow(/giveUp without a trouble record/);
    await driver.until(() => driver.fragments.length === 1);
    expect(driver.frames).toHaveLength(25);
    await engine.close();
    engine.giveUp();
    engine.retry({ init: clip.init, media });
  });

  test('refuses record arrays that are none and faults that were not announced', () => {
    const { engine } = drive();
    expect(() => engine.take(new Float32Array(22) as unknown as Float64Array)).toThrow(named('TypeError'));
    expect(() => engine.take(new Float64Array(10))).toThrow(named('RangeError'));
    expect(() => engine.takeFault()).toThrow(/without a fault record/);
  });
});
