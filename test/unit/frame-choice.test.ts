import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../lib/errors';
import { checkFrameChoice } from '../../lib/frame-choice';
import { checkOutput } from '../../lib/output-options';

describe('the choice of frames', () => {
  it('is every picture as BGR24 in the camera’s size by default', () => {
    expect(checkFrameChoice({})).toEqual({
      output: {
        format: 'bgr24',
        dataType: 'float32',
        width: 0,
        height: 0,
        fit: 'stretch',
        crop: null,
        pad: [114, 114, 114],
        factor: [1 / 255, 1 / 255, 1 / 255],
        offset: [-0, -0, -0],
      },
      selection: { everyNth: 1, periodMs: 0, keyFramesOnly: false },
      encoded: null,
      delivery: { kind: 'every' },
      isPaced: false,
    });
  });

  it('paces the latest frames, unless told otherwise', () => {
    expect(checkFrameChoice({ delivery: 'latest' })).toMatchObject({ isPaced: true });
    expect(checkFrameChoice({ delivery: 'latest', pace: 'none' })).toMatchObject({ isPaced: false });
    expect(checkFrameChoice({ pace: 'realtime' })).toMatchObject({
      delivery: { kind: 'every' },
      isPaced: true,
    });
    expect(checkFrameChoice({ delivery: { maxAgeMs: 500 } })).toMatchObject({
      delivery: { kind: 'max-age', maxAgeMs: 500 },
      isPaced: false,
    });
  });

  it('gives access units with start codes, or as asked for', () => {
    expect(checkFrameChoice({ encoded: true }).encoded).toBe('annexb');
    expect(checkFrameChoice({ encoded: {} }).encoded).toBe('annexb');
    expect(checkFrameChoice({ encoded: false }).encoded).toBeNull();
    expect(checkFrameChoice({ encoded: { framing: 'avcc' }, keyFramesOnly: true })).toMatchObject({
      encoded: 'avcc',
      selection: { keyFramesOnly: true },
    });
  });

  it.each<[object, string]>([
    [{ targetFps: 5, everyNth: 2 }, 'targetFps or everyNth'],
    [{ delivery: 'newest' }, "Expected 'every', 'latest' or { maxAgeMs } for delivery but received 'newest'"],
    [{ delivery: { maxAgeMs: 1 } }, '100–3600000 for maxAgeMs but received 1'],
    [{ delivery: {} }, 'Option maxAgeMs is missing'],
    [{ delivery: null }, 'for delivery but received null'],
    [{ encoded: 'avcc' }, 'Expected a boolean or { framing } for encoded'],
    [{ targetFps: 5, everyNth: 1 }, 'targetFps or everyNth'],
    [{ encoded: true, fillGaps: 'repeat' }, 'fillGaps does not go with encoded'],
    [{ encoded: true, hwaccel: 'auto' }, 'hwaccel does not go with encoded'],
    [{ encoded: true, matrix: 'bt601' }, 'matrix does not go with encoded'],
    [{ fillGaps: 'repeat', delivery: 'latest' }, "fillGaps needs delivery 'every'"],
    [{ encoded: true, targetFps: 5 }, 'targetFps does not go with encoded'],
    [{ encoded: true, output: {} }, 'output does not go with encoded'],
    [{ encoded: true, delivery: 'latest' }, "delivery must be 'every' with encoded"],
  ])('refuses %j and says why', (options, message) => {
    expect(() => checkFrameChoice(options)).toThrow(ConfigError);
    expect(() => checkFrameChoice(options)).toThrow(message);
  });
});

const LETTERBOX = { fit: 'contain', width: 64, height: 64 } as const;

describe('the output', () => {
  it('folds scale, mean and std into one factor and offset a channel', () => {
    const { factor, offset } = checkOutput({
      format: 'rgb-chw',
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
    const level = 200;
    expect(level * factor[0] + offset[0]).toBeCloseTo((level / 255 - 0.485) / 0.229);
    expect(level * factor[2] + offset[2]).toBeCloseTo((level / 255 - 0.406) / 0.225);
    expect(checkOutput({ format: 'bgr-chw', scale: 1, mean: 127.5, std: 127.5 })).toMatchObject({
      factor: Array(3).fill(1 / 127.5),
      offset: [-1, -1, -1],
    });
  });

  it.each<[object, string]>([
    [{ format: 'rgba' }, "'rgb-chw', 'bgr-chw' for format but received 'rgba'"],
    [{ formt: 'rgb24' }, 'Did you mean format?'],
    [{ width: 0 }, '1–8192 for width but received 0'],
    [{ fit: 'contain', width: 640 }, "output.fit 'contain' needs output.width and output.height"],
    [{ crop: { x: 0, y: 0, width: 10 } }, 'Option height is missing for output.crop'],
    [{ ...LETTERBOX, padColor: [0, 0, 256] }, 'Expected three integers 0–255'],
    [{ ...LETTERBOX, padColor: [0, 0] }, 'Expected three integers 0–255'],
    [{ padColor: [0, 0, 0] }, 'output.padColor is for the fit contain'],
    [{ format: 'rgb-chw', std: 1e-320 }, 'that make numbers of float32'],
    [{ format: 'rgb-chw', std: 1e-30, scale: 1e30 }, 'that make numbers of float32'],
    [{ mean: 0.5 }, 'output.mean is for the formats rgb-chw and bgr-chw, it is bgr24'],
    [{ format: 'nv12', dataType: 'float16' }, 'output.dataType is for the formats'],
    [{ format: 'rgb-chw', std: [1, 0, 1] }, 'but 0 for output.std'],
    [{ format: 'rgb-chw', scale: 0 }, 'but 0 for output.scale'],
    [{ format: 'rgb-chw', mean: [1, 2] }, 'for output.mean but received'],
    [{ format: 'rgb-chw', mean: NaN }, 'for output.mean but received NaN'],
  ])('refuses %j and says why', (options, message) => {
    expect(() => checkOutput(options)).toThrow(ConfigError);
    expect(() => checkOutput(options)).toThrow(message);
  });
});
