import type { Vitals } from './messages';
import { courseOf, type Course } from './steadiness';

type Figure = Exclude<keyof Vitals, 'atSeconds' | 'byResource'>;

export interface FigureCourse {
  name: Figure;
  course: Course;
  /** In the whole run. */
  allowedRise: number;
}

/** A fifth of a run. Memory is at its level after about a minute; code that is compiled as it gets hot goes on for some. */
const WARM_UP_SHARE = 0.2;
const WARM_UP_SECONDS = { least: 80, most: 600 };

/**
 * By how much each may seem to grow though nothing leaks: runs of three to ten minutes wander by so much while sources come and go, by
 * 8 sockets and 24 MiB at most. A run of an hour holds a leak against it that is 20 times slower than one of three minutes does.
 */
const ALLOWED: Readonly<Record<Figure, number>> = {
  rssMiB: 30,
  heapMiB: 4,
  externalMiB: 30,
  threads: 4,
  sockets: 16,
  descriptors: 16,
  resources: 16,
};

/** What became of each figure, and what is allowed. */
export function coursesOf(samples: readonly Vitals[], seconds: number): FigureCourse[] {
  const { least, most } = WARM_UP_SECONDS;
  const warmUpSeconds = Math.min(most, Math.max(least, WARM_UP_SHARE * seconds));
  return (Object.keys(ALLOWED) as Figure[]).map((name) => ({
    name,
    course: courseOf(
      samples.map((vitals) => ({ atSeconds: vitals.atSeconds, value: vitals[name] })),
      warmUpSeconds,
    ),
    allowedRise: ALLOWED[name],
  }));
}

/** What is there after all was stopped that was not there before anything was begun. */
export function left(before: Vitals, after: Vitals): string[] {
  const counted = ['threads', 'sockets', 'descriptors', 'resources'] as const;
  return counted
    .filter((name) => after[name] > before[name])
    .map((name) => {
      const kinds = name === 'resources' ? ` ${JSON.stringify(after.byResource)}` : '';
      return `${after[name]} ${name} are left after all was stopped, ${before[name]} were there before${kinds}`;
    });
}
