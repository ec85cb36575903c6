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

function withOutput(output: object): object {
  return { ...ENGINE_OPTIONS, output: { ...ENGINE_OPTIONS.output, ...output } };
}

function withSelection(selection: object): object {
  return { ...ENGINE_OPTIONS, selection: { ...ENGINE_OPTIONS.selection, ...selection } };
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
    ['no output', { ...ENGINE_OPTIONS, output: undefined }, 'TypeError'],
    ['an unknown format', withOutput({ format: 'bgr32' }), 'TypeError'],
    ['an unknown number type', withOutput({ dataType: 'float64' }), 'TypeError'],
    ['an unknown fit', withOutput({ fit: 'fill' }), 'TypeError'],
    ['too wide an output', withOutput({ width: 8193 }), 'RangeError'],
    ['a crop that is none', withOutput({ crop: 1 }), 'TypeError'],
    ['an empty crop', withOutput({ crop: { x: 0, y: 0, width: 0, height: 1 } }), 'RangeError'],
    ['two colours', withOutput({ pad: [1, 2] }), 'TypeError'],
    ['a colour that is none', withOutput({ pad: [0, 256, 0] }), 'RangeError'],
    ['NaN for a factor', withOutput({ factor: [1, NaN, 1] }), 'RangeError'],
    ['an infinite offset', withOutput({ offset: [0, 0, -Infinity] }), 'RangeError'],
    ['no selection', { ...ENGINE_OPTIONS, selection: null }, 'TypeError'],
    ['every 0th', withSelection({ everyNth: 0 }), 'RangeError'],
    ['a negative period', withSelection({ periodMs: -1 }), 'RangeError'],
    ['text for yes or no', withSelection({ keyFramesOnly: 'no' }), 'TypeError'],
    ['an unknown framing', { ...ENGINE_OPTIONS, encoded: 'avc1' }, 'TypeError'],
    ['an unknown device', { ...ENGINE_OPTIONS, hwaccel: 'qsv' }, 'TypeError'],
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
    const good: Addon.FragmentBytes = { id: 1, init: null, media, startMs: 0, isDated: true };
    const bad: [unknown, string][] = [
      [undefined, 'TypeError'],
      [{}, 'TypeError'],
      [{ ...good, media: 'bytes' }, 'TypeError'],
      [{ ...good, media: new Uint16Array(4) }, 'TypeError'],
      [{ ...good, init: undefined }, 'TypeError'],
      [{ ...good, init: new Uint8Array(0) }, 'RangeError'],
      [{ ...good, id: 2 ** 53 }, 'RangeError'],
      [{ ...good, id: 'x' }, 'TypeError'],
      [{ ...good, startMs: undefined }, 'TypeError'],
      [{ ...good, startMs: NaN }, 'RangeError'],
      [{ ...good, isDated: 1 }, 'TypeError'],
    ];
    for (const [value, error] of bad)
      expect(() => engine.push(value as Addon.FragmentBytes)).toThrow(named(error));
    const thrown = new Error('from a getter');
    const trap = {
      ...good,
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
    const ring: Addon.Ring = { id: 1, pixels, states, slotBytes, blockSlots: 0, cursor: null };
    const cursor = new Int32Array(4);
    expect(() => driver.engine.setRing(ring)).toThrow(/without a layout record/);
    driver.push({ id: 0, init: clip.init, media: clip.fragments[0]! });
    await driver.until(() => driver.ringRequests === 1);
    const bad: [unknown, string][] = [
      [null, 'TypeError'],
      [{ ...ring, pixels: new Uint8Array(slotBytes) }, 'RangeError'],
      [{ ...ring, states: new Int32Array(0) }, 'RangeError'],
      [{ ...ring, states: new Uint32Array(2) }, 'TypeError'],
      [{ ...ring, slotBytes: slotBytes - 1 }, 'RangeError'],
      [{ ...ring, slotBytes: Number.MAX_SAFE_INTEGER }, 'RangeError'],
      [{ ...ring, states: new Int32Array(pixels.buffer, 0, 2) }, 'RangeError'],
      [{ ...ring, blockSlots: undefined }, 'TypeError'],
      [{ ...ring, blockSlots: -1 }, 'RangeError'],
      [{ ...ring, blockSlots: 1, cursor: null }, 'TypeError'],
      [{ ...ring, blockSlots: 1, cursor: new Int32Array(3) }, 'RangeError'],
      [{ ...ring, blockSlots: 1, cursor: states }, 'RangeError'],
      [{ ...ring, blockSlots: 3, cursor }, 'RangeError'],
      [{ ...ring, blockSlots: 1, cursor, writer: 65536 }, 'RangeError'],
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
    driver.push({ id: 0, init: clip.init, media: media.subarray(0, 3000) });
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
    expect(() => engine.take(new Float32Array(32) as unknown as Float64Array)).toThrow(named('TypeError'));
    expect(() => engine.take(new Float64Array(15))).toThrow(named('RangeError'));
    expect(() => engine.takeFault()).toThrow(/without a fault record/);
    expect(() => engine.takeDecoder()).toThrow(/without a decoder record/);
    expect(() => engine.takeLog()).toThrow(/without a log record/);
    expect(() => engine.takeParameterSets()).toThrow(/without an access unit/);
  });

  test('refuses floors and periods that are no times', () => {
    const { engine } = drive();
    for (const floor of [undefined, '0', NaN]) {
      expect(() => engine.setFloor(floor as number)).toThrow(named('TypeError'));
    }
    expect(() => engine.setPeriod('1' as unknown as number)).toThrow(named('TypeError'));
    for (const period of [-1, NaN, Infinity]) {
      expect(() => engine.setPeriod(period)).toThrow(named('RangeError'));
    }
    engine.setFloor(-Infinity);
    engine.setPeriod(0);
  });
});
