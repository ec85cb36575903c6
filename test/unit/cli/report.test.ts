import { describe, expect, it } from '@jest/globals';
import { describe as tabled, describeBriefly, Tally, type Report } from '../../../lib/cli/report';
import { bytes, countdown, duration, seconds } from '../../../lib/cli/words';
import { FakeSource, metrics } from '../../support/fake-source';

const source = (changes: Parameters<typeof metrics>[0] = {}): FakeSource =>
  Object.assign(new FakeSource(), { metrics: metrics(changes) });

/** Twenty frames a second in bursts of two seconds, each a second old at first. */
function tallied(secondsLong: number): Tally {
  const tally = new Tally(0);
  for (let i = 0; i < secondsLong * 20; i++) {
    const nowMs = 1000 + Math.floor(i / 40) * 2000;
    tally.add({ ageMs: 1000 + i, timestampMs: 5e11 + i * 50 }, nowMs);
  }
  return tally;
}

const eventful = (): Report =>
  tallied(20).report(
    source({
      renewals: 1,
      reconnects: 2,
      urlRefreshes: 3,
      readErrors: 4,
      gaps: 3,
      gapMs: 4000,
      gapsByCause: {
        ...metrics().gapsByCause,
        producer: { gaps: 2, ms: 3000 },
        outage: { gaps: 1, ms: 2000 },
      },
      recoveredMs: 1000,
      dropsByCause: { ...metrics().dropsByCause, age: { frames: 7, ms: 350 } },
      fetchedBytes: 12_345_678,
      calls: [
        { api: 'GetDataEndpoint', result: 'ok', count: 1 },
        { api: 'GetHLSStreamingSessionURL', result: 'ok', count: 4 },
        { api: 'GetHLSStreamingSessionURL', result: 'KVS_THROTTLED', count: 2 },
      ],
    }),
    3_723_000,
    { written: 12, errors: 1 },
  );

describe('the report', () => {
  it('has the rate of frames that come in bursts', () => {
    expect(tallied(20).report(source(), 21_000).fps).toBeCloseTo(20, 5);
    expect(tallied(2).report(source(), 3_000).fps).toBeCloseTo(20, 5);
    expect(new Tally(0).report(source(), 1000)).toMatchObject({ frames: 0, fps: 0, seconds: 0 });
  });

  it('has the rate of capture also where all that was read came at once', () => {
    const burst = new Tally(0);
    for (let i = 0; i < 30; i++) burst.add({ ageMs: 0, timestampMs: 5e11 + i * 100 }, 400);
    expect(burst.report(source(), 450)).toMatchObject({ fps: 10, seconds: 2.9, durationSeconds: 0.45 });
  });

  it.each([3.6e6, -3.6e6])(
    "goes by the time that passed where a camera's clock is set by %d ms",
    (jumpMs) => {
      const tally = new Tally(0);
      for (let i = 0; i < 100; i++)
        tally.add({ ageMs: 0, timestampMs: i * 50 + (i < 50 ? 0 : jumpMs) }, i * 50);
      expect(tally.report(source(), 5000).seconds).toBeCloseTo(4.95, 5);
      expect(tally.report(source(), 5000).fps).toBeCloseTo(20, 5);
    },
  );

  it('has everything by cause, and what did not happen not at all', () => {
    expect(eventful()).toMatchObject({
      cameraId: 'front-door',
      frames: 400,
      durationSeconds: 3723,
      renewals: 1,
      reconnects: 2,
      errors: 4,
      gaps: 3,
      gapSeconds: 4,
      gapsByCause: { producer: 2, outage: 1 },
      gapSecondsByCause: { producer: 3, outage: 2 },
      droppedFramesByCause: { age: 7 },
      fetchedBytes: 12_345_678,
      snapshots: 12,
      snapshotErrors: 1,
    });
    expect(Object.keys(eventful().gapsByCause)).toEqual(['producer', 'outage']);
    const { meanAgeMs, p50AgeMs, p95AgeMs, p99AgeMs } = eventful();
    expect(meanAgeMs).toBeCloseTo(1199.5);
    expect(p50AgeMs! / 1199).toBeCloseTo(1.01, 1);
    expect(p95AgeMs! / 1379).toBeCloseTo(1.01, 1);
    expect(p99AgeMs! / 1395).toBeCloseTo(1.01, 1);
    expect(p99AgeMs).toBeGreaterThanOrEqual(p95AgeMs!);
  });

  it('is a table for people', () => {
    expect(tabled({ ...eventful(), p50AgeMs: 1200, p95AgeMs: 1380, p99AgeMs: 1400 }, '/out')).toBe(
      `front-door: read for 1 h 2 min
  frames         400 at 20.0 fps
  age            1.20 s mean, 1.20 s p50, 1.38 s p95, 1.40 s p99
  sessions       1 renewal, 2 reconnects
  gaps           3, 4.0 s missing: producer 2 (3.0 s), outage 1 (2.0 s); 1.0 s had after all
  dropped        age 7
  fetched        12.3 MB
  control calls  GetDataEndpoint: 1 ok
                 GetHLSStreamingSessionURL: 4 ok, 2 KVS_THROTTLED
  read errors    4
  snapshots      12 in /out; 1 could not be kept`,
    );
  });

  it('says how it ended where frames did not flow any more', () => {
    const ended = (status: 'flowing' | 'stopped' | 'reconnecting'): string =>
      tabled({
        ...eventful(),
        endedAs: { status, reason: 'reconnecting, no frame for 14 s: x', lastFrameAgoMs: 14_400 },
      });
    expect(ended('reconnecting')).toMatch(/\n {2}at the end +reconnecting, no frame for 14 s: x$/);
    for (const status of ['flowing', 'stopped'] as const) expect(ended(status)).not.toContain('at the end');
  });

  it('has dashes where nothing came', () => {
    const text = tabled(new Tally(0).report(source(), 500));
    expect(text).toMatch(/age +– mean, – p50, – p95, – p99/);
    expect(text).toMatch(/gaps +none\n +dropped +none\n[\s\S]*control calls +none/);
    expect(text).not.toContain('snapshots');
  });

  it('is one short line in between', () => {
    const brief = describeBriefly(eventful());
    expect(brief).toMatch(
      /^400 frames, 20\.0 fps, age 1\.2\d s p50, 1\.\d\d s p95, 3 gaps \(4\.0 s\), 2 reconnects, 4 read errors$/,
    );
    expect(brief.length).toBeLessThan(100);
    expect(describeBriefly(tallied(2).report(source(), 3000))).toMatch(/p95, no gaps$/);
  });
});

describe('words', () => {
  it('have units that suit', () => {
    expect([0, 999, 1000, 999_949, 999_951, 1.5e9, 4e15].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '999.9 kB',
      '1.0 MB',
      '1.5 GB',
      '4000.0 TB',
    ]);
    expect([0.24, 59.9, 60, 123.4, 3599.7, 7322].map(duration)).toEqual([
      '0.2 s',
      '59.9 s',
      '1 min 0 s',
      '2 min 3 s',
      '1 h 0 min',
      '2 h 2 min',
    ]);
    expect([-5, 0, 1, 59_001, 247_000, 3_723_000].map(countdown)).toEqual([
      '0:00',
      '0:00',
      '0:01',
      '1:00',
      '4:07',
      '1:02:03',
    ]);
    expect([null, 2310].map(seconds)).toEqual(['–', '2.31 s']);
  });
});
