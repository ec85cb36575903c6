import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { contentsOf } from '../../support/contents.js';
import { settings } from '../../support/property.js';
import { EndlessVariants } from './endless-variants.js';
import { HonestCamera, step, type Step } from './honest-camera.js';
import { answer, HostileServer, type Answer, type Entry } from './hostile-lists.js';
import { numberIn } from './media.js';
import { expectOrder, follow, FRAGMENTS_PER_SECOND, LENGTH_MS, T0, type Outcome } from './world.js';

/** Every fragment once and in order, with its own date, and no more told as lost than is missing. */
function expectContinuity(outcome: Outcome, steps: readonly Step[]): void {
  expectOrder(outcome);
  const numbers = outcome.fragments.map(({ media }) => numberIn(media));
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  expect(numbers).toEqual(sorted);
  outcome.fragments.forEach(({ dateMs, lost }, i) => {
    expect(dateMs).toBe(T0 + numbers[i]! * LENGTH_MS);
    // Numbers that begin anew unseen tell nothing of what is missing.
    if (i > 0 && steps.every(({ kind }) => kind !== 'rebase')) {
      expect(lost?.count ?? 0).toBeLessThanOrEqual(numbers[i]! - numbers[i - 1]! - 1);
    }
  });
}

describe('of a camera whose dates and numbers are true', () => {
  test('every fragment comes once and in order, however its lists slide, lag, restart, fail and end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        expectContinuity(await follow(new HonestCamera(steps)), steps);
      }),
      settings(100),
    );
  });
});

/** The first fragment is listed once more, behind a new one, under numbers that begin anew and tell of a loss. */
const NUMBERED_ANEW: Answer[] = [
  [[5, 0] as const, [0, T0] as const],
  [[27, T0 + LENGTH_MS] as const, [5, 0] as const],
].map((entries, i) => ({
  list: {
    sequence: 0,
    entries: entries.map(([media, dateMs]) => ({ media, uri: '', dateMs, lengthMs: LENGTH_MS, tags: [] })),
    isEnded: i === 0,
  },
}));

describe('of a server whose lists are true in nothing', () => {
  test('what comes is in order, within the limits of requests and from one origin, and none of the last eight fragments comes again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { maxLength: 30 }), async (answers) => {
        const outcome = await follow(new HostileServer(answers));
        expectOrder(outcome);
        outcome.fragments.forEach(({ dateMs, media }, i) => {
          const recent = outcome.fragments.slice(Math.max(0, i - 8), i);
          const isSame = recent.some(
            (other) => other.dateMs === dateMs && Buffer.compare(other.media, media) === 0,
          );
          expect(isSame && dateMs !== null).toBe(false);
        });
      }),
      { ...settings(100), examples: [[NUMBERED_ANEW]] },
    );
  });
});

test('an offered session that replaced a failing one has taken over, also if it fails at once', async () => {
  const at = (media: number, dateMs: number | null, ...tags: string[]): Entry => ({
    media,
    uri: '',
    dateMs,
    lengthMs: LENGTH_MS,
    tags,
  });
  const evil = '#EXT-X-MAP:URI="//evil.example/init"';
  const first = [at(0, T0), at(0, 8.64e15), at(27, T0, evil), at(0, T0)];
  const empty = { list: { sequence: 0, entries: [], isEnded: false } };
  const outcome = await follow(
    new HostileServer([
      { list: { sequence: 0, entries: first, isEnded: true } },
      { list: { sequence: 0, entries: [at(7, null), at(0, T0)], isEnded: true } },
      ...Array<Answer>(4).fill(empty),
    ]),
  );
  expectOrder(outcome);
});

describe('what a follower keeps', () => {
  /** Elements that each of its collections may have: none grows with time. */
  const BOUNDS: readonly (readonly [path: RegExp, most: number])[] = [
    [/^\.#recent$/, 8],
    [/^\.#inits\.#(byUrl|known)$/, 8],
    [/\.(dates|digests)$/, 8],
    [/\.lost$/, 4],
    [/\.choice\.#refused$/, 64],
    [/\.(steps|spares)$/, 12],
    [/\.codecs$/, 1],
    [/\.#rhythm\.(durationsMs|silencesMs)$/, 8],
    [/\.#playlistRate\.#sent$/, 5],
    [/\.#fragmentRate\.#sent$/, FRAGMENTS_PER_SECOND],
    // As many as one list has.
    [/\.(fragments|#bySequence|variants)$/, 12],
  ];

  test.each([
    ['lists that are true in nothing', () => new HostileServer(fc.sample(answer, { numRuns: 600, seed: 1 }))],
    ['an honest camera', () => new HonestCamera(fc.sample(step, { numRuns: 600, seed: 1 }))],
    ['masters with ever new variants', () => new EndlessVariants(60)],
  ])('is bounded, whatever it was shown: %s', async (_, world) => {
    let kept = new Map<string, number>();
    await follow(world(), (follower) => (kept = contentsOf(follower)));
    expect(kept.size).toBeGreaterThan(4);
    const over = [...kept].filter(([path, size]) => {
      const bound = BOUNDS.find(([pattern]) => pattern.test(path));
      return bound === undefined || size > bound[1];
    });
    expect(over).toEqual([]);
  });
});
