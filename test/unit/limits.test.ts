import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../lib/errors.js';
import { boundMemory, knownFrameBytes } from '../../lib/frames/memory-bound.js';
import { checkLimits, DEFAULT_LIMITS, type SourceLimits } from '../../lib/limits.js';
import { HlsFrameSource, KvsHlsFrameSource } from '../../lib/source.js';
import { checkOutput, type OutputOptions } from '../../lib/output-options.js';

const url = 'http://127.0.0.1:9/live.m3u8';

describe('limits', () => {
  test('that are not given are the defaults, and those that are given change nothing else', () => {
    expect(checkLimits()).toEqual(DEFAULT_LIMITS);
    expect(checkLimits({ maxPixels: 100 })).toEqual({ ...DEFAULT_LIMITS, maxPixels: 100 });
  });

  test.each([
    ['maxPlaylistBytes', 0],
    ['maxPlaylistEntries', 1.5],
    ['maxInitBytes', Infinity],
    ['maxFragmentBytes', '1'],
    ['maxRedirects', 21],
    ['maxPixels', 65535 * 65535 + 1],
    ['maxFramesPerFragment', 0],
    ['maxDecodeSeconds', 0],
    ['maxQueuedBytes', null],
    ['maxPlaylistBytes', 2 ** 31],
    ['maxInitBytes', 2 ** 31],
    ['maxFragmentBytes', Number.MAX_SAFE_INTEGER],
    ['maxQueuedBytes', 2 ** 31],
    ['maxMemoryBytes', -1],
  ])('refuse %s of %p, by its name', (name, value) => {
    const limits = { [name]: value } as unknown as SourceLimits;
    expect(() => new HlsFrameSource({ url, limits })).toThrow(ConfigError);
    expect(() => new HlsFrameSource({ url, limits })).toThrow(new RegExp(`limits\\.${name}\\b`));
    expect(() => new KvsHlsFrameSource({ streamName: 's', limits })).toThrow(`limits.${name}`);
  });

  test('may be as large as one array, and the memory in all larger', () => {
    const most = 2 ** 31 - 1;
    const bytes = {
      maxPlaylistBytes: most,
      maxInitBytes: most,
      maxFragmentBytes: most,
      maxQueuedBytes: most,
    };
    const limits = { ...bytes, maxMemoryBytes: 2 ** 40 };
    expect(checkLimits(limits)).toMatchObject(limits);
    expect(checkLimits(Object.assign(Object.create(null) as object, bytes))).toMatchObject(bytes);
    expect(checkLimits(runInNewContext('({ maxPixels: 7 })'))).toMatchObject({ maxPixels: 7 });
  });

  test('that are misspelt, or are none, are refused', () => {
    const limits = { maxPixel: 100 } as unknown as SourceLimits;
    expect(() => new HlsFrameSource({ url, limits })).toThrow('Did you mean limits.maxPixels?');
    class Some {
      maxPixels = 5;
    }
    for (const none of [5, null, [], new Map([['maxPixels', 5]]), new Some(), new Date()]) {
      expect(() => new HlsFrameSource({ url, limits: none as unknown as SourceLimits })).toThrow(
        /Expected an object .* for limits/,
      );
    }
  });
});

describe('the memory of a source', () => {
  test.each<[OutputOptions, number]>([
    [{ width: 64, height: 3 }, 576],
    [{ format: 'gray8', width: 64, height: 3 }, 192],
    [{ format: 'i420', width: 63, height: 3 }, 63 * 3 + 2 * 32 * 2],
    [{ format: 'rgb-chw', width: 64, height: 3 }, 2304],
    [{ format: 'bgr-chw', dataType: 'float16', width: 64, height: 3 }, 1152],
    [{ width: 64 }, 0],
    [{}, 0],
  ])('of frames of %p is known to be %d bytes each', (output, bytes) => {
    expect(knownFrameBytes(checkOutput(output))).toBe(bytes);
  });

  test('is refused at once where the options alone are above the limit', () => {
    const options = { url, output: { width: 100, height: 100 }, bufferedFrames: 10 };
    expect(() => new HlsFrameSource({ ...options, limits: { maxMemoryBytes: 300_000 } })).not.toThrow();
    expect(() => new HlsFrameSource({ ...options, limits: { maxMemoryBytes: 299_999 } })).toThrow(
      /needs 300000 bytes .* limit of 299999; raise limits\.maxMemoryBytes, or lower bufferedFrames/,
    );
  });

  test('is all that it holds together', () => {
    expect(() => boundMemory({ ring: 1, queue: 2, pictures: 3 }, 6)).not.toThrow();
    expect(() => boundMemory({ ring: 1, queue: 2, pictures: 3 }, 5)).toThrow(ConfigError);
  });
});
