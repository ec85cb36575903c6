import { checkOptions, type Rule, type Rules } from './config.js';

/** What `frames()` may be given. */
export interface FramesOptions {
  /** Ends the loop by throwing the signal's reason, and stops the source. */
  signal?: AbortSignal;
  /** Ends the loop after this many frames, ≥ 1; the source goes on and the next call continues. Default: no end. */
  maxFrames?: number;
}

/** What `read()` may be given. */
export interface ReadOptions {
  /** Ends the wait by throwing the signal's reason. The source goes on. */
  signal?: AbortSignal;
  /** Ends the wait after this time, in ms, ≥ 1, with `READ_TIMEOUT`. The source goes on. Default: no end. */
  timeoutMs?: number;
}

export const SIGNAL_RULE: Rule = {
  kind: 'object',
  methods: ['addEventListener', 'throwIfAborted'],
  what: 'an AbortSignal',
  optional: true,
};
const FRAMES: Rules = {
  signal: SIGNAL_RULE,
  maxFrames: { kind: 'integer', min: 1, max: Infinity, optional: true },
};
const READ: Rules = {
  signal: SIGNAL_RULE,
  timeoutMs: { kind: 'number', min: 1, max: 2 ** 31 - 1, optional: true },
};

/** Throws `ConfigError`. */
export function checkFramesOptions(options: FramesOptions): FramesOptions {
  return checkOptions(options, FRAMES, 'frames()');
}

/** Throws `ConfigError`. */
export function checkReadOptions(options: ReadOptions): ReadOptions {
  return checkOptions(options, READ, 'read()');
}
