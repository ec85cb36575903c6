/** A figure at a time. */
export interface Sample {
  atSeconds: number;
  value: number;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/**
 * By how much a figure grows in a second: the median of the slopes between all pairs of samples (Theil–Sen). A third of the
 * samples may be anything without moving it far, so single peaks don't, and what is there for a while at the end hardly does.
 */
export function slopePerSecond(samples: readonly Sample[]): number {
  const slopes: number[] = [];
  for (const [i, { atSeconds, value }] of samples.entries()) {
    for (let k = i + 1; k < samples.length; k++) {
      const later = samples[k]!;
      if (later.atSeconds > atSeconds) slopes.push((later.value - value) / (later.atSeconds - atSeconds));
    }
  }
  return slopes.length === 0 ? 0 : median(slopes);
}

/** What became of a figure over a run. */
export interface Course {
  first: number;
  median: number;
  most: number;
  last: number;
  /** The slope times the time between the first and the last sample that count. */
  rise: number;
  risePerHour: number;
}

/** Leaves out a run's first samples, which are its warm-up. */
export function courseOf(samples: readonly Sample[], warmUpSeconds: number): Course {
  const counted = samples.filter(({ atSeconds }) => atSeconds >= warmUpSeconds);
  const values = counted.map(({ value }) => value);
  const [first, last] = [counted[0], counted.at(-1)];
  if (first === undefined || last === undefined) throw new Error('No sample was taken after the warm-up');
  const slope = slopePerSecond(counted);
  return {
    first: first.value,
    median: median(values),
    most: Math.max(...values),
    last: last.value,
    rise: slope * (last.atSeconds - first.atSeconds),
    risePerHour: slope * 3600,
  };
}

/** Samples of a run of any length in bounded memory: when there are too many, every second one goes, and fewer come in. */
export class Samples<T> {
  readonly #most: number;
  #every = 1;
  #offered = 0;
  #kept: T[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get all(): readonly T[] {
    return this.#kept;
  }

  add(sample: T): void {
    if (this.#offered++ % this.#every !== 0) return;
    this.#kept.push(sample);
    if (this.#kept.length < this.#most) return;
    this.#kept = this.#kept.filter((_, i) => i % 2 === 0);
    this.#every *= 2;
  }
}
