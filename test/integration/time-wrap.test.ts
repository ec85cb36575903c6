import { describe, expect, it } from '@jest/globals';
import type { Gap, MediaFault } from '../../lib/index';
import { breaks, setStage, seeFrames, STREAM, worstTimeError } from '../support/camera';

describe('media times that start over', () => {
  it.each(['MPEG_TS', 'FRAGMENTED_MP4'] as const)(
    'are no hole and no step: %s passes 2^33 ticks of 90 kHz',
    async (containerFormat) => {
      // 2^33 / 90,000 is 95,443.7 s; the first fragments lie before it.
      await using stage = await setStage({ stream: { timelineStartSeconds: 95_442 } });
      await using source = stage.source({ containerFormat });
      const gaps: Gap[] = [];
      const faults: MediaFault[] = [];
      source.on('gap', (gap) => gaps.push(gap));
      source.on('fault', (fault) => faults.push(fault));
      const seen = await seeFrames(source, 80);
      expect(breaks(seen, stage.clip)).toEqual([]);
      expect(seen.filter(({ discontinuity }) => discontinuity)).toEqual([]);
      const { stampEpochMs } = stage.simulator.stream(STREAM);
      expect(worstTimeError(seen, stage.clip, stampEpochMs)).toBeLessThanOrEqual(1);
      expect([gaps, faults]).toEqual([[], []]);
    },
  );
});
