import { BATCHES_RULES, type BatchesOptions } from './batches.js';
import { checkOptions, type Rules } from './config.js';

/** What a group may be given. */
export interface FrameSourceGroupOptions {
  /**
   * How many sources are started in a second, 0.1–1000. Each costs a control call or two, which KVS counts by account (300 a
   * second) and by stream (5 and 25), and the decoding of a first picture. Default 20.
   */
  startsPerSecond?: number;
  /** A loop ends when no source is left in the group. `false`: it waits for others to be added. Default true. */
  endWhenEmpty?: boolean;
}

/** What `group.batches()` may be given. */
export interface GroupBatchesOptions extends BatchesOptions {
  /** Batches that there is memory for: with the program, complete, and being filled; 2–64. The first call settles it. Default 3. */
  bufferedBatches?: number;
}

type Given<T, Key extends keyof T> = T & Required<Pick<T, Key>>;

const GROUP: Rules = {
  startsPerSecond: { kind: 'number', min: 0.1, max: 1000, default: 20 },
  endWhenEmpty: { kind: 'boolean', optional: true },
};

const GROUP_BATCHES: Rules = {
  ...BATCHES_RULES,
  bufferedBatches: { kind: 'integer', min: 2, max: 64, default: 3 },
};

/** Throws `ConfigError`. */
export function checkGroupOptions(
  options: FrameSourceGroupOptions,
): Given<FrameSourceGroupOptions, 'startsPerSecond'> {
  return checkOptions(options, GROUP, 'FrameSourceGroup');
}

/** Throws `ConfigError`. */
export function checkGroupBatchesOptions(
  options: GroupBatchesOptions,
): Given<GroupBatchesOptions, 'bufferedBatches'> {
  return checkOptions(options, GROUP_BATCHES, 'batches()');
}
