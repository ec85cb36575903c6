import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type * as Addon from '../../binding';
import { loadAddon } from '../../lib/frames/addon';
import { EngineDriver } from '../support/engine-driver';
import { makeClip, type FragmentedClip } from '../support/fragments';

/** What a machine without these devices, or with drivers that fail, says of them. */
const REASONS = { cuda: /^cuda: /, vaapi: /^vaapi: /, auto: /^cuda: .*; vaapi: / } as const;

describe('hardware decoding', () => {
  const drivers: EngineDriver[] = [];
  let clip: FragmentedClip;
  let expected: string[];

  beforeAll(async () => {
    clip = makeClip({ width: 176, height: 144, seconds: 2, bFrames: 2 });
    expected = (await decode('none')).digests;
  });
  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.engine.close()));
  });

  async function decode(
    hwaccel: Addon.EngineOptions['hwaccel'],
  ): Promise<{ digests: string[]; driver: EngineDriver }> {
    const driver = new EngineDriver(loadAddon(), { hwaccel }, 'shared', 50);
    drivers.push(driver);
    driver.holdFrames = true;
    clip.fragments.forEach((media, id) => driver.push({ id, init: clip.init, media }));
    driver.engine.finish();
    await driver.until(() => driver.ended);
    const digests = driver.frames.map(({ ringId, slot, bytes }) => {
      const { pixels, slotBytes } = driver.rings.get(ringId)!;
      const start = slot * slotBytes;
      return createHash('md5')
        .update(pixels.subarray(start, start + bytes))
        .digest('hex');
    });
    return { digests, driver };
  }

  it('is not tried unless asked for, and nothing is told of it', async () => {
    const { driver } = await decode('none');
    expect(driver.openings).toEqual([]);
  });

  it.each(['cuda', 'vaapi', 'auto'] as const)(
    'gives the frames of software with %s, or goes on in software and says why',
    async (hwaccel) => {
      const { digests, driver } = await decode(hwaccel);
      expect(driver.faults).toEqual([]);
      expect(driver.fragments.map(({ troubled }) => troubled)).toEqual([false, false]);
      expect(digests).toHaveLength(50);
      expect(digests).toEqual(expected);
      const opening = driver.openings.at(-1);
      const isSoftware = opening?.hwaccel === 'none';
      expect(opening?.fallbackReason).toMatch(isSoftware ? REASONS[hwaccel] : /^$/);
    },
  );
});
