import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import type { Gap, KvsHlsFrameSource } from '../../lib/index';
import { faultByName } from '../../lib/simulator/index';
import { breaks, see, setStage, STREAM, type Seen, type Stage, type StageOptions } from '../support/camera';

const SETTING: StageOptions = { clip: { seconds: 30 }, camera: { speed: 3 } };
const OPTIONS = { maxMediaPlaylistFragmentResults: 4, catchUp: { maxSeconds: 60 } };

interface Reading {
  seen: (Seen & { gapMs: number })[];
  gaps: Gap[];
}

/** Reads so many frames, after `when` of them does something. */
async function readOn(
  source: KvsHlsFrameSource,
  count: number,
  when: number,
  then: () => unknown,
): Promise<Reading> {
  const seen: Reading['seen'] = [];
  const gaps: Gap[] = [];
  source.on('gap', (gap) => gaps.push(gap));
  for await (const frame of source.frames({ maxFrames: count })) {
    seen.push({ ...see(frame), gapMs: frame.gapMs });
    if (seen.length === when) await then();
  }
  return { seen, gaps };
}

/** The window slides on by about so many fragments. */
async function letSlide(stage: Stage, fragments: number): Promise<void> {
  const stream = stage.simulator.stream(STREAM);
  await stream.untilVisible(stream.fragments.length + fragments);
}

/** Requests that the source has counted, of live sessions and of those for its recording. */
async function fetches(registry: Registry, kind: string, status: string): Promise<number> {
  const { values } = await registry.getSingleMetric('kvs_hls_fetches_total')!.get();
  const meant = values.filter(({ labels }) => labels.kind === kind && labels.status === status);
  return meant.reduce((sum, { value }) => sum + value, 0);
}

const twice = (seen: readonly Seen[]): number => seen.length - new Set(seen.map(({ number }) => number)).size;

describe('catchUp', () => {
  it.each([
    'playlist-dated-1970',
    'playlist-dates-off-1h',
    'playlist-out-of-order',
    'playlist-repeats-fragment',
  ])('reads nothing twice and tells no hole where there is none: %s', async (name) => {
    await using stage = await setStage({ ...SETTING, camera: { speed: 1 } });
    await using source = stage.source({ catchUp: { maxSeconds: 600 } });
    const { seen, gaps } = await readOn(source, 120, 20, () =>
      stage.simulator.setFaults(faultByName(name).script),
    );
    expect(twice(seen)).toBe(0);
    const lostMs = gaps.reduce((sum, gap) => sum + (gap.recovered ? -gap.ms : gap.ms), 0);
    expect(lostMs).toBe(0);
    expect(stage.simulator.requests.counts.GetHLSStreamingSessionURL).toBeLessThanOrEqual(2);
  });

  it('reads nothing twice when the camera’s clock goes back and is set right again', async () => {
    await using stage = await setStage({ ...SETTING, camera: { speed: 1 } });
    await using source = stage.source({ catchUp: { maxSeconds: 600 } });
    const { seen } = await readOn(source, 200, 20, () =>
      stage.simulator.setFaults(faultByName('clock-back-5s').script),
    );
    expect(twice(seen)).toBe(0);
    expect(source.getMetrics().recoveredMs).toBe(0);
  });

  it('goes on live at once when the recording is throttled, and the hole goes to the ledger', async () => {
    await using stage = await setStage({
      ...SETTING,
      simulator: {
        intercept: (request, response) =>
          request.kind === 'GetHLSStreamingSessionURL' && request.body.toString().includes('ON_DEMAND')
            ? {
                status: 400,
                headers: { 'x-amzn-ErrorType': 'ClientLimitExceededException', 'retry-after': '3600' },
                body: Buffer.from('{"Message":"too many"}'),
              }
            : response,
      },
    });
    await using source = stage.source(OPTIONS);
    const { seen, gaps } = await readOn(source, 200, 10, () => letSlide(stage, 24));
    expect(gaps).toMatchObject([{ cause: 'window-slid', recovered: false }]);
    expect(seen.filter(({ gapMs }) => gapMs > 0)).toHaveLength(1);
    expect(source.getMetrics()).toMatchObject({ readErrors: 1, phase: 'connected' });
  });

  it('tells what the recording has lost itself under its own cause', async () => {
    let recording = '';
    await using stage = await setStage({
      ...SETTING,
      simulator: {
        intercept: (request, response) => {
          const number = request.query.get('FragmentNumber') ?? '';
          // Numbers are real ones in recordings only.
          if (number.length > 40 && recording === '') recording = number;
          return number !== '' && number === recording
            ? {
                status: 404,
                headers: { 'x-amzn-ErrorType': 'ResourceNotFoundException' },
                body: Buffer.from('{}'),
              }
            : response;
        },
      },
    });
    const registry = new Registry();
    await using source = stage.source({ ...OPTIONS, registry });
    const { seen, gaps } = await readOn(source, 200, 10, () => letSlide(stage, 16));
    expect(await fetches(registry, 'fragment', '404')).toBeGreaterThan(0);
    expect(await fetches(registry, 'master', '200')).toBeGreaterThan(1);
    expect(gaps.filter(({ recovered }) => !recovered)).toMatchObject([
      { cause: 'window-slid', ms: 500, fragments: 1 },
    ]);
    expect(breaks(seen, stage.clip)).toHaveLength(1);
  });

  it('is connected while the recording is read after an outage', async () => {
    let isOut = false;
    await using stage = await setStage({
      ...SETTING,
      simulator: {
        intercept: (_, response) => (isOut ? { status: 503, headers: {}, body: Buffer.from('') } : response),
      },
    });
    await using source = stage.source({ ...OPTIONS, maxConsecutiveErrors: 1000 });
    const phases: string[] = [];
    source.on('state', ({ phase }) => phases.push(phase));
    const { seen, gaps } = await readOn(source, 300, 30, async () => {
      isOut = true;
      await letSlide(stage, 24);
      isOut = false;
    });
    expect(breaks(seen, stage.clip)).toEqual([]);
    expect(gaps.every(({ recovered }) => recovered)).toBe(true);
    expect(phases.at(-1)).toBe('connected');
    expect(source.isHealthy()).toBe(true);
  });
});

describe('fillGaps', () => {
  it('needs no slot of the consumer’s: the smallest ring still flows with a frame on loan', async () => {
    await using stage = await setStage({ ...SETTING, camera: { speed: 1 } });
    const stream = stage.simulator.stream(STREAM);
    await using source = stage.source({ bufferedFrames: 2, fillGaps: 'repeat' });
    const kept = (await source.read({ timeoutMs: 20_000 }))?.retain();
    let frames = 0;
    for await (const _ of source.frames({ maxFrames: 40 })) frames += 1;
    expect(frames).toBe(40);
    expect(kept?.released).toBe(false);
    expect(stream.cameraState).toBe('running');
    kept?.release();
  });
});
