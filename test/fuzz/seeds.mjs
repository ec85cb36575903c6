// Inputs to begin with, one folder per harness: tiny clips that ffmpeg makes, a clip of the simulator's camera, and a picture
// of each format for the harnesses without media. Clips of others' are added on demand only: see scripts/fuzz.mjs.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boxesOf } from '../../dist/hls/boxes.js';
import { prepareClip } from '../../dist/simulator/index.js';

// Tags of pieces, as fuzz_input.h has them. A piece after which the engine need not come to rest has BUSY in its tag.
const INIT = 0;
const MEDIA = 1;
const TRANSPORT = 2;
const COPY = 3;
const BUSY = 4;

/** Longer inputs make slow runs. */
const MAX_SEED_BYTES = 40_000;
const TRANSPORT_PACKET_BYTES = 188;

const piece = (tag, bytes) =>
  Buffer.concat([
    Buffer.from([tag, bytes.length >> 16, (bytes.length >> 8) & 0xff, bytes.length & 0xff]),
    bytes,
  ]);

/** A clip: an init section, or none, and fragments. `null` for what holds no fragment of fMP4. */
function splitMp4(file) {
  const clip = { init: Buffer.alloc(0), fragments: [] };
  let start = 0;
  for (const { type, payload } of boxesOf(file, 'fragment')) {
    const end = payload.byteOffset - file.byteOffset + payload.byteLength;
    const box = file.subarray(start, end);
    start = end;
    if (type === 'moof') clip.fragments.push(box);
    else if (clip.fragments.length === 0) clip.init = Buffer.concat([clip.init, box]);
    else if (type === 'mdat') clip.fragments.push(Buffer.concat([clip.fragments.pop(), box]));
  }
  return clip.fragments.length === 0 ? null : clip;
}

const pictureKinds = {
  'h264-plain': ['libx264', 'yuv420p', 'bframes=0'],
  'h264-b': ['libx264', 'yuv420p', 'bframes=3:b-adapt=0'],
  'h264-open': ['libx264', 'yuv420p', 'bframes=2:b-adapt=0:open-gop=1'],
  'h264-interlaced': ['libx264', 'yuv420p', 'bframes=0:tff=1'],
  'h264-full': ['libx264', 'yuvj420p', 'bframes=0:colormatrix=bt709'],
  'h264-crop': ['libx264', 'yuv420p', 'bframes=0:crop-rect=6,10,2,4'],
  'h264-422': ['libx264', 'yuv422p', 'bframes=0'],
  'h264-444': ['libx264', 'yuv444p', 'bframes=0'],
  'h264-10bit': ['libx264', 'yuv420p10le', 'bframes=0'],
  'h264-gray': ['libx264', 'gray', 'bframes=0'],
  'h264-rgb': ['libx264rgb', 'bgr0', 'bframes=0'],
  'h265-plain': ['libx265', 'yuv420p', 'open-gop=0:bframes=2'],
  'h265-open': ['libx265', 'yuv420p', 'open-gop=1:bframes=2'],
  'h265-layers': ['libx265', 'yuv420p', 'open-gop=0:bframes=3:b-pyramid=1:temporal-layers=1'],
  'h265-10bit': ['libx265', 'yuv420p10le', 'open-gop=0:bframes=0'],
  'h265-444': ['libx265', 'yuv444p', 'open-gop=0:bframes=0'],
};

function ffmpeg(...args) {
  execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** The clips that ffmpeg makes, as fMP4 and as MPEG-TS. */
function madeClips(folder) {
  const clips = {};
  for (const [name, [encoder, format, parameters]] of Object.entries(pictureKinds)) {
    const mp4 = join(folder, `${name}.mp4`);
    const isH265 = encoder === 'libx265';
    const group = 'keyint=3:min-keyint=3:scenecut=0';
    const options = isH265
      ? ['-tag:v', 'hvc1', '-x265-params', `${group}:log-level=none:${parameters}`]
      : ['-x264-params', `${group}:${parameters}`];
    const sound = name === 'h264-b' ? ['-f', 'lavfi', '-i', 'sine=duration=0.6', '-c:a', 'aac'] : [];
    const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=10:duration=0.6'];
    const video = ['-c:v', encoder, '-preset', 'veryfast', '-pix_fmt', format, ...options, '-threads', '1'];
    const fragmented = ['-movflags', '+frag_keyframe+empty_moov+default_base_moof'];
    ffmpeg(...picture, ...sound, ...video, ...fragmented, mp4);
    clips[name] = splitMp4(readFileSync(mp4));
    ffmpeg(
      '-i',
      mp4,
      '-c',
      'copy',
      '-f',
      'hls',
      '-hls_time',
      '0.1',
      '-hls_list_size',
      '0',
      join(folder, 'list.m3u8'),
    );
    const segments = readdirSync(folder).filter((file) => file.endsWith('.ts'));
    clips[`${name}-ts`] = {
      init: Buffer.alloc(0),
      fragments: segments.sort().map((file) => readFileSync(join(folder, file))),
    };
    for (const file of segments) rmSync(join(folder, file));
  }
  return clips;
}

async function simulatorClips(folder) {
  const clips = {};
  for (const codec of ['h264', 'h265']) {
    const options = { width: 160, height: 96, fps: 5, fragmentSeconds: 0.4, seconds: 1.2 };
    const clip = await prepareClip({ ...options, codec, cacheDirectory: folder });
    clips[`simulator-${codec}`] = {
      init: clip.init.bytes,
      fragments: clip.fragments.map((fragment) => fragment.media),
    };
  }
  return clips;
}

/** Whole packets, or whole boxes, up to what a seed may hold. */
function publicClips(media) {
  const clips = {};
  const none = Buffer.alloc(0);
  for (const file of readdirSync(join(media, 'ts'))) {
    const bytes = readFileSync(join(media, 'ts', file));
    const whole = Math.min(bytes.length, 12_000);
    clips[file] = {
      init: none,
      fragments: [bytes.subarray(0, whole - (whole % TRANSPORT_PACKET_BYTES))],
    };
  }
  const cmaf = join(media, 'hls-cmaf-demuxed');
  clips.cmaf = {
    init: readFileSync(join(cmaf, 'video_init.mp4')),
    fragments: [readFileSync(join(cmaf, 'video_1.m4s'))],
  };
  clips.audio = {
    init: readFileSync(join(cmaf, 'audio_init.mp4')),
    fragments: [readFileSync(join(cmaf, 'audio_1.m4s'))],
  };
  for (const file of [
    'mp4/fragmented_captions_h265.mp4',
    'mp4/sample_fragmented_seekable.mp4',
    'encrypted/sample_fragmented_clearkey.mp4',
    'encrypted/prog_8s_enc_dashinit.mp4',
  ]) {
    const clip = splitMp4(readFileSync(join(media, file)));
    if (clip === null) continue;
    // Their fragments are long: the boxes that describe the samples, and some of those.
    const fragments = clip.fragments.slice(0, 1).map((fragment) => fragment.subarray(0, 12_000));
    clips[file] = { init: clip.init, fragments };
  }
  return clips;
}

/** The pieces of a clip's fragments. */
const piecesOf = ({ init, fragments }, flags = 0) => [
  ...(init.length > 0 ? [piece(INIT, init)] : []),
  ...fragments.map((fragment) => piece((init.length > 0 ? MEDIA : TRANSPORT) | flags, fragment)),
];

function damaged(bytes) {
  const copy = Buffer.from(bytes);
  copy.fill(0xa5, Math.floor(copy.length * 0.7), Math.floor(copy.length * 0.75));
  return copy;
}

/** Sequences of pieces: each clip, changes from one to another, second copies, fragments cut short. */
function sequencesOf(clips) {
  const sequences = Object.values(clips).map((clip, i) => piecesOf(clip, i % 3 === 0 ? BUSY : 0));
  const first = (name) => piecesOf({ ...clips[name], fragments: clips[name].fragments.slice(0, 1) });
  sequences.push(
    [...first('h264-plain'), ...first('h265-plain'), ...first('h264-plain'), ...first('h264-10bit-ts')],
    [...first('h264-444'), ...first('h264-b-ts'), ...first('h264-crop'), ...first('h265-open-ts')],
  );
  for (const name of ['h264-plain', 'h264-b', 'h265-open', 'h264-plain-ts']) {
    const { init, fragments } = clips[name];
    const tag = init.length > 0 ? MEDIA : TRANSPORT;
    const start = init.length > 0 ? [piece(INIT, init)] : [];
    const whole = fragments[0];
    sequences.push(
      [...start, piece(tag, damaged(whole)), piece(COPY, whole), piece(tag, fragments[1])],
      [...start, piece(tag, whole.subarray(0, -100)), piece(tag | BUSY, fragments[1])],
    );
  }
  return sequences.filter((pieces) => pieces.reduce((sum, one) => sum + one.length, 0) < MAX_SEED_BYTES);
}

/** Options of the `fragment` harness: something else for each seed. */
function engineOptions(i) {
  const bytes = Buffer.alloc(16);
  bytes[0] = i % 7;
  bytes[1] = (i & 1) | ((i % 3) << 1) | (i % 5 === 0 ? 0x40 : 0);
  bytes[2] = i % 4 === 0 ? 50 : 0;
  bytes[3] = i % 6 === 0 ? 40 : 0;
  bytes.set([3, 5, 20, 16], 4);
  bytes[8] = (i % 3) | ((i % 5 === 1 ? 1 + (i % 2) : 0) << 2) | (i % 2 === 0 ? 0x10 : 0);
  bytes[10] = i % 7 === 3 ? 1 : i % 7 === 5 ? 2 : 0;
  bytes[11] = i % 4 === 1 ? 50 : 0;
  bytes[12] = i % 2 === 0 ? 1 | (38 << 1) : 0;
  bytes[13] = i % 9 === 8 ? 20 : 0;
  bytes[14] = i % 8 === 7 ? 1 + (i % 3) : 0;
  return bytes;
}

/** The first box of a type, its header left out, wherever it lies. */
function payloadOf(bytes, type) {
  const at = bytes.indexOf(type, 0, 'latin1');
  return at < 4 ? null : bytes.subarray(at + 4, at - 4 + bytes.readUInt32BE(at - 4));
}

const START_CODE = Buffer.from([0, 0, 0, 1]);

function lengthOf(unit) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(unit.length);
  return length;
}

/** The first NAL units of samples, no more of each than its harness reads. */
function startsOfUnits(samples) {
  const units = [];
  for (let at = 0; at + 4 <= samples.length && units.length < 8;) {
    const length = samples.readUInt32BE(at);
    units.push(samples.subarray(at + 4, at + 4 + Math.min(length, 48)));
    at += 4 + length;
  }
  return units;
}

function codecDataSeeds(clips) {
  const seeds = [];
  for (const [name, clip] of Object.entries(clips)) {
    const isH265 = name.includes('265');
    const options = Buffer.from([isH265 ? 1 : 0, 0, 0, 0]);
    const record = payloadOf(clip.init, isH265 ? 'hvcC' : 'avcC');
    const samples = clip.fragments.length > 0 ? payloadOf(clip.fragments[0], 'mdat') : null;
    if (record === null || samples === null) continue;
    const units = startsOfUnits(samples);
    const packet = Buffer.concat(units.map((unit) => Buffer.concat([lengthOf(unit), unit])));
    const coded = Buffer.concat(units.map((unit) => Buffer.concat([START_CODE, unit])));
    seeds.push(
      Buffer.concat([options, piece(INIT, record), piece(MEDIA | BUSY, packet)]),
      Buffer.concat([options, piece(MEDIA | BUSY, coded), piece(MEDIA, coded.subarray(0, 200))]),
    );
  }
  return seeds;
}

/** A picture of each pixel format, into each output format and fit. */
function converterSeeds() {
  const seeds = [];
  const sides = [1, 2, 3, 15, 16, 17, 33, 64, 129];
  for (let format = 0; format < 43; format++) {
    for (let output = 0; output < 7; output++) {
      const i = format * 7 + output;
      const options = Buffer.alloc(16);
      options[0] = i % 3;
      options[1] = output;
      options[2] = (i & 1) | ((i % 3) << 1) | (i % 4 === 1 ? 0x40 : 0);
      if (i % 3 !== 0) options.writeUInt16BE(0x4000 + 37 * (i % 11), 3);
      if (i % 5 > 1) options.writeUInt16BE(0x4000 + 29 * (i % 13), 5);
      options.set([i % 3, i % 2, i % 9, i % 7], 7);
      options.set([114, 20, 240, i % 4], 11);
      const picture = Buffer.alloc(12);
      picture[0] = format;
      picture.writeUInt16BE(sides[i % sides.length] - 1, 1);
      picture.writeUInt16BE(sides[(i + output) % sides.length] - 1, 3);
      picture[5] = (i % 9) | ((i % 3) << 4);
      picture[6] = (i % 66) | (i % 2 === 0 ? 0x80 : 0);
      picture.writeUInt32BE((i * 2_654_435_761) % 2 ** 32, 7);
      picture[11] = i % 2;
      const numbers = options[14] & 1 ? 3 : 0;
      const more = Buffer.alloc(numbers + (options[14] & 2 ? 3 : 0), 100 + (i % 50));
      seeds.push(Buffer.concat([options.subarray(0, 15), more, picture]));
    }
  }
  return seeds;
}

function imageSeeds() {
  const seeds = [];
  for (let i = 0; i < 7 * 8; i++) {
    const options = Buffer.alloc(14, 64);
    options[0] = i % 7;
    options[1] = (i & 15) | (i % 3 === 0 ? 0x10 : 0);
    options[2] = (i * 13) % 100;
    options.writeUInt16BE((i * 17) % 130, 3);
    options[5] = (i * 31) % 130;
    options.writeUInt16BE(i % 40, 6);
    options[8] = i % 23;
    seeds.push(Buffer.concat([options, createHash('sha256').update(`${i}`).digest()]));
  }
  return seeds;
}

/** Writes the seeds into `folder`, by harness. `media`: a folder of public clips to make more of them of, or `null`. */
export async function writeSeeds(folder, media) {
  const workplace = mkdtempSync(join(tmpdir(), 'kvs-frames-seeds-'));
  try {
    const clips = {
      ...madeClips(workplace),
      ...(await simulatorClips(workplace)),
      ...(media === null ? {} : publicClips(media)),
    };
    const sequences = sequencesOf(clips);
    const seeds = {
      fragment: sequences.map((pieces, i) => Buffer.concat([engineOptions(i), ...pieces])),
      demux: sequences.map((pieces, i) => Buffer.concat([Buffer.from([i, 0, i % 3 ? 38 : 0, 0]), ...pieces])),
      codec_data: codecDataSeeds(clips),
      converter: converterSeeds(),
      image: imageSeeds(),
    };
    for (const [harness, inputs] of Object.entries(seeds)) {
      const place = join(folder, harness);
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place, { recursive: true });
      inputs.forEach((bytes, i) => writeFileSync(join(place, `seed-${i}`), bytes));
    }
  } finally {
    rmSync(workplace, { recursive: true, force: true });
  }
}
