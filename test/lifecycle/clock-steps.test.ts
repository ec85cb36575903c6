import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { Gap } from '../../lib/index';
import { setStage, STREAM } from '../support/camera';
import { ROOT, runNode } from '../support/child';
import { ensureFaketime } from '../support/debian';
import { SLOWNESS } from '../support/sanitizer';

const HOUR = 3600;
const YEARS = 10 * 365 * 24 * HOUR;
/** What the host's clock is off by, seconds; each for three seconds. */
const OFFSETS = [0, HOUR, -600, YEARS, 0];
/** A third of what comes in three seconds. */
const FLOWING = 20;

interface Reader {
  cameraId: string;
  /** At each of the offsets. */
  frames: number[];
  /** Frames that say that something is missing before them. */
  breaks: number;
  gaps: Gap[];
  reconnects: number;
  renewals: number;
  mediaMs: number;
  gapMs: number;
  readErrors: number;
  /** What stepped into the past. */
  negative: string[];
}

it(
  "reads on while the host's clock is set forth and back by minutes, hours and years: no hole, no reconnection, renewals as ever",
  async () => {
    const library = await ensureFaketime();
    const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-clock-'));
    const offsetFile = join(folder, 'offset');
    writeFileSync(offsetFile, '+0\n');
    // The real service refuses what is signed more than a quarter of an hour off, and so does this one.
    await using stage = await setStage({ simulator: { verifySignatures: true } });
    const child = join(ROOT, 'test/support/stepped-child.cjs');
    const result = await runNode([child, ROOT, offsetFile, STREAM, JSON.stringify(OFFSETS)], {
      env: {
        ...stage.simulator.environment,
        // Behind a sanitizer's runtime, if there is one.
        LD_PRELOAD: [process.env['LD_PRELOAD'], library].filter(Boolean).join(':'),
        FAKETIME_TIMESTAMP_FILE: offsetFile,
        FAKETIME_NO_CACHE: '1',
        // The monotonic clock is what the kernel says.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        FAKETIME_DONT_RESET: '1',
      },
    });
    rmSync(folder, { recursive: true });
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
    const { negative, readers } = JSON.parse(result.stdout) as { negative: string[]; readers: Reader[] };
    expect(negative).toEqual([]);
    for (const reader of readers) {
      expect(reader).toMatchObject({ gaps: [], gapMs: 0, breaks: 0, reconnects: 0, negative: [] });
    }
    const [every, latest, young] = readers;
    expect(Math.min(...(every?.frames ?? []))).toBeGreaterThan(FLOWING);
    expect(Math.min(...(latest?.frames ?? []))).toBeGreaterThan(FLOWING);
    // By a clock that is an hour ahead no picture is young; as soon as it is right again they are.
    const [atFirst = 0, anHourAhead, ...later] = young?.frames ?? [];
    expect(anHourAhead).toBe(0);
    expect(Math.min(atFirst, ...later)).toBeGreaterThan(FLOWING);
    // One every three seconds, a tenth of their life earlier at most; and for each time the clock is set one call of each that is
    // refused, since its signature is not of today.
    const { GetHLSStreamingSessionURL: calls } = stage.simulator.requests.counts;
    const renewals = readers.map((reader) => reader.renewals);
    expect(Math.min(...renewals)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...renewals)).toBeLessThanOrEqual(8);
    expect(calls).toBeLessThanOrEqual(
      readers.length * (1 + Math.max(...renewals) + 2 * (OFFSETS.length - 1)),
    );
  },
  60_000 * SLOWNESS,
);
