/** Why pictures that were there are not handed over. */
export type DropCause =
  /** Not asked for: `targetFps`, `everyNth`, `keyFramesOnly`. */
  | 'selection'
  /** A newer one was there when the consumer came back: `delivery: 'latest'`. */
  | 'latest'
  /** Older than `maxAgeMs`, or thinned out so that others are not. */
  | 'age';

/** Every cause there is. */
export const dropCauses: readonly DropCause[] = ['selection', 'latest', 'age'];

/** Pictures of one cause. */
export interface DropTotals {
  /** How many; a lower bound where whole fragments were left undecoded. */
  frames: number;
  /** Their media time in ms. */
  ms: number;
}

/** Pictures that came right after one another and were dropped because their consumer was slow. */
export interface Drop extends DropTotals {
  cause: Exclude<DropCause, 'selection'>;
}

/** Nothing dropped yet. */
export function newDropCounts(): Record<DropCause, DropTotals> {
  const none = (): DropTotals => ({ frames: 0, ms: 0 });
  return { selection: none(), latest: none(), age: none() };
}
