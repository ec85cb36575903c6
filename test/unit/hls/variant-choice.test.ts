import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Variant } from '../../../lib/hls/playlist.js';
import { VariantChoice } from '../../../lib/hls/variant-choice.js';
import { ladderOf, type Ladder } from '../../../lib/hls/variant.js';

const MEDIA_MS = 2000;

function variant(name: string, height: number, bandwidth: number): Variant {
  return { url: `http://host/${name}`, bandwidth, height, width: (height * 16) / 9, codecs: null };
}

const [HIGH, MID, LOW] = [variant('high', 1080, 5e6), variant('mid', 720, 2e6), variant('low', 360, 8e5)];
const LADDER = ladderOf([LOW, HIGH, MID]);

let choice: VariantChoice;
let nowMs: number;

beforeEach(() => {
  choice = new VariantChoice();
  nowMs = 1000;
});

function use(of: Variant, ladder: Ladder = LADDER): void {
  choice.use(ladder, of, nowMs);
}

/** A fragment of the variant in use comes at so many bits per second; then what is wished for. */
function fragment(rate: number, part = 1): Variant | null {
  const bits = choice.current!.bandwidth * (MEDIA_MS / 1000) * part;
  const ms = (bits / rate) * 1000;
  nowMs += Math.max(ms, MEDIA_MS);
  choice.onDownload({ bytes: bits / 8, ms, mediaMs: MEDIA_MS });
  return choice.wish(nowMs)?.to ?? null;
}

/** Fragments for so long, and each wish fulfilled: the names of what was gone over to. */
function play(seconds: number, rate: (nowMs: number) => number): string[] {
  const names: string[] = [];
  for (const endMs = nowMs + seconds * 1000; nowMs < endMs;) {
    const to = fragment(rate(nowMs));
    if (to === null) continue;
    use(to);
    names.push(to.url.split('/').at(-1)!);
  }
  return names;
}

describe('the first choice', () => {
  test('is the one that suits the wanted size, since nothing is measured yet', () => {
    expect(choice.order(LADDER, nowMs)).toEqual([HIGH, MID, LOW]);
    expect(choice.order(ladderOf([LOW, HIGH, MID], { wantedHeight: 500 }), nowMs)).toEqual([MID, LOW, HIGH]);
    expect(choice.wish(nowMs)).toBeNull();
  });

  test('of a later session is the variant that was read last', () => {
    use(MID);
    const again = ladderOf([LOW, HIGH, MID].map((of) => ({ ...of, url: `${of.url}?token=2` })));
    expect(choice.order(again, nowMs).map(({ bandwidth }) => bandwidth)).toEqual([2e6, 8e5, 5e6]);
  });

  test('of a later session whose variants are others is what was measured', () => {
    use(HIGH);
    for (let i = 0; i < 20; i++) fragment(3e6);
    const others = ladderOf([variant('a', 1080, 4e6), variant('b', 720, 2e6), variant('c', 360, 5e5)]);
    expect(choice.order(others, nowMs)[0]?.url).toBe('http://host/b');
  });
});

describe('the bandwidth', () => {
  test('changes nothing while it carries the variant in use, and the best one is read', () => {
    use(HIGH);
    expect(play(300, () => 6e6)).toEqual([]);
    expect(choice.bandwidth).toBeCloseTo(6e6);
  });

  test('that falls leads down at once, as far as need be', () => {
    use(HIGH);
    play(60, () => 20e6);
    expect(fragment(4e6)).toBe(MID);
    use(MID);
    expect(choice.wish(nowMs)).toBeNull();
    use(HIGH);
    expect(fragment(3e5)).toBe(LOW);
  });

  test('that is too low for a fragment leads down though the average would do', () => {
    use(HIGH);
    play(300, () => 100e6);
    const to = fragment(4.9e6);
    expect(to).not.toBeNull();
    expect(choice.wish(nowMs)).toMatchObject({ to: MID, why: 'a fragment took too long' });
  });

  test('that rises leads up, right to what it carries, and not before the hold and two fragments are over', () => {
    use(HIGH);
    fragment(4e5);
    use(LOW);
    const switchedMs = nowMs;
    let to: Variant | null = null;
    while (to === null) to = fragment(100e6);
    expect(nowMs - switchedMs).toBeGreaterThanOrEqual(10_000);
    expect(play(120, () => 100e6).at(-1)).toBe('high');
  });

  test('that just carries a variant is not enough to enter it', () => {
    use(LOW);
    expect(play(600, () => 2.5e6)).toEqual([]);
    expect(play(600, () => 3e6)).toEqual(['mid']);
  });

  test('that swings between what a variant takes to be entered and to be kept does not make it swing', () => {
    use(MID);
    const swing = (ms: number): number => (Math.floor(ms / 20_000) % 2 === 0 ? 9e6 : 5.4e6);
    expect(play(3600, swing)).toEqual(['high']);
  });

  test('that swings widely makes ascents rarer and rarer', () => {
    use(HIGH);
    const swing = (ms: number): number => (Math.floor(ms / 60_000) % 2 === 0 ? 60e6 : 1.5e6);
    const [first, second] = [play(1800, swing), play(1800, swing)];
    const ups = (names: string[]): number => names.filter((name) => name === 'high').length;
    expect(ups(first)).toBeGreaterThan(0);
    expect(ups(second)).toBeLessThan(ups(first));
    expect(ups(second)).toBeLessThanOrEqual(3);
  });

  test('does not lead down where a variant needs less than it claims', () => {
    use(HIGH);
    const wishes = Array.from({ length: 30 }, () => fragment(4e6, 0.3));
    expect(wishes.every((to) => to === null)).toBe(true);
  });

  test('does not lead up where variants need more than they claim', () => {
    use(LOW);
    const wishes = Array.from({ length: 60 }, () => fragment(3.5e6, 2));
    expect(wishes.every((to) => to === null)).toBe(true);
  });

  test('has no say where there is but one variant', () => {
    choice.use(ladderOf([HIGH]), HIGH, nowMs);
    expect(choice.isOpen).toBe(false);
    expect(fragment(1e5)).toBeNull();
    expect(choice.isTooSlow({ bytes: 10, ms: 60_000, mediaMs: MEDIA_MS }, null, nowMs)).toBe(false);
  });
});

describe('a download under way', () => {
  const slow = { bytes: 100_000, ms: 2100, mediaMs: MEDIA_MS };

  test('gives way when it takes longer than its fragment, and what is left longer than a lower one', () => {
    use(HIGH);
    expect(choice.isTooSlow({ ...slow, ms: 2000 }, 1_250_000, nowMs)).toBe(false);
    expect(choice.isTooSlow(slow, 1_250_000, nowMs)).toBe(true);
    expect(choice.isTooSlow(slow, null, nowMs)).toBe(true);
    expect(choice.isTooSlow({ ...slow, bytes: 1_200_000 }, 1_250_000, nowMs)).toBe(false);
  });

  test('goes on where there is nothing lower', () => {
    use(LOW);
    expect(choice.isTooSlow(slow, 1_250_000, nowMs)).toBe(false);
    use(HIGH);
    choice.refuse(MID, nowMs, 60_000);
    choice.refuse(LOW, nowMs, 60_000);
    expect(choice.isTooSlow(slow, 1_250_000, nowMs)).toBe(false);
  });

  test('that brought nothing at all leads down, also if it is the first', () => {
    use(HIGH);
    choice.onDownload({ bytes: 0, ms: 2500, mediaMs: MEDIA_MS });
    expect(choice.bandwidth).toBeNull();
    expect(choice.wish(nowMs)).toEqual({ to: LOW, why: 'a fragment took too long' });
  });
});

describe('a variant that can not be had', () => {
  test('is tried last, and wished for again when its time is over', () => {
    use(HIGH);
    choice.refuse(HIGH, nowMs, 300_000);
    expect(choice.order(LADDER, nowMs)).toEqual([MID, LOW, HIGH]);
    use(MID);
    expect(play(280, () => 100e6)).toEqual([]);
    expect(play(60, () => 100e6)).toEqual(['high']);
  });

  test('may leave a spare to be read, until a step can be had again', () => {
    const spare = variant('spare', 1080, 5e6);
    const ladder = ladderOf([HIGH, spare]);
    expect(ladder.spares).toEqual([spare]);
    use(HIGH, ladder);
    choice.refuse(HIGH, nowMs, 60_000);
    expect(choice.order(ladder, nowMs)).toEqual([spare, HIGH]);
    choice.use(ladder, spare, nowMs);
    for (let i = 0; i < 20; i++) expect(fragment(50e6)).toBeNull();
    nowMs += 30_000;
    expect(choice.wish(nowMs)).toEqual({ to: HIGH, why: 'it can be had again' });
  });
});
