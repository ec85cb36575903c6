import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Gap, SessionStart, SourceMetrics } from '../../lib/index';
import type { Timeline } from '../../lib/simulator/index';
import { breaks, see, setStage, STREAM, worstTimeError, type Seen } from '../support/camera';

const RENEWALS = 200;

interface Run {
  name: string;
  containerFormat: 'FRAGMENTED_MP4' | 'MPEG_TS';
  codec: 'h264' | 'h265';
  numbers: 'session' | 'global';
  timeline: Timeline;
}

/** Pictures refer to later ones in all of them. */
const RUNS: Run[] = [
  {
    name: 'fMP4, session-local numbers, times that go on',
    containerFormat: 'FRAGMENTED_MP4',
    codec: 'h264',
    numbers: 'session',
    timeline: 'continuous',
  },
  {
    name: 'fMP4 of H.265, real numbers, times from 0 in each session',
    containerFormat: 'FRAGMENTED_MP4',
    codec: 'h265',
    numbers: 'global',
    timeline: 'session',
  },
  {
    name: 'MPEG-TS, session-local numbers, times from 0 in each session',
    containerFormat: 'MPEG_TS',
    codec: 'h264',
    numbers: 'session',
    timeline: 'session',
  },
  {
    name: 'MPEG-TS, real numbers, times that go on',
    containerFormat: 'MPEG_TS',
    codec: 'h264',
    numbers: 'global',
    timeline: 'continuous',
  },
];

interface Outcome {
  renewals: number;
  frames: number;
  breaks: string[];
  worstTimeErrorMs: number;
  sessionsSeen: number;
  gaps: Gap[];
  metrics: SourceMetrics;
  sessionCalls: number;
  endpointCalls: number;
}

/** Reads until so many sessions were renewed and frames of the last came. */
async function readThrough({ containerFormat, codec, numbers, timeline }: Run): Promise<Outcome> {
  await using stage = await setStage({
    clip: { codec, bFrames: 2 },
    // Five times faster than real time, so that each session has several fragments.
    camera: { speed: 5 },
    stream: { timeline },
    // Sessions truly live for 2 s. The reader, told 300 s with a margin of 299.7 s, renews after less than 0.3 s.
    simulator: { sessionLifetimeSeconds: 2, liveFragmentNumbers: numbers },
  });
  await using source = stage.source({
    containerFormat,
    hlsSessionSeconds: 300,
    urlRefreshMarginSeconds: 299.7,
    maxMediaPlaylistFragmentResults: 20,
  });
  const renewals: SessionStart[] = [];
  const gaps: Gap[] = [];
  source.on('session', (session) => session.renewal && renewals.push(session));
  source.on('gap', (gap) => gaps.push(gap));
  const seen: Seen[] = [];
  for await (const frame of source) {
    seen.push(see(frame));
    if (frame.fragment.sessionId > RENEWALS) break;
    // A reader that has stopped renewing must not read for ever.
    if (seen.length > 60_000) break;
  }
  const { counts } = stage.simulator.requests;
  return {
    renewals: renewals.length,
    frames: seen.length,
    breaks: breaks(seen, stage.clip),
    worstTimeErrorMs: worstTimeError(seen, stage.clip, stage.simulator.stream(STREAM).stampEpochMs),
    sessionsSeen: new Set(seen.map(({ sessionId }) => sessionId)).size,
    gaps,
    metrics: source.getMetrics(),
    sessionCalls: counts.GetHLSStreamingSessionURL,
    endpointCalls: counts.GetDataEndpoint,
  };
}

describe(`${RENEWALS} renewals in a row`, () => {
  let outcomes: Outcome[] = [];
  // Side by side: each waits for its camera most of the time.
  beforeAll(async () => {
    outcomes = await Promise.all(RUNS.map((run) => readThrough(run)));
  }, 240_000);

  it.each(RUNS.map(({ name }, index) => [name, index] as const))(
    'lose no frame and repeat none: %s',
    (_, index) => {
      const outcome = outcomes[index]!;
      expect(outcome.breaks).toEqual([]);
      expect(outcome.gaps).toEqual([]);
      expect(outcome.renewals).toBeGreaterThanOrEqual(RENEWALS);
      expect(outcome.worstTimeErrorMs).toBeLessThanOrEqual(1);
      // Most sessions play: a renewal is followed by fragments of the new one.
      expect(outcome.sessionsSeen).toBeGreaterThan(RENEWALS / 2);
      expect(outcome.metrics).toMatchObject({ reconnects: 0, readErrors: 0, gapMs: 0 });
      // One control call per session.
      expect(outcome.endpointCalls).toBe(1);
      expect(outcome.sessionCalls - outcome.renewals).toBeLessThanOrEqual(2);
    },
  );
});
