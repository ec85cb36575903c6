import type { HistogramReading } from './histogram.js';

/** One number of a series. */
export interface Sample {
  /** All but `camera_id`; `le` among them where it is a bucket. */
  labels: Readonly<Record<string, string | number>>;
  value: number;
  /** What follows the series' name: histograms are several numbers. */
  suffix?: '_bucket' | '_sum' | '_count';
}

/** A series of one number. */
export const single = (value: number): Sample[] => [{ labels: {}, value }];

/** A series of one number that is not always there. */
export const present = (value: number | null | undefined): Sample[] =>
  value === null || value === undefined ? [] : single(value);

/** One number for each value of a label. */
export function byLabel<Key extends string, One>(
  label: string,
  numbers: Readonly<Record<Key, One>>,
  of: (one: One) => number,
): Sample[] {
  return Object.entries<One>(numbers).map(([value, one]) => ({ labels: { [label]: value }, value: of(one) }));
}

/** A histogram as Prometheus has it: each bucket holds those below it too. */
export function histogram(
  { bounds, counts, sum }: HistogramReading,
  labels: Sample['labels'] = {},
): Sample[] {
  let count = 0;
  const buckets = counts.map((one, i): Sample => {
    count += one;
    return { suffix: '_bucket', labels: { ...labels, le: bounds[i] ?? '+Inf' }, value: count };
  });
  return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }];
}

/** Numbers of several sources, label by label. */
export function addedUp(...lists: readonly (readonly Sample[])[]): readonly Sample[] {
  const filled = lists.filter((samples) => samples.length > 0);
  if (filled.length <= 1) return filled[0] ?? [];
  const sums = new Map<string, Sample>();
  for (const sample of filled.flat()) {
    const key = [sample.suffix, ...Object.values(sample.labels)].join('\n');
    sums.set(key, { ...sample, value: sample.value + (sums.get(key)?.value ?? 0) });
  }
  return [...sums.values()];
}
