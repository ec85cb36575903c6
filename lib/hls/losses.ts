import type { LostFragments } from './fragment.js';

/** What is lost since the last fragment handed over, by cause; a value. */
export type Losses = readonly LostFragments[];

export const NO_LOSSES: Losses = [];

/** With one loss more; `null` adds nothing. */
export function withLoss(losses: Losses, loss: LostFragments | null): Losses {
  if (loss === null) return losses;
  const same = losses.find(({ cause }) => cause === loss.cause) ?? { count: 0, ms: 0 };
  const sum = { count: same.count + loss.count, ms: same.ms + loss.ms, cause: loss.cause };
  return [...losses.filter(({ cause }) => cause !== loss.cause), sum];
}

/** All of them as one, its cause the one most of the time was lost to; `null` if there are none. */
export function sumOf(losses: Losses): LostFragments | null {
  const [first, ...others] = losses;
  if (first === undefined) return null;
  return others.reduce(
    (sum, loss) => ({
      count: sum.count + loss.count,
      ms: sum.ms + loss.ms,
      cause: worst(losses),
    }),
    first,
  );
}

function worst(losses: Losses): LostFragments['cause'] {
  const rank = ({ ms, count }: LostFragments): number => ms + count / 1e6;
  return losses.reduce((most, loss) => (rank(loss) > rank(most) ? loss : most)).cause;
}
