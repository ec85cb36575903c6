import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import type { EngineOutput } from '../../binding.js';
import type { FrameEngineOptions } from '../../lib/frames/engine.js';
import { ENGINE_OPTIONS } from '../support/engine-driver.js';
import { EngineRun, fragmentsOf, START_MS } from '../support/engine-run.js';
import { makeClip, type FragmentedClip } from '../support/fragments.js';

const WIDTH = 176;
const HEIGHT = 144;
/** Of the clip: four fragments of 25 pictures each. */
const FRAGMENT_MS = 1000;
const PICTURE_MS = 40;

let clip: FragmentedClip;

beforeAll(() => {
  clip = makeClip({ width: WIDTH, height: HEIGHT, seconds: 4, bFrames: 2 });
});

function output(changes: Partial<EngineOutput>): Pick<FrameEngineOptions, 'output'> {
  return { output: { ...ENGINE_OPTIONS.output, ...changes } };
}

function selection(changes: Partial<FrameEngineOptions['selection']>): Pick<FrameEngineOptions, 'selection'> {
  return { selection: { ...ENGINE_OPTIONS.selection, ...changes } };
}

describe('frames of a chosen form', () => {
  test.each([
    ['bgr24', [HEIGHT, WIDTH, 3], WIDTH * 3, 'uint8'],
    ['gray8', [HEIGHT, WIDTH], WIDTH, 'uint8'],
    ['i420', [WIDTH * HEIGHT * 1.5], WIDTH, 'uint8'],
    ['rgb-chw', [3, HEIGHT, WIDTH], WIDTH * 4, 'float32'],
  ] as const)('in %s say how they lie in memory', async (format, shape, stride, dataType) => {
    let frames = 0;
    const run = await new EngineRun(output({ format }), (frame) => {
      frames += 1;
      expect(frame).toMatchObject({ format, shape, stride, dataType, width: WIDTH, height: HEIGHT });
      expect(frame.tensor).toHaveLength(shape.reduce<number>((product, side) => product * side, 1));
    }).read(fragmentsOf(clip, FRAGMENT_MS).slice(0, 1));
    expect(frames).toBe(25);
    expect(run.formats).toEqual([
      {
        ...{ width: WIDTH, height: HEIGHT, stride, format, dataType },
        ...{ sourceWidth: WIDTH, sourceHeight: HEIGHT, codec: 'h264' },
      },
    ]);
  });

  test('map their coordinates to the camera’s picture', async () => {
    const letterbox = output({ format: 'rgb24', width: 320, height: 320, fit: 'contain' });
    await new EngineRun(letterbox, (frame) => {
      expect(frame).toMatchObject({ width: 320, height: 320, sourceWidth: WIDTH, sourceHeight: HEIGHT });
      // 176×144 becomes 320×262 (261.8, rounded), centred.
      expect(frame.toSource(0, 29)).toEqual({ x: 0, y: 0 });
      expect(frame.toSource({ x: 160, y: 29, width: 160, height: 262 })).toEqual({
        ...{ x: 88, y: 0, width: 88, height: HEIGHT },
      });
    }).read(fragmentsOf(clip, FRAGMENT_MS).slice(0, 1));
  });

  test('keep their ring when only the camera’s picture changes its size', async () => {
    const small = makeClip({ width: 96, height: 64, seconds: 1, bFrames: 0 });
    const sizes: string[] = [];
    const rings = new Set<unknown>();
    const [first] = fragmentsOf(clip, FRAGMENT_MS);
    const [second] = fragmentsOf(small, FRAGMENT_MS);
    const run = await new EngineRun(output({ width: 64, height: 64 }), (frame) => {
      sizes.push(`${frame.sourceWidth}×${frame.sourceHeight}`);
      rings.add(frame.data.buffer);
      expect(frame.data).toHaveLength(64 * 64 * 3);
    }).read([first!, { ...second!, dateMs: START_MS + FRAGMENT_MS }]);
    expect(sizes).toEqual([...Array<string>(25).fill('176×144'), ...Array<string>(25).fill('96×64')]);
    expect(rings.size).toBe(1);
    expect(run.formats).toHaveLength(2);
  });
});

describe('frames that were selected', () => {
  test('are even in time and follow each other, and the rest is in the account', async () => {
    const times: number[] = [];
    const run = await new EngineRun(selection({ periodMs: 200 }), (frame) => {
      times.push(frame.timestampMs - START_MS);
      expect(frame).toMatchObject({ discontinuity: false, gapMs: 0 });
    }).read(fragmentsOf(clip, FRAGMENT_MS));
    expect(times.map(Math.round)).toEqual(Array.from({ length: 20 }, (_, i) => i * 200));
    expect(run.gaps).toEqual([]);
    expect(run.drops).toEqual([]);
    expect(run.ledger.deliveredMs).toBeCloseTo(20 * PICTURE_MS, 3);
    expect(run.ledger.drops.selection).toEqual({ frames: 80, ms: expect.closeTo(80 * PICTURE_MS, 3) });
  });

  test('say what is missing before pictures that were not', async () => {
    const gaps: number[] = [];
    const fragments = fragmentsOf(clip, FRAGMENT_MS).filter(({ sequence }) => sequence !== 2);
    const run = await new EngineRun(selection({ everyNth: 10 }), (frame) => {
      gaps.push(frame.gapMs);
      expect(frame.discontinuity).toBe(frame.gapMs > 0);
    }).read(fragments);
    // Picture 50 of those that came is the first of the last fragment; before it a second is missing.
    expect(gaps.map(Math.round)).toEqual([0, 0, 0, 0, 0, 1000, 0, 0]);
    expect(run.gaps).toHaveLength(1);
    expect(run.ledger.deliveredMs + run.ledger.droppedMs).toBeCloseTo(3000, 3);
  });

  test('carry on a gap that lies before pictures that were dropped', async () => {
    const gaps: number[] = [];
    const fragments = fragmentsOf(clip, FRAGMENT_MS).filter(({ sequence }) => sequence !== 1);
    await new EngineRun(selection({ everyNth: 20 }), (frame) => gaps.push(frame.gapMs)).read(fragments);
    // 0, 20 | 40 is the 15th picture behind the hole, and 60 the 10th of the next fragment.
    expect(gaps.map(Math.round)).toEqual([0, 0, 1000, 0]);
  });

  test('leave out what is older than the floor, which is told', async () => {
    const times: number[] = [];
    const run = new EngineRun({ lateCause: 'latest' }, (frame) => times.push(frame.timestampMs - START_MS));
    run.engine.setFloor(START_MS + 2520);
    await run.read(fragmentsOf(clip, FRAGMENT_MS));
    expect(times).toHaveLength(37);
    expect(times[0]).toBeCloseTo(2520, 3);
    const total = run.drops.reduce(
      (sum, { frames, ms }) => ({ frames: sum.frames + frames, ms: sum.ms + ms }),
      {
        frames: 0,
        ms: 0,
      },
    );
    expect(total).toEqual({ frames: 63, ms: expect.closeTo(2520, 3) });
    expect(run.ledger.drops.latest).toEqual(total);
  });

  test('are thinned out at the caller’s wish', async () => {
    let frames = 0;
    const run = new EngineRun({}, () => (frames += 1));
    run.engine.setPeriod(200);
    await run.read(fragmentsOf(clip, FRAGMENT_MS));
    expect(frames).toBe(20);
    expect(run.ledger.drops.age.frames).toBe(80);
  });
});

describe('access units', () => {
  /** What ffmpeg decodes, one sum a picture. */
  function sums(bytes: Buffer, format: string): string[] {
    const args = [
      '-v',
      'error',
      '-f',
      format,
      '-i',
      '-',
      '-map',
      '0:v',
      '-fps_mode',
      'passthrough',
      '-f',
      'framemd5',
      '-',
    ];
    const text = execFileSync('ffmpeg', args, { input: bytes, encoding: 'latin1' });
    return text
      .split('\n')
      .filter((line) => line.startsWith('0,'))
      .map((line) => line.slice(line.lastIndexOf(',') + 1).trim());
  }

  async function unitsOf(options: Partial<FrameEngineOptions>): Promise<{ run: EngineRun; units: Buffer[] }> {
    const units: Buffer[] = [];
    const run = await new EngineRun(options, (frame) => {
      expect(frame).toMatchObject({
        width: WIDTH,
        height: HEIGHT,
        stride: 0,
        codec: 'h264',
        dataType: 'uint8',
      });
      expect(frame).toMatchObject({ discontinuity: false, gapMs: 0, damaged: false });
      expect(frame.dtsMs).toBeLessThanOrEqual(frame.ptsMs);
      units.push(Buffer.from(frame.data));
    }).read(fragmentsOf(clip, FRAGMENT_MS));
    expect(run.faults).toEqual([]);
    expect(run.gaps).toEqual([]);
    return { run, units };
  }

  test('of Annex B are a stream that ffmpeg decodes to the same pictures', async () => {
    const { run, units } = await unitsOf({ encoded: 'annexb' });
    expect(units).toHaveLength(100);
    const original = sums(Buffer.concat([clip.init, ...clip.fragments]), 'mp4');
    expect(original).toHaveLength(100);
    expect(sums(Buffer.concat(units), 'h264')).toEqual(original);
    expect(run.ledger.deliveredMs).toBeCloseTo(4000, 3);
    expect(run.formats).toMatchObject([{ format: 'annexb', stride: 0 }]);
  });

  test('come in decoding order with their times, and with the codec data', async () => {
    const times: { dtsMs: number; timestampMs: number; keyFrame: boolean }[] = [];
    await new EngineRun({ encoded: 'avcc' }, (frame) => {
      const { dtsMs, timestampMs, keyFrame, parameterSets, data } = frame;
      times.push({ dtsMs, timestampMs, keyFrame });
      expect(parameterSets?.[0]).toBe(1);
      let at = 0;
      while (at < data.length) at += 4 + data.readUInt32BE(at);
      expect(at).toBe(data.length);
    }).read(fragmentsOf(clip, FRAGMENT_MS));
    expect(times.filter(({ keyFrame }) => keyFrame)).toHaveLength(4);
    for (let i = 1; i < times.length; i++) expect(times[i]!.dtsMs).toBeGreaterThan(times[i - 1]!.dtsMs);
    const shown = times.map(({ timestampMs }) => Math.round(timestampMs - START_MS));
    expect(shown).not.toEqual([...shown].sort((a, b) => a - b));
    expect([...shown].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i * PICTURE_MS));
  });

  test('may be key frames only, the rest being in the account', async () => {
    const { run, units } = await unitsOf({ encoded: 'annexb', ...selection({ keyFramesOnly: true }) });
    expect(units).toHaveLength(4);
    expect(sums(Buffer.concat(units), 'h264')).toHaveLength(4);
    expect(run.ledger.drops.selection.frames).toBe(96);
    expect(run.ledger.deliveredMs + run.ledger.droppedMs).toBeCloseTo(4000, 3);
  });

  test('that do not fit get a larger ring', async () => {
    // The second picture is noise, and larger by far than the first.
    const args = ['-v', 'error', '-f', 'lavfi', '-i', 'color=gray:size=320x240:rate=1:duration=1'];
    const noise = ['-f', 'lavfi', '-i', 'color=gray:size=320x240:rate=1:duration=1,noise=alls=100'];
    const codec = [
      '-filter_complex',
      '[0][1]concat=n=2',
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-qp',
      '4',
    ];
    const bytes = execFileSync(
      'ffmpeg',
      [...args, ...noise, ...codec, '-g', '1', '-pix_fmt', 'yuv420p', '-f', 'mpegts', '-'],
      { maxBuffer: 1 << 24 },
    );
    const sizes: number[] = [];
    const capacities: number[] = [];
    await new EngineRun({ encoded: 'annexb', bufferedFrames: 2 }, (frame) => {
      sizes.push(frame.data.length);
      capacities.push(frame.data.buffer.byteLength);
    }).read(fragmentsOf({ init: null, fragments: [bytes] }, 2000));
    expect(sizes).toHaveLength(2);
    expect(sizes[1]).toBeGreaterThan(capacities[0]! / 2);
    expect(capacities[1]).toBeGreaterThan(capacities[0]!);
  });
});

test('an engine that was asked for a device it does not have tells once where it decodes', async () => {
  let frames = 0;
  const run = await new EngineRun({ hwaccel: 'cuda' }, () => (frames += 1)).read(
    fragmentsOf(clip, FRAGMENT_MS),
  );
  expect(frames).toBe(100);
  expect(run.openings).toHaveLength(1);
  const [{ hwaccel, fallbackReason }] = run.openings as [(typeof run.openings)[number]];
  expect(fallbackReason === '').toBe(hwaccel === 'cuda');
});

test('an engine hands on what libav logged, and nothing of a healthy stream', async () => {
  const fragments = fragmentsOf(clip, FRAGMENT_MS);
  const run = await new EngineRun({}, () => {}).read(fragments);
  expect(run.logs).toEqual([]);
  // Within the first slice; the boxes before it are about 500 bytes.
  const media = Buffer.from(fragments[1]!.media).fill(0x5a, 2000, 2040);
  const damaged = fragments.map((fragment, i) => (i === 1 ? { ...fragment, media } : fragment));
  const { faults, logs } = await new EngineRun({}, () => {}).read(damaged);
  expect(faults).toEqual([]);
  expect(logs.length).toBeGreaterThan(0);
  expect(logs.length).toBeLessThanOrEqual(16);
  for (const line of logs)
    expect(line).toEqual({ level: 'error', message: expect.stringMatching(/^h264: /) });
});
