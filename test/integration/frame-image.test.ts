import { describe, expect, it } from '@jest/globals';
import type * as Addon from '../../binding';
import { loadAddon } from '../../lib/frames/addon';
import type { Frame } from '../../lib/frames/frame';
import type { FrameLayout } from '../../lib/frames/layout';
import { decodeImage, decodeImages, noise, plainLayout, psnr } from '../support/image-files';
import { LoanedFrames } from '../support/loaned-frames';

const SIZES = [
  [1, 1],
  [101, 33],
  [854, 48],
] as const;

function frameOf(data: Buffer, layout: FrameLayout, frames = new LoanedFrames()): Frame {
  return frames.make(0, { slot: { data } as never, bytes: data.length, layout });
}

/** Soft shades with an edge, as BGR24. */
function shades(width: number, height: number): Buffer {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      data[at] = (x * 255) / width;
      data[at + 1] = (y * 255) / height;
      data[at + 2] = x + y < (width + height) / 2 ? 60 : 190;
    }
  }
  return data;
}

describe('a frame as a PNG', () => {
  it.each(SIZES)('has the pixels bit for bit (%i×%i)', async (width, height) => {
    for (const [format, decoded] of [
      ['bgr24', 'bgr24'],
      ['rgb24', 'rgb24'],
      ['gray8', 'gray'],
    ] as const) {
      const data = noise(width * height * (format === 'gray8' ? 1 : 3));
      using frame = frameOf(data, plainLayout(width, height, format));
      const file = await frame.toPng();
      expect(decodeImage(file, decoded).equals(data)).toBe(true);
    }
  });

  it('is made of shared memory as of private', async () => {
    const data = Buffer.from(new SharedArrayBuffer(48 * 3));
    noise(data.length).copy(data);
    using frame = frameOf(data, plainLayout(8, 6, 'bgr24'));
    expect(decodeImage(await frame.toPng(), 'bgr24').equals(data)).toBe(true);
  });

  it.each(['rgb-chw', 'bgr-chw'] as const)('has the levels that numbers of %s came from', async (format) => {
    const [width, height] = [32, 8];
    const factor = [1 / 58.395, 1 / 57.12, 1 / 57.375] as const;
    const offset = [-2.1179, -2.0357, -1.8044] as const;
    const rgb = noise(width * height * 3);
    const numbers = new Float32Array(rgb.length);
    for (const [i, level] of rgb.entries()) {
      const channel = i % 3;
      const plane = format === 'rgb-chw' ? channel : 2 - channel;
      numbers[plane * width * height + Math.floor(i / 3)] = level * factor[channel]! + offset[channel]!;
    }
    const levels = { factor, offset };
    const layout = plainLayout(width, height, format, { dataType: 'float32', levels });
    using frame = frameOf(Buffer.from(numbers.buffer), layout);
    expect(decodeImage(await frame.toPng(), 'rgb24').equals(rgb)).toBe(true);
  });
});

describe('a frame as a JPEG', () => {
  it.each([
    [101, 33, 31],
    [854, 480, 36],
  ])('looks like it at quality 90 (%i×%i)', async (width, height, decibels) => {
    const data = shades(width, height);
    using frame = frameOf(data, plainLayout(width, height, 'bgr24'));
    const file = await frame.toJpeg({ quality: 90 });
    expect(psnr(decodeImage(file, 'bgr24'), data)).toBeGreaterThan(decibels);
    expect(file.length).toBeLessThan(data.length / 4);
  });

  it('has quality 85 unless told, and grows with it', async () => {
    using frame = frameOf(shades(160, 120), plainLayout(160, 120, 'bgr24'));
    const [poor, usual, same, good] = await Promise.all([
      frame.toJpeg({ quality: 20 }),
      frame.toJpeg(),
      frame.toJpeg({ quality: 85 }),
      frame.toJpeg({ quality: 100 }),
    ]);
    expect(usual.equals(same)).toBe(true);
    expect(poor.length).toBeLessThan(usual.length);
    expect(good.length).toBeGreaterThan(usual.length);
  });

  it('is made of one pixel too', async () => {
    using frame = frameOf(Buffer.from([10, 200, 90]), plainLayout(1, 1, 'bgr24'));
    const [blue = 0, green = 0, red = 0] = decodeImage(await frame.toJpeg({ quality: 100 }), 'bgr24');
    expect(Math.max(Math.abs(blue - 10), Math.abs(green - 200), Math.abs(red - 90))).toBeLessThanOrEqual(3);
  });
});

describe('a smaller JPEG', () => {
  /** Width and height of the file. */
  async function sizeOf(frame: Frame, maxWidth: number): Promise<[number, number]> {
    const file = await frame.toJpeg({ maxWidth });
    // The frame header (SOF0): its length, 8 bits, then height and width.
    const header = file.indexOf(Buffer.from([0xff, 0xc0, 0x00, 0x11, 0x08]));
    return [file.readUInt16BE(header + 7), file.readUInt16BE(header + 5)];
  }

  it.each([
    [640, 360, 160, 90],
    [101, 33, 100, 33],
    [101, 33, 50, 16],
    [854, 48, 16, 1],
    [900, 1, 37, 1],
  ])('keeps the aspect ratio, and at least one row (%i×%i in %i)', async (width, height, max, high) => {
    using frame = frameOf(noise(width * height * 3), plainLayout(width, height, 'bgr24'));
    expect(await sizeOf(frame, max)).toEqual([max, high]);
  });

  it('is the file of a picture of averages', async () => {
    const [width, height, by] = [96, 64, 4];
    const data = shades(width * by, height * by);
    const small = Buffer.alloc(width * height * 3);
    for (let i = 0; i < small.length; i++) {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      let sum = 0;
      for (let j = 0; j < by * by; j++) {
        const [column, row] = [x * by + (j % by), y * by + Math.floor(j / by)];
        sum += data[(row * width * by + column) * 3 + (i % 3)]!;
      }
      small[i] = Math.floor(sum / by / by + 0.5);
    }
    using frame = frameOf(data, plainLayout(width * by, height * by, 'bgr24'));
    using averages = frameOf(small, plainLayout(width, height, 'bgr24'));
    const file = await frame.toJpeg({ maxWidth: width });
    expect(file.equals(await averages.toJpeg())).toBe(true);
  });

  it('is the same as ever where the picture is no wider', async () => {
    using frame = frameOf(shades(101, 33), plainLayout(101, 33, 'bgr24'));
    const file = await frame.toJpeg();
    expect((await frame.toJpeg({ maxWidth: 101 })).equals(file)).toBe(true);
    expect((await frame.toJpeg({ maxWidth: 8192 })).equals(file)).toBe(true);
  });

  it.each([0, 15, 8193, 100.5, NaN, '480' as never])('is refused for a width of %p', async (maxWidth) => {
    using frame = frameOf(Buffer.alloc(3), plainLayout(1, 1, 'bgr24'));
    await expect(frame.toJpeg({ maxWidth })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('Expected an integer 16–8192 for maxWidth'),
    });
  });
});

describe('encoding', () => {
  it('leaves the event loop alone', async () => {
    using frame = frameOf(noise(1024 * 1024 * 3), plainLayout(1024, 1024, 'bgr24'));
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await frame.toPng();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });

  it('keeps the memory until the file is done, however often the frame is released meanwhile', async () => {
    const frames = new LoanedFrames();
    const frame = frameOf(noise(300), plainLayout(10, 10, 'bgr24'), frames);
    const files = [frame.toJpeg(), frame.toPng()];
    frame.release();
    frame.release();
    expect(frame.released).toBe(true);
    expect(frames.loaned.size).toBe(1);
    const [, png] = await Promise.all(files);
    expect(frames.loaned.size).toBe(0);
    expect(decodeImage(png!, 'bgr24').equals(noise(300))).toBe(true);
  });

  it('lets go of the memory of a file that could not be made', async () => {
    const frames = new LoanedFrames();
    const frame = frameOf(noise(300), plainLayout(10, 11, 'bgr24'), frames);
    const file = frame.toPng();
    frame.release();
    await expect(file).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: expect.stringContaining('Expected 330 bytes for pixels but received 300'),
    });
    expect(frames.loaned.size).toBe(0);
  });

  it('makes many files at once', async () => {
    const pictures = Array.from({ length: 40 }, (_, i) => noise(64 * 48 * 3).fill(i, 0, 3000));
    const files = await Promise.all(
      pictures.map((data) => frameOf(data, plainLayout(64, 48, 'bgr24')).toPng()),
    );
    for (const [i, pixels] of decodeImages(files, 'bgr24').entries()) {
      expect(pixels.equals(pictures[i]!)).toBe(true);
    }
  });

  it('refuses a released frame, an access unit, and what is no quality', async () => {
    const released = frameOf(Buffer.alloc(3), plainLayout(1, 1, 'bgr24'));
    released.release();
    await expect(released.toPng()).rejects.toMatchObject({ code: 'FRAME_RELEASED' });
    const encoded = frameOf(Buffer.alloc(3), { ...plainLayout(1, 1, 'bgr24'), format: 'annexb' });
    await expect(encoded.toJpeg()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('without the option encoded'),
    });
    const frame = frameOf(Buffer.alloc(3), plainLayout(1, 1, 'bgr24'));
    for (const quality of [0, 101, 1.5, NaN, '85' as never]) {
      await expect(frame.toJpeg({ quality })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('Expected an integer 1–100 for quality'),
      });
    }
    await expect(frame.toJpeg({ qualty: 3 } as never)).rejects.toThrow('Did you mean quality?');
  });
});

describe('the native encodeImage', () => {
  const request: Addon.ImageRequest = {
    type: 'png',
    quality: 85,
    pixels: new Uint8Array(12),
    width: 2,
    height: 2,
    imageWidth: 2,
    imageHeight: 2,
    format: 'bgr24',
    dataType: 'float32',
    factor: [1, 1, 1],
    offset: [0, 0, 0],
    matrix: 6,
    fullRange: false,
  };

  it.each<[string, object]>([
    ['type', { type: 'gif' }],
    ['quality', { quality: 0 }],
    ['pixels', { pixels: new Uint8Array(13) }],
    ['pixels', { pixels: Buffer.alloc(12).buffer }],
    ['width', { width: 8193 }],
    ['height', { height: 0 }],
    ['imageWidth', { imageWidth: 3 }],
    ['imageWidth', { imageWidth: 0 }],
    ['imageHeight', { imageHeight: 3 }],
    ['imageHeight', { imageHeight: 1.5 }],
    ['format', { format: 'annexb' }],
    ['dataType', { dataType: 'uint8' }],
    ['matrix', { matrix: 8 }],
    ['fullRange', { fullRange: 1 }],
  ])('refuses another %s', (name, wrong) => {
    expect(() => loadAddon().encodeImage({ ...request, ...wrong })).toThrow(
      new RegExp(`^Expected .* for ${name} but received`),
    );
  });
});
