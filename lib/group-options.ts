import { BATCHES_RULES, type BatchesOptions } from './batches.js';
import { checkOptions, type Rules } from './config.js';
import { ConfigError } from './errors.js';
import type { FrameSource } from './frame-source.js';

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

/** What `group.remove()` may be given. */
export interface GroupRemoveOptions {
  /** `false`: the source is not stopped, and can be read on by itself. Default true. */
  stop?: boolean;
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

const GROUP_REMOVE: Rules = {
  stop: { kind: 'boolean', optional: true },
};

/** The type is all that a message may say: what is given instead of a source may hold credentials. */
function typeName(value: unknown): string {
  return value === null ? 'null' : `a value of type ${typeof value}`;
}

/** Throws `ConfigError` for anything but a source. */
export function checkSource(value: unknown): FrameSource {
  const { cameraId, outlet } = (value ?? {}) as Partial<FrameSource>;
  if (typeof cameraId === 'string' && typeof outlet?.claim === 'function') return value as FrameSource;
  throw new ConfigError(
    `Expected a frame source, such as new KvsHlsFrameSource(…), for a group but received ${typeName(value)}`,
  );
}

/** Throws `ConfigError` for anything but sources. */
export function checkSources(values: unknown): FrameSource[] {
  if (typeof (values as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] === 'function') {
    return Array.from(values as Iterable<unknown>, checkSource);
  }
  throw new ConfigError(`Expected an array of frame sources for a group but received ${typeName(values)}`);
}

/** Throws `ConfigError`. */
export function checkGroupRemoveOptions(options: GroupRemoveOptions): GroupRemoveOptions {
  return checkOptions(options, GROUP_REMOVE, 'remove()');
}

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
