import type { EngineOutput, Selection } from '../binding.js';
import { checkOptions, shown, type Rules } from './config.js';
import { ConfigError } from './errors.js';
import type { FrameSourceOptions } from './frame-source-options.js';
import type { Framing } from './frames/layout.js';
import { checkOutput } from './output-options.js';

/** What becomes of frames that come faster than they are taken. */
export type Delivery = { kind: 'every' } | { kind: 'latest' } | { kind: 'max-age'; maxAgeMs: number };

/** Which frames a source gives, in what form, and when. */
export interface FrameChoice {
  output: EngineOutput;
  selection: Selection;
  /** Access units, so framed, instead of pictures. */
  encoded: Framing | null;
  delivery: Delivery;
  /** Frames are handed over at the pace they were taken at. */
  isPaced: boolean;
}

type ChoiceOptions = Pick<
  FrameSourceOptions,
  | 'output'
  | 'targetFps'
  | 'everyNth'
  | 'keyFramesOnly'
  | 'delivery'
  | 'pace'
  | 'encoded'
  | 'fillGaps'
  | 'matrix'
  | 'hwaccel'
>;

const MAX_AGE: Rules = { maxAgeMs: { kind: 'number', min: 100, max: 3_600_000 } };
const ENCODED: Rules = { framing: { kind: 'choice', choices: ['annexb', 'avcc'], default: 'annexb' } };

function deliveryOf(value: unknown): Delivery {
  if (value === undefined || value === 'every') return { kind: 'every' };
  if (value === 'latest') return { kind: 'latest' };
  if (typeof value === 'object') {
    return { kind: 'max-age', ...checkOptions<{ maxAgeMs: number }>(value, MAX_AGE, 'delivery') };
  }
  throw new ConfigError(
    `Expected 'every', 'latest' or { maxAgeMs } for delivery but received ${shown(value)}`,
  );
}

function framingOf(value: unknown): Framing | null {
  if (value === undefined || value === false) return null;
  if (value === true) return 'annexb';
  if (typeof value === 'object') return checkOptions<{ framing: Framing }>(value, ENCODED, 'encoded').framing;
  throw new ConfigError(`Expected a boolean or { framing } for encoded but received ${shown(value)}`);
}

/** Throws `ConfigError`. */
export function checkFrameChoice(options: ChoiceOptions): FrameChoice {
  const { targetFps, everyNth = 1, keyFramesOnly = false, pace } = options;
  const delivery = deliveryOf(options.delivery);
  const encoded = framingOf(options.encoded);
  if (targetFps !== undefined && options.everyNth !== undefined) {
    throw new ConfigError('Give targetFps or everyNth, not both');
  }
  if (encoded !== null) {
    const { output, fillGaps, matrix = 'auto', hwaccel = 'none' } = options;
    const others = {
      ...{ output, targetFps, everyNth: options.everyNth, pace, fillGaps },
      ...(matrix === 'auto' ? {} : { matrix }),
      ...(hwaccel === 'none' ? {} : { hwaccel }),
    };
    const given = Object.entries(others).find(([, value]) => value !== undefined);
    if (given !== undefined) {
      throw new ConfigError(
        `${given[0]} does not go with encoded: access units are given as they were coded`,
      );
    }
    if (delivery.kind !== 'every') {
      throw new ConfigError(
        `delivery must be 'every' with encoded, as access units refer to one another; it is ${shown(options.delivery)}`,
      );
    }
  }
  if (options.fillGaps !== undefined && delivery.kind !== 'every') {
    throw new ConfigError(
      `fillGaps needs delivery 'every': repeated pictures are never the latest; it is ${shown(options.delivery)}`,
    );
  }
  return {
    output: checkOutput(options.output),
    selection: { everyNth, periodMs: targetFps === undefined ? 0 : 1000 / targetFps, keyFramesOnly },
    encoded,
    delivery,
    isPaced: (pace ?? (delivery.kind === 'latest' ? 'realtime' : 'none')) === 'realtime',
  };
}
