import type { FragmentContents, Sample } from './mp4-fragment.js';
import type { InitSection } from './mp4-init.js';

const packetBytes = 188;
const patPid = 0;
const pmtPid = 0x1000;
const videoPid = 0x100;
const videoStreamId = 0xe0;
const h264StreamType = 0x1b;
const timeWrap = 2 ** 33;
/** How far times run ahead of the program clock: 0.7 s, the usual muxer delay. */
const clockLeadTicks = 63_000;
const startCode = Buffer.from([0, 0, 0, 1]);
const accessUnitDelimiter = Buffer.from([0, 0, 0, 1, 9, 0xf0]);
const delimiterNalType = 9;

/**
 * Writes an H.264 fragment as MPEG-TS: PAT, PMT, one PES packet per picture, in Annex B form with the
 * parameter sets before each key frame.
 *
 * Each fragment stands alone, so the first packet of each PID is marked as a discontinuity rather than
 * having its continuity counter depend on what was sent before.
 *
 * @param startTicks decode time of the first sample, in ticks of the init section's timescale
 */
export function muxTransportStream(
  init: InitSection,
  fragment: FragmentContents,
  startTicks: number,
): Buffer {
  const writer = new PacketWriter();
  writer.section(patPid, programAssociation);
  writer.section(pmtPid, programMap);
  const delayTicks = Math.max(0, ...fragment.samples.map((sample) => -sample.compositionTicks));
  const to90kHz = (ticks: number): number => Math.round((ticks * 90_000) / init.timescale);
  for (const sample of fragment.samples) {
    const decodeTicks = startTicks + sample.decodeTicks;
    // All presentation times move by one constant, since MPEG-TS forbids them to lie before decoding.
    const shown = to90kHz(decodeTicks + sample.compositionTicks + delayTicks) + clockLeadTicks;
    const decoded = to90kHz(decodeTicks) + clockLeadTicks;
    writer.accessUnit(
      pesHeader(shown, decoded),
      annexB(init, sample),
      decoded - clockLeadTicks,
      sample.isKey,
    );
  }
  return writer.bytes();
}

/** NAL units with start codes instead of lengths, a delimiter first, parameter sets before key frames. */
function annexB(init: InitSection, sample: Sample): Buffer {
  const parts: Buffer[] = [accessUnitDelimiter];
  if (sample.isKey) for (const set of init.parameterSets) parts.push(startCode, set);
  const { data } = sample;
  for (let at = 0; at + init.nalLengthBytes <= data.length;) {
    const size = data.readUIntBE(at, init.nalLengthBytes);
    at += init.nalLengthBytes;
    const nal = data.subarray(at, at + size);
    at += size;
    if (nal.length > 0 && (nal[0]! & 0x1f) !== delimiterNalType) parts.push(startCode, nal);
  }
  return Buffer.concat(parts);
}

function pesHeader(shownTicks: number, decodedTicks: number): Buffer {
  const header = Buffer.alloc(19);
  header.writeUInt32BE(0x100 | videoStreamId, 0);
  header[6] = 0x80;
  header[7] = 0xc0;
  header[8] = 10;
  writeTime(header, 9, 0x3, shownTicks);
  writeTime(header, 14, 0x1, decodedTicks);
  return header;
}

function wrapped(ticks: number): number {
  return ((ticks % timeWrap) + timeWrap) % timeWrap;
}

/** A 33-bit time in five bytes with marker bits, as PES headers have it. */
function writeTime(into: Buffer, at: number, prefix: number, ticks: number): void {
  const time = wrapped(ticks);
  const high = Math.floor(time / 2 ** 30);
  const middle = Math.floor(time / 2 ** 15) & 0x7fff;
  const low = time & 0x7fff;
  into[at] = (prefix << 4) | (high << 1) | 1;
  into.writeUInt16BE((middle << 1) | 1, at + 1);
  into.writeUInt16BE((low << 1) | 1, at + 3);
}

class PacketWriter {
  readonly #packets: Buffer[] = [];
  readonly #counters = new Map<number, number>();

  bytes(): Buffer {
    return Buffer.concat(this.#packets);
  }

  section(pid: number, section: Buffer): void {
    this.#packet(pid, Buffer.concat([Buffer.from([0]), section]), 0, { isStart: true, padding: 0xff });
  }

  accessUnit(header: Buffer, data: Buffer, clockTicks: number, isKey: boolean): void {
    const payload = Buffer.concat([header, data]);
    let at = this.#packet(videoPid, payload, 0, { isStart: true, clockTicks, isKey });
    while (at < payload.length) at = this.#packet(videoPid, payload, at, {});
  }

  /** Writes one packet from `payload` at `from`; answers where the next one goes on. */
  #packet(
    pid: number,
    payload: Buffer,
    from: number,
    how: { isStart?: boolean; clockTicks?: number; isKey?: boolean; padding?: number },
  ): number {
    const last = this.#counters.get(pid);
    const counter = last === undefined ? 0 : (last + 1) & 0xf;
    this.#counters.set(pid, counter);
    const packet = Buffer.alloc(packetBytes, 0xff);
    packet[0] = 0x47;
    packet.writeUInt16BE((how.isStart === true ? 0x4000 : 0) | pid, 1);

    const flags =
      (last === undefined ? 0x80 : 0) |
      (how.isKey === true ? 0x40 : 0) |
      (how.clockTicks === undefined ? 0 : 0x10);
    let fieldBytes = flags === 0 ? 0 : how.clockTicks === undefined ? 2 : 8;
    const left = payload.length - from;
    // Sections are padded after their end, elementary streams inside the adaptation field.
    if (how.padding === undefined) fieldBytes = Math.max(fieldBytes, packetBytes - 4 - left);
    packet[3] = (fieldBytes > 0 ? 0x30 : 0x10) | counter;
    if (fieldBytes > 0) packet[4] = fieldBytes - 1;
    if (fieldBytes > 1) packet[5] = flags;
    if (how.clockTicks !== undefined) writeClock(packet, 6, how.clockTicks);
    const taken = Math.min(left, packetBytes - 4 - fieldBytes);
    payload.copy(packet, 4 + fieldBytes, from, from + taken);
    this.#packets.push(packet);
    return from + taken;
  }
}

/** A program clock reference: 33 bits at 90 kHz, six reserved ones, nine of a 27 MHz extension (zero). */
function writeClock(into: Buffer, at: number, ticks: number): void {
  const time = wrapped(ticks);
  into.writeUInt32BE(Math.floor(time / 2), at);
  into[at + 4] = ((time % 2) << 7) | 0x7e;
  into[at + 5] = 0;
}

const programAssociation = withChecksum([
  0x00,
  0xb0,
  0x0d,
  0x00,
  0x01,
  0xc1,
  0x00,
  0x00,
  0x00,
  0x01,
  0xe0 | (pmtPid >> 8),
  pmtPid & 0xff,
]);

const programMap = withChecksum([
  0x02,
  0xb0,
  0x12,
  0x00,
  0x01,
  0xc1,
  0x00,
  0x00,
  0xe0 | (videoPid >> 8),
  videoPid & 0xff,
  0xf0,
  0x00,
  h264StreamType,
  0xe0 | (videoPid >> 8),
  videoPid & 0xff,
  0xf0,
  0x00,
]);

/** Appends the CRC-32 of ISO 13818-1 annex A (polynomial 04C11DB7, not reflected). */
function withChecksum(section: readonly number[]): Buffer {
  let crc = 0xffffffff;
  for (const byte of section) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  const whole = Buffer.from([...section, 0, 0, 0, 0]);
  whole.writeUInt32BE(crc >>> 0, section.length);
  return whole;
}
