// Figures of many figures.

const sorted = (values) => values.toSorted((a, b) => a - b);

/** The value that a share of them (0–1) does not exceed. */
export function percentile(values, share) {
  return sorted(values)[Math.max(0, Math.ceil(values.length * share) - 1)];
}

/** The middle one, or the mean of the two in the middle. */
export function median(values) {
  const ordered = sorted(values);
  const middle = ordered.length / 2;
  return ordered.length % 2 === 1 ? ordered[Math.floor(middle)] : (ordered[middle - 1] + ordered[middle]) / 2;
}

export const spread = (values) => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});
