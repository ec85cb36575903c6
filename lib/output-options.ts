import type { EngineOutput } from '../binding.js';
import { checkOptions, shown, type Rules } from './config.js';
import { ConfigError } from './errors.js';
import type { Box, PixelFormat } from './frames/layout.js';

/** What frames look like: pixel format, size, and how the camera's picture is fitted into it. */
export interface OutputOptions {
  /**
   * - `bgr24` (default), `rgb24`: height × width × 3 bytes.
   * - `gray8`: height × width bytes, 0 black to 255 white.
   * - `nv12`, `i420`: luma, then chroma of half the width and height (rounded up), interleaved or U and then V. In the
   *   camera's own size these are the decoder's own samples, bit for bit.
   * - `rgb-chw`, `bgr-chw`: three planes of height × width numbers, see `dataType`, `scale`, `mean` and `std`.
   */
  format?: PixelFormat;
  /** Numbers of the `-chw` formats. Default `float32`. */
  dataType?: 'float32' | 'float16';
  /** In pixels, 1–8192. Default: the (cropped) picture's; with only one given, the other follows the aspect ratio. */
  width?: number;
  height?: number;
  /** `stretch` (default); `contain`: the whole picture, centred, the rest padded (letterbox); `cover`: the whole output, what
   *  sticks out of it is cut off, on both sides alike. */
  fit?: 'stretch' | 'contain' | 'cover';
  /** The part of the camera's picture that is used, in its whole pixels; then it is fitted. A picture that is too small for it
   *  can't be converted, which is a `fault`. Default: all. */
  crop?: Box;
  /** Red, green, blue of the padding of `contain`, 0–255. Default [114, 114, 114], the grey that YOLO models are trained with. */
  padColor?: readonly [number, number, number];
  /** Of the `-chw` formats: value = (level × scale − mean) / std, where the level is 0–255. Not 0. Default 1/255. */
  scale?: number;
  /** For red, green, blue, whatever the order of the planes, or one number for all. Default 0. */
  mean?: number | readonly [number, number, number];
  /** Likewise; not 0. Default 1. */
  std?: number | readonly [number, number, number];
}

/** Widest and highest frame: the largest picture of H.264 and H.265 level 6.2. */
const MAX_SIDE = 8192;
/** Largest magnitude of a factor or offset, within float32. */
const MAX_NUMBER = 1e30;

const OUTPUT: Rules = {
  format: {
    kind: 'choice',
    choices: ['bgr24', 'rgb24', 'gray8', 'nv12', 'i420', 'rgb-chw', 'bgr-chw'],
    default: 'bgr24',
  },
  dataType: { kind: 'choice', choices: ['float32', 'float16'], optional: true },
  width: { kind: 'integer', min: 1, max: MAX_SIDE, optional: true },
  height: { kind: 'integer', min: 1, max: MAX_SIDE, optional: true },
  fit: { kind: 'choice', choices: ['stretch', 'contain', 'cover'], default: 'stretch' },
  crop: { kind: 'object', what: 'an object { x, y, width, height }', optional: true },
  padColor: { kind: 'object', methods: ['map'], what: 'an array [red, green, blue]', optional: true },
  scale: { kind: 'number', min: -MAX_NUMBER, max: MAX_NUMBER, optional: true },
  mean: { kind: 'any', optional: true },
  std: { kind: 'any', optional: true },
};
const CROP: Rules = {
  x: { kind: 'integer', min: 0, max: MAX_SIDE - 1 },
  y: { kind: 'integer', min: 0, max: MAX_SIDE - 1 },
  width: { kind: 'integer', min: 1, max: MAX_SIDE },
  height: { kind: 'integer', min: 1, max: MAX_SIDE },
};

type Triple = readonly [number, number, number];

function isTriple(value: unknown): value is Triple {
  return Array.isArray(value) && value.length === 3 && value.every((one) => Number.isFinite(one));
}

function checkTriple(name: string, value: unknown, fallback: number): Triple {
  const triple = value === undefined || typeof value === 'number' ? Array(3).fill(value ?? fallback) : value;
  if (!isTriple(triple) || triple.some((one) => Math.abs(one) > MAX_NUMBER)) {
    throw new ConfigError(
      `Expected a finite number, or three as [red, green, blue], for output.${name} but received ${shown(value)}`,
    );
  }
  return triple;
}

function checkPadColor(value: unknown): Triple {
  if (value === undefined) return [114, 114, 114];
  if (!isTriple(value) || value.some((one) => !Number.isInteger(one) || one < 0 || one > 255)) {
    throw new ConfigError(
      `Expected three integers 0–255 as [red, green, blue] for output.padColor but received ${shown(value)}`,
    );
  }
  return value;
}

/** The options checked, and as the engine takes them. Throws `ConfigError`. */
export function checkOutput(options: OutputOptions = {}): EngineOutput {
  const { mean, std, ...others } = checkOptions<OutputOptions>(options, OUTPUT, 'output');
  const { format = 'bgr24', fit = 'stretch', width, height, scale, padColor } = others;
  const isFloat = format === 'rgb-chw' || format === 'bgr-chw';
  if (!isFloat) {
    const given = Object.entries({ dataType: others.dataType, scale, mean, std }).find(
      ([, value]) => value !== undefined,
    );
    if (given !== undefined) {
      throw new ConfigError(`output.${given[0]} is for the formats rgb-chw and bgr-chw, it is ${format}`);
    }
  }
  if (fit !== 'stretch' && (width === undefined || height === undefined)) {
    throw new ConfigError(`output.fit '${fit}' needs output.width and output.height`);
  }
  const crop = others.crop === undefined ? null : checkOptions<Box>(others.crop, CROP, 'output.crop');
  const means = checkTriple('mean', mean, 0);
  const stds = checkTriple('std', std, 1);
  if (padColor !== undefined && fit !== 'contain') {
    throw new ConfigError(`output.padColor is for the fit contain, which pads; it is ${fit}`);
  }
  const factorOfLevel = scale ?? 1 / 255;
  if (factorOfLevel === 0) throw new ConfigError('Expected a number but 0 for output.scale');
  if (stds.includes(0)) throw new ConfigError('Expected numbers but 0 for output.std');
  const factor: Triple = [factorOfLevel / stds[0], factorOfLevel / stds[1], factorOfLevel / stds[2]];
  const offset: Triple = [-means[0] / stds[0], -means[1] / stds[1], -means[2] / stds[2]];
  if ([...factor, ...offset].some((one) => !(Math.abs(one) <= MAX_NUMBER))) {
    throw new ConfigError(
      `Expected output.scale, mean and std that make numbers of float32, but scale / std is ${shown(factor)} and ` +
        `mean / std ${shown(means.map((mean, i) => mean / (stds[i] ?? 1)))}`,
    );
  }
  return {
    format,
    dataType: others.dataType ?? 'float32',
    width: width ?? 0,
    height: height ?? 0,
    fit,
    crop,
    pad: checkPadColor(padColor),
    factor,
    offset,
  };
}
