import { beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { systemClock } from '../../lib/clock';
import { Follower } from '../../lib/hls/follower';
import type { Fragment } from '../../lib/hls/fragment';
import { Loader } from '../../lib/hls/loader';
import { mediaStartMs } from '../../lib/hls/media-time';
import { HlsFrameSource } from '../../lib/index';
import { silentLogger } from '../../lib/logger';
import { bandwidthOf, LadderServer, makeRungs, type Rung } from '../support/ladder';
import { fastClock } from '../unit/hls/server';

/** More than the phases take, also on a busy machine; the first test ends the stream as soon as they are through. */
const SECONDS = 40;
const FACTOR = 10;
const START_MS = Date.UTC(2026, 10, 22, 10);

let rungs: Rung[];

beforeAll(() => {
  rungs = makeRungs(SECONDS, [
    [320, 180],
    [640, 360],
    [480, 270],
  ]);
});

describe('a stream of three variants over a link whose bandwidth changes', () => {
  it.each([
    ['dates', START_MS],
    ['numbers and times', null],
  ])('is followed down, up and down again, each fragment once, joined by %s', async (_by, startMs) => {
    const clock = fastClock(FACTOR);
    await using server = await new LadderServer(rungs, { clock, factor: FACTOR, startMs, listed: 3 }).start();
    const loader = new Loader({ clock });
    const log: string[] = [];
    const logger = { ...silentLogger, info: (line: string) => void log.push(line) };
    const follower = new Follower({ loader, clock, logger, random: Math.random });
    const high = bandwidthOf(rungs[1]!);
    // What the link carries once a variant of that height is read.
    const phases = [
      { from: 360, rate: high * 0.3 },
      { from: 180, rate: Infinity },
      { from: 360, rate: high * 0.3 },
      { from: 180, rate: Infinity },
    ];
    let begun = 0;
    const fragments: Fragment[] = [];
    const session = { id: 1, url: server.url, expiresAtMs: Infinity, endsAtMs: Infinity };
    for await (const fragment of follower.run(session, new AbortController().signal)) {
      fragments.push(fragment);
      const next = phases[begun];
      if (fragments.length < 3 || fragment.variant!.height !== next?.from) continue;
      server.rate = next.rate;
      begun += 1;
      if (begun === phases.length) server.end();
    }
    loader.close();

    const heights = fragments.map(({ variant }) => variant!.height!);
    expect(heights[0]).toBe(360);
    expect({ begun, heights }).toMatchObject({ begun: phases.length });
    // The newest of three, then each after it to the end; by their own clock too.
    const starts = fragments.map((fragment) => Math.round(mediaStartMs(fragment)! / 1000));
    expect(starts).toEqual(Array.from({ length: server.length - 2 }, (_, i) => i + 2));
    expect(fragments.map(({ sequence }) => sequence)).toEqual(starts);
    expect(fragments.filter(({ lost, discontinuity }) => lost !== null || discontinuity)).toEqual([]);

    const turns = heights.filter((height, i) => i > 0 && height !== heights[i - 1]).length;
    expect(turns).toBeLessThanOrEqual(8);
    expect(log).toHaveLength(turns + 1);
    for (const { init, variant } of fragments) {
      expect(init).toEqual(new Uint8Array(rungs.find(({ height }) => height === variant!.height)!.clip.init));
    }
  });
});

it('frames of the wanted size come from the variant that suits it, and go on without a gap when a lower one is read', async () => {
  const options = { clock: systemClock, factor: 1, startMs: START_MS, listed: SECONDS - 4 };
  await using server = await new LadderServer(rungs, options).start();
  await using source = new HlsFrameSource({
    url: server.url,
    output: { width: 460, height: 260 },
    registry: new Registry(),
  });
  const times: number[] = [];
  const sources = new Set<number>();
  for await (const frame of source) {
    if (times.length === 0) server.rate = bandwidthOf(rungs[2]!) * 0.3;
    expect([frame.width, frame.height, frame.data.length]).toEqual([460, 260, 460 * 260 * 3]);
    times.push(frame.timestampMs);
    sources.add(frame.sourceHeight);
  }
  // Five fragments of 25 pictures.
  expect(times.map((ms) => Math.round((ms - START_MS) / 40))).toEqual(
    Array.from({ length: 5 * 25 }, (_, i) => (SECONDS - 5) * 25 + i),
  );
  expect([...sources]).toEqual([270, 180]);
  expect(source.getMetrics()).toMatchObject({ gapMs: 0, gaps: 0 });
});
