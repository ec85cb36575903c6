import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Registry } from 'prom-client';
import { HlsFrameSource, type Gap } from '../../lib/index';
import type { EngineFault } from '../../binding';
import { FrameEngine } from '../../lib/frames/engine';
import type { Frame, FrameFragment } from '../../lib/frames/frame';
import type { Fragment, FragmentBytes } from '../../lib/hls/fragment';
import { Ledger } from '../../lib/policy/ledger';
import { prepareClip, readStamp, type Clip, type ClipOptions } from '../../lib/simulator/index';
import { ENGINE_OPTIONS } from '../support/engine-driver';
import { entriesOf, serveList } from '../support/hls-list';
import { SLOWNESS } from '../support/sanitizer';

/** Four fragments of ten pictures each, with pictures out of order. */
const CLIP: ClipOptions = { width: 320, height: 180, fps: 20, fragmentSeconds: 0.5, seconds: 2, bFrames: 2 };
const ALL = [...Array(40).keys()];
const DATE = Date.UTC(2026, 10, 22);

/** All boxes whole; the pictures from the middle on are none. */
function damaged(media: Buffer): Buffer {
  const copy = Buffer.from(media);
  return copy.fill(0xff, copy.length >> 1);
}

function numberOf(frame: Frame): number {
  const stamp = readStamp(frame.data, frame.width, frame.height, frame.stride);
  return stamp === null ? -1 : stamp.frameNumber;
}

/** An engine that is given the clip's fragments, some of them damaged, and what came of it. */
class Run {
  readonly numbers: number[] = [];
  readonly faults: EngineFault[] = [];
  readonly gaps: Gap[] = [];
  readonly asked: (number | null)[] = [];
  readonly ledger = new Ledger();
  readonly engine: FrameEngine;
  readonly #ended: Promise<void>;

  constructor(
    fetchAgain: (fragment: FrameFragment) => Promise<FragmentBytes | null>,
    readonly onNews: () => void = () => {},
  ) {
    let onEnded = (): void => {};
    this.#ended = new Promise((resolve) => (onEnded = resolve));
    const dates = { source: 'producer', isLive: false } as const;
    const { ledger } = this;
    this.engine = new FrameEngine(
      { ...ENGINE_OPTIONS, cameraId: 'test', bufferedFrames: 8, memory: 'shared', dates, ledger },
      {
        fetchAgain: (fragment) => {
          this.asked.push(fragment.sequence);
          return fetchAgain(fragment);
        },
        onGap: (gap) => {
          this.gaps.push(gap);
          this.onNews();
        },
        onFrames: () => this.#takeAll(),
        onFormat: () => this.onNews(),
        onDrop: () => {},
        onDecoder: () => {},
        onRoom: () => {},
        onFault: (fault) => {
          this.faults.push(fault);
          this.onNews();
        },
        onLog: () => {},
        onEnded,
        onFailure: (error) => {
          throw error;
        },
      },
    );
  }

  async push(clip: Clip, isDamaged: (index: number) => boolean): Promise<void> {
    for (const fragment of fragmentsOf(clip, isDamaged)) {
      // Room comes with the event loop's next turns: the frames are taken as they come.
      while (!this.engine.push(fragment)) await new Promise((resolve) => setImmediate(resolve));
    }
    this.engine.finish(null);
    await this.#ended;
    this.#takeAll();
  }

  #takeAll(): void {
    for (let frame = this.engine.take(); frame !== undefined; frame = this.engine.take()) {
      if (!frame.damaged) this.numbers.push(numberOf(frame));
      frame.release();
    }
  }
}

function fragmentsOf(clip: Clip, isDamaged: (index: number) => boolean): Fragment[] {
  return clip.fragments.map(({ media }, i) => ({
    container: 'fmp4',
    init: clip.init.bytes,
    media: isDamaged(i) ? damaged(media) : media,
    dateMs: DATE + i * 500,
    durationMs: 500,
    sequence: i,
    number: null,
    sessionId: 1,
    discontinuity: false,
    isAdjacent: true,
    lost: null,
    elapsedMs: null,
    receivedAtMs: DATE,
    variant: null,
  }));
}

describe('a fragment that comes damaged', () => {
  const runs: Run[] = [];
  const start = (fetchAgain: (fragment: FrameFragment) => Promise<FragmentBytes | null>): Run => {
    const run = new Run(fetchAgain);
    runs.push(run);
    return run;
  };
  const copyOf = (clip: Clip, index: number): FragmentBytes => ({
    init: Uint8Array.from(clip.init.bytes),
    media: Uint8Array.from(clip.fragments[index]!.media),
  });

  afterEach(async () => {
    await Promise.all(runs.splice(0).map(({ engine }) => engine.close()));
  });

  it.each([0, 1, 3])('is fetched once more and decoded whole (fragment %d of 4)', async (bad) => {
    const clip = await prepareClip(CLIP);
    const run = start(({ sequence }) => Promise.resolve(copyOf(clip, sequence)));
    await run.push(clip, (i) => i === bad);
    expect(run.numbers).toEqual(ALL);
    expect(run.asked).toEqual([bad]);
    expect(run).toMatchObject({ faults: [], gaps: [] });
    expect(run.engine).toMatchObject({ refetched: 1, repaired: 1 });
    expect(run.ledger.deliveredMs).toBeCloseTo(2000, 0);
  });

  it.each<[string, (clip: Clip) => Promise<FragmentBytes | null>]>([
    [
      'is the same',
      (clip) => Promise.resolve({ ...copyOf(clip, 1), media: damaged(clip.fragments[1]!.media) }),
    ],
    ['is not to be had', () => Promise.resolve(null)],
    ['fails', () => Promise.reject(new Error('404'))],
  ])('is given up and accounted for if its second copy %s', async (_, fetchAgain) => {
    const clip = await prepareClip(CLIP);
    const run = start(() => fetchAgain(clip));
    await run.push(clip, (i) => i === 1);
    expect(run.asked).toEqual([1]);
    expect(run.faults.map(({ stage }) => stage)).toEqual(['decode']);
    expect(run.engine).toMatchObject({ refetched: 1, repaired: 0 });
    expect(run.numbers.slice(0, 10)).toEqual(ALL.slice(0, 10));
    expect(run.numbers.slice(-20)).toEqual(ALL.slice(20));
    expect(new Set(run.gaps.map(({ cause }) => cause))).toEqual(new Set(['media']));
    expect(run.ledger.deliveredMs + run.ledger.gapMs).toBeCloseTo(2000, 0);
  });

  it('is asked for no more after three in vain, until one is whole at once', async () => {
    const clip = await prepareClip({ ...CLIP, seconds: 5 });
    const run = start(() => Promise.resolve(null));
    await run.push(clip, (i) => i !== 5 && i !== 9);
    expect(run.asked).toEqual([0, 1, 2, 6, 7, 8]);
    expect(run.faults).toHaveLength(8);
    expect(run.engine).toMatchObject({ refetched: 6, repaired: 0 });
    expect(run.ledger.deliveredMs + run.ledger.gapMs).toBeCloseTo(5000, 0);
  });

  it.each(['format', 'gap', 'fault'] as const)('may make a listener close the engine (%s)', async (news) => {
    const clip = await prepareClip(CLIP);
    const closed = new Promise<void>((resolve) => {
      const run: Run = new Run(
        () => Promise.resolve(null),
        () => {
          const hasCome = { format: true, gap: run.gaps.length > 0, fault: run.faults.length > 0 }[news];
          if (hasCome) run.engine.close().then(resolve, resolve);
        },
      );
      runs.push(run);
      for (const fragment of fragmentsOf(clip, (i) => i === 1 || i === 2)) run.engine.push(fragment);
    });
    await closed;
    const [{ engine, numbers } = { engine: undefined, numbers: [] }] = runs;
    expect(engine?.readyCount).toBe(0);
    const before = numbers.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(numbers).toHaveLength(before);
  });

  it('may be waited for while the engine is closed', async () => {
    const clip = await prepareClip(CLIP);
    const answer = jest.fn<(copy: FragmentBytes | null) => void>();
    const run = start(() => new Promise((resolve) => answer.mockImplementation(resolve)));
    await new Promise<void>((resolve) => {
      const look = (): void => void (run.asked.length > 0 ? resolve() : setImmediate(look));
      run.engine.push(fragmentsOf(clip, () => true)[0]!);
      look();
    });
    const startedAt = performance.now();
    await run.engine.close();
    // The requirement; it takes about 1 ms.
    expect(performance.now() - startedAt).toBeLessThan(250 * SLOWNESS);
    answer(copyOf(clip, 0));
    await new Promise((resolve) => setImmediate(resolve));
    expect(run.faults).toEqual([]);
  });
});

describe.each(['fmp4', 'mpegts'] as const)(
  'a fragment of %s that a server sends damaged once',
  (container) => {
    it('is read without a gap', async () => {
      const clip = await prepareClip(CLIP);
      const entries = entriesOf(clip, container).map((entry, i) => ({ ...entry, dateMs: DATE + i * 500 }));
      const bad = entries[2]!;
      const atFirst = Buffer.from(bad.media);
      if (container === 'fmp4') atFirst.fill(0xff, atFirst.length >> 1);
      // The packets' headers stay.
      else
        for (let at = 188 * 20; at + 188 <= atFirst.length; at += 188) atFirst.fill(0x55, at + 100, at + 180);
      await using server = await serveList(
        entries.map((entry) => (entry === bad ? { ...entry, atFirst } : entry)),
      );
      await using source = new HlsFrameSource({ url: server.url, registry: new Registry() });
      const told: unknown[] = [];
      source.on('gap', (gap) => told.push(gap));
      source.on('fault', (fault) => told.push(fault));
      const numbers: number[] = [];
      for await (const frame of source) {
        numbers.push(numberOf(frame));
        expect(frame.discontinuity).toBe(false);
        expect(source.getMetrics()).toMatchObject({ readErrors: 0 });
      }
      expect(numbers).toEqual(ALL);
      expect(told).toEqual([]);
      expect(source.getMetrics()).toMatchObject({ refetchedFragments: 1, repairedFragments: 1, gaps: 0 });
      const name = container === 'fmp4' ? '2.m4s' : '2.ts';
      expect(server.requests.filter((file) => file === name)).toHaveLength(2);
    });
  },
);
