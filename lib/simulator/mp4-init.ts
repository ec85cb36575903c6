import { type Box, Mp4Error, boxAt, boxesOf } from './mp4-boxes.js';

/** An init section (`ftyp` + `moov`) of one video track, and what it says. */
export interface InitSection {
  readonly bytes: Buffer;
  readonly codec: 'h264' | 'h265';
  /** RFC 6381 text for `CODECS`, e.g. `avc1.4d4029`. */
  readonly codecs: string;
  readonly width: number;
  readonly height: number;
  /** Ticks per second of every time in the fragments. */
  readonly timescale: number;
  /** Bytes of the length before each NAL unit. */
  readonly nalLengthBytes: number;
  /** H.264: SPS and PPS NAL units. H.265: empty, since its parameter sets are never written in band here. */
  readonly parameterSets: readonly Buffer[];
  /** Values of samples that carry none themselves (`trex`). */
  readonly sampleDefaults: { readonly duration: number; readonly size: number; readonly flags: number };
}

const visualSampleEntryBytes = 78;

/** Reads an init section. Throws {@link Mp4Error} unless its first track is H.264 or H.265 video. */
export function parseInit(bytes: Buffer): InitSection {
  const track = boxAt(bytes, ['moov', 'trak']);
  const media = boxAt(bytes, ['mdia'], track);
  const header = boxAt(bytes, ['mdhd'], media);
  const timescale = bytes.readUInt32BE(header.body + (bytes[header.body] === 1 ? 20 : 12));
  const descriptions = boxAt(bytes, ['minf', 'stbl', 'stsd'], media);
  const entry = boxesOf(bytes, descriptions.body + 8, descriptions.end)[0];
  if (entry === undefined) throw new Mp4Error('the track has no sample description');
  const codec = codecOf(entry.type);
  const configuration = boxesOf(bytes, entry.body + visualSampleEntryBytes, entry.end).find(
    (box) => box.type === (codec === 'h264' ? 'avcC' : 'hvcC'),
  );
  if (configuration === undefined)
    throw new Mp4Error(`the ${entry.type} sample description has no codec data`);
  const record = bytes.subarray(configuration.body, configuration.end);
  return {
    bytes,
    codec,
    codecs: codec === 'h264' ? avcCodecs(record) : hevcCodecs(record),
    width: bytes.readUInt16BE(entry.body + 24),
    height: bytes.readUInt16BE(entry.body + 26),
    timescale,
    nalLengthBytes: (record[codec === 'h264' ? 4 : 21]! & 3) + 1,
    parameterSets: codec === 'h264' ? avcParameterSets(record) : [],
    sampleDefaults: sampleDefaults(bytes, boxAt(bytes, ['moov', 'mvex', 'trex'])),
  };
}

function codecOf(entryType: string): 'h264' | 'h265' {
  if (entryType === 'avc1' || entryType === 'avc3') return 'h264';
  if (entryType === 'hvc1' || entryType === 'hev1') return 'h265';
  throw new Mp4Error(`the track is ${entryType}, neither H.264 nor H.265`);
}

function sampleDefaults(bytes: Buffer, trex: Box): InitSection['sampleDefaults'] {
  return {
    duration: bytes.readUInt32BE(trex.body + 12),
    size: bytes.readUInt32BE(trex.body + 16),
    flags: bytes.readUInt32BE(trex.body + 20),
  };
}

function avcCodecs(record: Buffer): string {
  return `avc1.${record.toString('hex', 1, 4)}`;
}

function avcParameterSets(record: Buffer): Buffer[] {
  const sets: Buffer[] = [];
  let at = 5;
  for (const countMask of [0x1f, 0xff]) {
    const count = record.readUInt8(at++) & countMask;
    for (let n = 0; n < count; n++) {
      const size = record.readUInt16BE(at);
      sets.push(record.subarray(at + 2, at + 2 + size));
      at += 2 + size;
    }
  }
  return sets;
}

/** ISO 14496-15 annex E.3: `hvc1.{space}{profile}.{compatibility}.{tier}{level}[.{constraints}]`. */
function hevcCodecs(record: Buffer): string {
  const first = record.readUInt8(1);
  const space = ['', 'A', 'B', 'C'][first >> 6]!;
  const tier = (first & 0x20) === 0 ? 'L' : 'H';
  let compatibility = 0;
  const flags = record.readUInt32BE(2);
  for (let bit = 0; bit < 32; bit++) if ((flags & (1 << bit)) !== 0) compatibility += 2 ** (31 - bit);
  const constraints = [...record.subarray(6, 12)];
  while (constraints.at(-1) === 0) constraints.pop();
  const parts = [`${space}${first & 0x1f}`, compatibility.toString(16), `${tier}${record.readUInt8(12)}`];
  return ['hvc1', ...parts, ...constraints.map((byte) => byte.toString(16))].join('.');
}
