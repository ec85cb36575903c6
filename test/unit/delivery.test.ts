import { describe, expect, it } from '@jest/globals';
import { FrameDelivery } from '../../lib/delivery';
import type { Delivery } from '../../lib/frame-choice';
import type { Frame } from '../../lib/frames/frame';
import type { Drop } from '../../lib/policy/drop';
import { FakeClock } from '../support/fake-clock';
import { LoanedFrames } from '../support/loaned-frames';

const FRAME_MS = 100;
const FRAGMENT_MS = 1000;
/** What the playout adds for decoding. */
const SPARE_MS = 100;

/** A delivery with an engine that makes frames at once, as far as its slots reach. */
class Bench {
  readonly clock = new FakeClock();
  readonly startMs = this.clock.now();
  readonly frames = new LoanedFrames();
  readonly drops: Drop[] = [];
  readonly periods: number[] = [];
  readonly delivery: FrameDelivery;
  floorMs = -Infinity;
  #coming: number[] = [];
  readonly #slots: number;

  constructor(delivery: Delivery, isPaced: boolean, slots = 8) {
    this.#slots = slots;
    this.delivery = new FrameDelivery(
      { delivery, isPaced, isLive: true, clock: this.clock },
      {
        take: () => this.#take(),
        setFloor: (ms) => (this.floorMs = Math.max(this.floorMs, ms)),
        setPeriod: (ms) => this.periods.push(ms),
        onDrop: (drop) => this.drops.push(drop),
      },
    );
  }

  #take(): Frame | undefined {
    this.#coming = this.#coming.filter((at) => at >= this.floorMs);
    if (this.frames.loaned.size >= this.#slots) return undefined;
    const at = this.#coming.shift();
    return at === undefined ? undefined : this.frames.make(at, { durationMs: FRAME_MS });
  }

  /** The fragment that begins so long after the start comes when its last picture was taken. */
  fragment(fromMs: number): void {
    this.clock.step(this.startMs + fromMs + FRAGMENT_MS - this.clock.now());
    const captureMs = this.startMs + fromMs;
    this.delivery.onFragment({ captureMs, durationMs: FRAGMENT_MS, isBreak: false });
    for (let at = 0; at < FRAGMENT_MS; at += FRAME_MS) this.#coming.push(captureMs + at);
  }

  /** Hands over what is due, and takes it back; the frame's capture time after the start. */
  take(): number | undefined {
    const frame = this.delivery.next();
    frame?.release();
    return frame === undefined ? undefined : frame.timestampMs - this.startMs;
  }
}

describe('handing frames over', () => {
  it('paces all frames as they were taken, with pace realtime', () => {
    const bench = new Bench({ kind: 'every' }, true);
    bench.fragment(0);
    expect([bench.take(), bench.delivery.dueInMs]).toEqual([undefined, SPARE_MS]);
    const seen: { at: number; frame: number | undefined }[] = [];
    for (let at = 0; at < 1200; at += 50) {
      bench.clock.step(50);
      const frame = bench.take();
      if (frame !== undefined) seen.push({ at: bench.clock.now() - bench.startMs, frame });
    }
    expect(seen).toEqual(
      Array.from({ length: 10 }, (_, i) => ({ at: FRAGMENT_MS + SPARE_MS + i * 100, frame: i * 100 })),
    );
    expect(bench.drops).toEqual([]);
  });

  it('hands over what is ready though the clock it is dated by was set back since', () => {
    const bench = new Bench({ kind: 'every' }, true);
    bench.fragment(0);
    bench.clock.step(SPARE_MS);
    expect(bench.take()).toBe(0);
    const behindMs = -3_600_000;
    bench.clock.step(FRAGMENT_MS - SPARE_MS);
    bench.delivery.onFragment({
      captureMs: bench.startMs + behindMs,
      durationMs: FRAGMENT_MS,
      isBreak: false,
    });
    for (let frame = 1; frame < 10; frame++) expect(bench.take()).toBe(frame * 100);
  });

  it('gives a slow consumer the latest frames evenly, though they come in bursts', () => {
    const bench = new Bench({ kind: 'latest' }, true);
    const seen: number[] = [];
    for (let fragment = 0; fragment < 20; fragment++) {
      bench.fragment(fragment * FRAGMENT_MS);
      for (let busy = 0; busy < 3; busy++) {
        const frame = bench.take();
        if (frame !== undefined) seen.push(frame);
        bench.clock.step(300);
      }
    }
    const steps = seen.slice(1).map((at, i) => at - seen[i]!);
    expect(seen.length).toBeGreaterThan(50);
    expect(Math.max(...steps)).toBeLessThanOrEqual(500);
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(200);
  });

  it('keeps the frames to come undecoded for as long as the consumer is sure to be busy', () => {
    const bench = new Bench({ kind: 'latest' }, true);
    bench.fragment(0);
    bench.clock.step(SPARE_MS);
    bench.take();
    bench.clock.step(500);
    expect(bench.take()).toBe(500);
    // 80 % of the 500 ms it took, less the one frame that may still be due then.
    expect(bench.floorMs - bench.startMs).toBe(500 + 400 - FRAME_MS);
  });

  it('hands over the newest at once, without pace, and tells of the others', () => {
    const bench = new Bench({ kind: 'latest' }, false);
    bench.fragment(0);
    expect(bench.take()).toBe(700);
    expect(bench.take()).toBe(900);
    expect(bench.drops).toEqual([
      { cause: 'latest', frames: 7, ms: 700 },
      { cause: 'latest', frames: 1, ms: 100 },
    ]);
    expect(bench.take()).toBeUndefined();
  });

  it('has the latest for a consumer that comes back after a long time', () => {
    const bench = new Bench({ kind: 'latest' }, true);
    for (let fragment = 0; fragment < 30; fragment++) bench.fragment(fragment * FRAGMENT_MS);
    const first = bench.take();
    expect(first).toBeGreaterThanOrEqual(27_000);
    bench.delivery.close();
    expect([...bench.frames.loaned]).toEqual([]);
  });

  it('never hands over a frame older than the greatest age', () => {
    const bench = new Bench({ kind: 'max-age', maxAgeMs: 1500 }, false);
    bench.fragment(0);
    expect(bench.take()).toBe(0);
    bench.clock.step(900);
    // Now 1900 ms: what was taken before 400 ms is too old.
    expect(bench.take()).toBe(400);
    expect(bench.drops).toEqual([{ cause: 'age', frames: 3, ms: 300 }]);
    expect(bench.floorMs - bench.startMs).toBe(400);
  });

  it('lets frames go that nobody takes when there is no room for a fragment', () => {
    const bench = new Bench({ kind: 'max-age', maxAgeMs: 1500 }, false);
    bench.fragment(0);
    bench.delivery.makeRoom();
    expect(bench.frames.loaned.size).toBe(8);
    bench.clock.step(5000);
    bench.delivery.makeRoom();
    expect(bench.frames.loaned.size).toBe(0);
  });

  it('says at the next frame what was missing before those that were dropped', () => {
    const frames = new LoanedFrames();
    const waiting = [
      frames.make(0),
      frames.make(500, { gapMs: 400, discontinuity: true }),
      frames.make(600),
      frames.make(700),
    ];
    const delivery = new FrameDelivery(
      { delivery: { kind: 'latest' }, isPaced: false, isLive: true, clock: new FakeClock() },
      { take: () => waiting.shift(), setFloor: () => {}, setPeriod: () => {}, onDrop: () => {} },
    );
    expect(delivery.next()).toMatchObject({ timestampMs: 700, gapMs: 400, discontinuity: true });
  });

  it('says so too where no frame was ready behind those', () => {
    const frames = new LoanedFrames();
    const clock = new FakeClock(10_000);
    const waiting = [frames.make(0, { gapMs: 400, discontinuity: true })];
    const delivery = new FrameDelivery(
      { delivery: { kind: 'max-age', maxAgeMs: 1000 }, isPaced: false, isLive: true, clock },
      { take: () => waiting.shift(), setFloor: () => {}, setPeriod: () => {}, onDrop: () => {} },
    );
    expect(delivery.next()).toBeUndefined();
    waiting.push(frames.make(9900));
    expect(delivery.next()).toMatchObject({ timestampMs: 9900, gapMs: 400, discontinuity: true });
  });
});
