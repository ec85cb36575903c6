import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { HlsFrameSource, type Frame, type Gap, type MediaFault, type PictureFormat } from '../../lib/index';
import { prepareClip, readStamp, type Clip, type ClipOptions } from '../../lib/simulator/index';
import { entriesOf, serveList, type ListEntry } from '../support/hls-list';
import { splitFragments } from '../support/fragments';

/** Two fragments of ten pictures each. */
const CLIP: ClipOptions = { width: 320, height: 180, fps: 20, fragmentSeconds: 0.5, seconds: 1 };
const NUMBERS = [...Array(20).keys()];
const DATE = Date.UTC(2026, 10, 22);

interface Read {
  numbers: number[];
  frames: Pick<
    Frame,
    'width' | 'ptsMs' | 'timestampMs' | 'timestampSource' | 'discontinuity' | 'damaged' | 'gapMs'
  >[];
  /** How many formats had been told when each frame was taken. */
  formatsTold: number[];
  formats: PictureFormat[];
  faults: MediaFault[];
  gaps: Gap[];
  /** The memory that pictures were in. */
  rings: Set<ArrayBufferLike>;
  decoderOpens: number;
}

function numberOf(frame: Frame): number {
  const stamp = readStamp(frame.data, frame.width, frame.height, frame.stride);
  if (stamp === null) throw new Error(`Frame ${frame.index} bears no readable stamp`);
  return stamp.frameNumber;
}

/** Reads a playlist of these entries to its end; keeps some frames on loan and looks at them again at the end. */
async function readAll(entries: readonly ListEntry[]): Promise<Read> {
  await using server = await serveList(entries);
  await using source = new HlsFrameSource({ url: server.url, registry: new Registry(), bufferedFrames: 16 });
  const read: Read = {
    numbers: [],
    frames: [],
    formatsTold: [],
    formats: [],
    faults: [],
    gaps: [],
    rings: new Set(),
    decoderOpens: 0,
  };
  source.on('format', (format) => read.formats.push(format));
  source.on('fault', (fault) => read.faults.push(fault));
  source.on('gap', (gap) => read.gaps.push(gap));
  const kept: { frame: Frame; number: number }[] = [];
  for await (const frame of source) {
    const { width, ptsMs, timestampMs, timestampSource, discontinuity, damaged, gapMs } = frame;
    const number = numberOf(frame);
    read.numbers.push(number);
    read.rings.add(frame.data.buffer);
    read.frames.push({ width, ptsMs, timestampMs, timestampSource, discontinuity, damaged, gapMs });
    read.formatsTold.push(read.formats.length);
    if (number % 10 === 9) kept.push({ frame: frame.retain(), number });
    read.decoderOpens = source.getMetrics().engine?.decoderOpens ?? 0;
  }
  for (const { frame, number } of kept) {
    expect(numberOf(frame)).toBe(number);
    frame.release();
  }
  return read;
}

/** What holds whatever changes: every picture came, right and in order, and nothing was wrong with any. */
function expectWhole(read: Read, runs: number): void {
  expect(read.faults).toEqual([]);
  expect(read.numbers).toEqual(Array.from({ length: runs }, () => NUMBERS).flat());
  expect(read.frames.filter(({ damaged }) => damaged)).toEqual([]);
}

/** Indices of the frames that are marked as a discontinuity. */
function breaksOf(read: Read): number[] {
  return read.frames.flatMap(({ discontinuity }, i) => (discontinuity ? [i] : []));
}

/** The clip with a sine tone beside its pictures, or without, through ffmpeg. */
function remuxed(
  clip: Clip,
  container: 'fmp4' | 'mpegts',
  tracks: readonly ('video' | 'audio')[],
): ListEntry[] {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-mid-stream-'));
  const input = join(folder, 'clip.mp4');
  writeFileSync(input, Buffer.concat([clip.init.bytes, ...clip.fragments.map(({ media }) => media)]));
  const maps = tracks.flatMap((track) => ['-map', track === 'video' ? '0:v' : '1:a']);
  const run = (...output: string[]): void => {
    execFileSync('ffmpeg', [
      ...['-nostdin', '-v', 'error', '-i', input, '-f', 'lavfi', '-i', 'sine=duration=1', ...maps],
      ...['-c:v', 'copy', '-c:a', 'aac', ...output],
    ]);
  };
  try {
    if (container === 'fmp4') {
      const file = join(folder, 'muxed.mp4');
      run('-movflags', '+frag_keyframe+empty_moov+default_base_moof', file);
      const { init, fragments } = splitFragments(readFileSync(file));
      return fragments.map((media) => ({ init, media, seconds: 0.5 }));
    }
    run('-f', 'hls', '-hls_time', '0.1', '-hls_list_size', '0', join(folder, 'list.m3u8'));
    const names = readdirSync(folder).filter((name) => name.endsWith('.ts'));
    return names
      .sort()
      .map((name) => ({ init: null, media: readFileSync(join(folder, name)), seconds: 0.5 }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const broken = (entries: ListEntry[]): ListEntry[] =>
  entries.map((entry, i) => (i === 0 ? { ...entry, isBreak: true } : entry));

const containers = ['fmp4', 'mpegts'] as const;

describe.each(containers)('what changes in the middle of a stream of %s', (container) => {
  it('may be the size: the format is told first, and frames on loan stay valid', async () => {
    const small = await prepareClip(CLIP);
    const large = await prepareClip({ ...CLIP, width: 480, height: 270, bFrames: 2 });
    const read = await readAll([
      ...entriesOf(small, container),
      ...entriesOf(large, container, { isBreak: true }),
      ...entriesOf(small, container, { isBreak: true }),
    ]);
    expectWhole(read, 3);
    const form = (width: number, height: number): PictureFormat => ({
      width,
      height,
      stride: width * 3,
      format: 'bgr24',
      dataType: 'uint8',
      sourceWidth: width,
      sourceHeight: height,
      codec: 'h264',
    });
    expect(read.formats).toEqual([form(320, 180), form(480, 270), form(320, 180)]);
    expect(read.rings.size).toBe(3);
    read.frames.forEach(({ width }, i) => {
      const run = Math.floor(i / 20);
      expect(width).toBe(run === 1 ? 480 : 320);
      expect(read.formatsTold[i]).toBeGreaterThan(run);
    });
    expect(breaksOf(read)).toEqual([20, 40]);
  });

  it('may be the codec data, at the same size', async () => {
    const plain = await prepareClip(CLIP);
    const reordered = await prepareClip({ ...CLIP, bFrames: 3, bitrateKbps: 900 });
    const read = await readAll([
      ...entriesOf(plain, container),
      // No break is announced.
      ...entriesOf(reordered, container, { shiftMs: 1000 }),
      ...entriesOf(plain, container, { shiftMs: 2000 }),
    ]);
    expectWhole(read, 3);
    // Decoders are opened for new codec data; MPEG-TS carries it in band, where the decoder finds it.
    expect(read.formats).toHaveLength(container === 'fmp4' ? 3 : 1);
    expect(breaksOf(read)).toEqual(container === 'fmp4' ? [20, 40] : []);
    expect(read.decoderOpens).toBe(container === 'fmp4' ? 3 : 1);
  });

  it('may be the codec, at the same size', async () => {
    const h264 = await prepareClip(CLIP);
    const h265 = await prepareClip({ ...CLIP, codec: 'h265', bFrames: 2 });
    const read = await readAll([
      ...entriesOf(h264, container),
      ...broken(remuxed(h265, container, ['video'])),
      ...entriesOf(h264, container, { isBreak: true }),
    ]);
    expectWhole(read, 3);
    expect(read.formats.map(({ codec }) => codec)).toEqual(['h264', 'hevc', 'h264']);
    read.formatsTold.forEach((told, i) => expect(told).toBeGreaterThan(Math.floor(i / 20)));
    expect(breaksOf(read)).toEqual([20, 40]);
  });

  it.each([
    ['behind', ['video', 'audio']],
    ['before', ['audio', 'video']],
  ] as const)('may be an audio track that comes and goes, %s the video track', async (_, tracks) => {
    const clip = await prepareClip({ ...CLIP, bFrames: 2 });
    const silent = remuxed(clip, container, ['video']);
    const sounding = remuxed(clip, container, tracks);
    expect([silent.length, sounding.length]).toEqual([2, 2]);
    const read = await readAll([...silent, ...sounding, ...silent]);
    expectWhole(read, 3);
    expect(read.formats).toHaveLength(1);
    expect(read.decoderOpens).toBe(1);
  });

  it.each([
    ['forwards', 3_600_000],
    ['backwards', -40_000_000],
    ['back to 0', -80_000_000],
  ])('may be timestamps that jump %s', async (_, jumpMs) => {
    const clip = await prepareClip({ ...CLIP, bFrames: 2 });
    const startMs = 80_000_000;
    const entries = [
      ...entriesOf(clip, container, { shiftMs: startMs }),
      ...entriesOf(clip, container, { shiftMs: startMs + jumpMs }),
    ].map((entry, i) => ({ ...entry, dateMs: DATE + i * 500 }));
    const read = await readAll(entries);
    expectWhole(read, 2);
    expect(read.frames[20]!.ptsMs - read.frames[0]!.ptsMs).toBeCloseTo(jumpMs, 0);
    // The dates go on, and so do the times.
    read.frames.forEach(({ timestampMs }, i) => expect(timestampMs - DATE).toBeCloseTo(i * 50, 0));
    expect(breaksOf(read)).toEqual([]);
    expect(read.gaps).toEqual([]);
    expect(read.decoderOpens).toBe(1);
  });

  it('may be nothing but the init section, which says the same in other bytes', async () => {
    const clip = await prepareClip({ ...CLIP, bFrames: 2 });
    const other = Buffer.concat([clip.init.bytes, Buffer.from([0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65])]);
    const read = await readAll([
      ...entriesOf(clip, container),
      ...entriesOf(clip, container, { shiftMs: 1000 }).map((entry) => ({
        ...entry,
        init: entry.init === null ? null : other,
      })),
    ]);
    expectWhole(read, 2);
    expect(read.decoderOpens).toBe(1);
    expect(breaksOf(read)).toEqual([]);
  });

  it.each([
    ['the year 1970', 86_400_000],
    ['no date', undefined],
  ])('may be dates: %s makes times of receipt, which go on', async (_, dateMs) => {
    const clip = await prepareClip(CLIP);
    const before = Date.now();
    const read = await readAll([
      ...entriesOf(clip, container),
      ...entriesOf(clip, container, { shiftMs: 1000 }).map((entry, i) =>
        dateMs === undefined ? entry : { ...entry, dateMs: dateMs + i * 500 },
      ),
    ]);
    expectWhole(read, 2);
    expect(new Set(read.frames.map(({ timestampSource }) => timestampSource))).toEqual(new Set(['received']));
    const first = read.frames[0]!.timestampMs;
    expect(first).toBeGreaterThanOrEqual(before - 501);
    read.frames.forEach(({ timestampMs }, i) => expect(timestampMs - first).toBeCloseTo(i * 50, 0));
    expect(breaksOf(read)).toEqual([]);
  });

  it('may be the order: a late fragment is decoded where it is listed, one that comes again is not', async () => {
    const clip = await prepareClip({ ...CLIP, seconds: 2.5, bFrames: 2 });
    const entries = entriesOf(clip, container).map((entry, i) => ({ ...entry, dateMs: DATE + i * 500 }));
    const order = [0, 1, 1, 3, 2, 4];
    const read = await readAll(order.map((i) => entries[i]!));
    expect(read.faults).toEqual([]);
    const expected = [0, 1, 3, 2, 4].flatMap((fragment) =>
      NUMBERS.slice(0, 10).map((n) => fragment * 10 + n),
    );
    expect(read.numbers).toEqual(expected);
    read.frames.forEach(({ timestampMs }, i) => expect(timestampMs - DATE).toBeCloseTo(expected[i]! * 50, 0));
    // The hole is told, then that it is none; behind the late fragment time goes on where it was.
    expect(breaksOf(read)).toEqual([20, 30, 40]);
    expect(read.gaps.map(({ ms, recovered }) => ({ ms: Math.round(ms), recovered }))).toEqual([
      { ms: 500, recovered: false },
      { ms: 500, recovered: true },
    ]);
    expect(read.frames[20]!.gapMs).toBeCloseTo(500, 0);
    expect(read.frames[30]!.gapMs).toBe(0);
  });
});

describe('the 33-bit counter of MPEG-TS', () => {
  /** What the counter holds, in ms. */
  const PERIOD_MS = 2 ** 33 / 90;
  /** The muxer lets times run ahead of the program clock by this. */
  const LEAD_MS = 700;

  it.each([
    ['inside a fragment', 250],
    ['between two fragments', 500],
    ['at the first picture', 0],
    ['in front of the last picture', 950],
  ])('may wrap %s', async (_, wrapAtMs) => {
    const clip = await prepareClip({ ...CLIP, bFrames: 2 });
    const shiftMs = PERIOD_MS - LEAD_MS - wrapAtMs;
    const entries = [
      ...entriesOf(clip, 'mpegts', { shiftMs }),
      ...entriesOf(clip, 'mpegts', { shiftMs: shiftMs + 1000 }),
    ].map((entry, i) => ({ ...entry, dateMs: DATE + i * 500 }));
    const read = await readAll(entries);
    expectWhole(read, 2);
    read.frames.forEach(({ timestampMs }, i) => expect(timestampMs - DATE).toBeCloseTo(i * 50, 0));
    expect(breaksOf(read)).toEqual([]);
    expect(read.gaps).toEqual([]);
  });
});
