import { describe, expect, it } from '@jest/globals';
import { Rates } from '../../../lib/monitor/rates';

/** Totals noted each second for so long. */
function noted(
  seconds: number,
  at: (second: number) => { frames: number; bytes?: number; capturedMs?: number },
): Rates {
  const rates = new Rates();
  for (let second = 0; second <= seconds; second++) {
    const { frames, bytes = 0, capturedMs = null } = at(second);
    rates.add({ atMs: second * 1000, frames, bytes, capturedMs }, 2000);
  }
  return rates;
}

describe('Rates', () => {
  it('knows nothing before there is something to compare', () => {
    const rates = noted(0, () => ({ frames: 7, bytes: 7 }));
    expect(rates.fps).toBeNull();
    expect(rates.bytesPerSecond).toBeNull();
  });

  it('tells the frames of a steady camera', () => {
    expect(noted(20, (second) => ({ frames: second * 30 })).fps).toBe(30);
  });

  it('does not show that frames come in bursts of a fragment', () => {
    const burst = (second: number): { frames: number; capturedMs: number } => {
      const fragments = Math.floor(second / 2);
      return { frames: fragments * 50, capturedMs: fragments * 2000 };
    };
    for (let seconds = 6; seconds < 30; seconds++) expect(noted(seconds, burst).fps).toBe(25);
  });

  it('goes by the time frames were taken in, however unevenly they come', () => {
    const fps = noted(12, (second) => {
      const frames = second * 25 + (second % 3) * 10;
      return { frames, capturedMs: frames * 40 };
    }).fps;
    expect(fps).toBeCloseTo(25, 6);
  });

  it('tells how fast a recording is read, not how fast it was taken', () => {
    expect(noted(10, (second) => ({ frames: second * 400, capturedMs: second * 16_000 })).fps).toBe(400);
  });

  it('falls when frames stop, and is 0 once none came for the whole time it looks at', () => {
    const stopped = (second: number): { frames: number } => ({ frames: Math.min(second, 10) * 25 });
    const falling = noted(16, stopped).fps!;
    expect(falling).toBeGreaterThan(0);
    expect(falling).toBeLessThan(20);
    expect(noted(25, stopped).fps).toBe(0);
  });

  it('tells 0 of a camera that never sent anything', () => {
    const rates = noted(5, () => ({ frames: 0 }));
    expect(rates.fps).toBe(0);
    expect(rates.bytesPerSecond).toBe(0);
  });

  it('tells the bytes of fragments over several of them', () => {
    const bytes = (second: number): { frames: number; bytes: number } => ({
      frames: 0,
      bytes: Math.floor(second / 2) * 500_000,
    });
    expect(noted(20, bytes).bytesPerSecond).toBe(250_000);
  });

  it('keeps no more than a minute, whatever fragments are like', () => {
    const rates = new Rates();
    rates.add({ atMs: 0, frames: 0, bytes: 0, capturedMs: null }, 30_000);
    rates.add({ atMs: 1000, frames: 100_000, bytes: 0, capturedMs: null }, 30_000);
    for (let second = 62; second <= 80; second++) {
      rates.add({ atMs: second * 1000, frames: 100_000 + second, bytes: 0, capturedMs: null }, 30_000);
    }
    expect(rates.fps).toBe(1);
  });
});
