import { Mp4Error, boxAt, boxesOf } from './mp4-boxes.js';
import type { InitSection } from './mp4-init.js';

/** One coded picture of a fragment. Times are ticks of the init section's timescale. */
export interface Sample {
  /** Its bytes within the fragment: length-prefixed NAL units. */
  readonly data: Buffer;
  /** Decode time, from the fragment's own first one. */
  readonly decodeTicks: number;
  /** Presentation minus decode time; may be negative. */
  readonly compositionTicks: number;
  readonly durationTicks: number;
  readonly isKey: boolean;
}

/** What a fragment (`moof` + `mdat`) holds. */
export interface FragmentContents {
  /** `tfdt`: decode time of the first sample, as written. */
  readonly decodeTicks: number;
  /** First presentation time minus the first decode time; 0, or negative where pictures lead the key frame. */
  readonly firstPresentationTicks: number;
  /** End of the last picture minus the start of the first one, in presentation order. */
  readonly durationTicks: number;
  /** In decode order. */
  readonly samples: readonly Sample[];
}

const sampleIsNotSync = 0x10000;

/** Reads a fragment. Throws {@link Mp4Error} where its boxes don't add up. */
export function parseFragment(init: InitSection, bytes: Buffer): FragmentContents {
  const moof = boxAt(bytes, ['moof']);
  const traf = boxAt(bytes, ['traf'], moof);
  const tfdt = boxAt(bytes, ['tfdt'], traf);
  if (bytes[tfdt.body] !== 1) throw new Mp4Error('the tfdt box is not of version 1');
  const decodeTicks = Number(bytes.readBigUInt64BE(tfdt.body + 4));
  const defaults = fragmentDefaults(init, bytes, boxAt(bytes, ['tfhd'], traf).body);

  const samples: Sample[] = [];
  let elapsed = 0;
  for (const trun of boxesOf(bytes, traf.body, traf.end).filter((box) => box.type === 'trun')) {
    const flags = bytes.readUInt32BE(trun.body) & 0xffffff;
    const count = bytes.readUInt32BE(trun.body + 4);
    if ((flags & 0x1) === 0) throw new Mp4Error('a trun box has no data offset');
    let dataAt = moof.start + bytes.readInt32BE(trun.body + 8);
    let at = trun.body + 12;
    const next = (present: number): number | undefined => {
      if ((flags & present) === 0) return undefined;
      at += 4;
      return bytes.readUInt32BE(at - 4);
    };
    const firstFlags = next(0x4);
    for (let n = 0; n < count; n++) {
      const durationTicks = next(0x100) ?? defaults.duration;
      const size = next(0x200) ?? defaults.size;
      const ownFlags = next(0x400);
      const sampleFlags = (n === 0 ? firstFlags : undefined) ?? ownFlags ?? defaults.flags;
      const compositionTicks = (next(0x800) ?? 0) | 0;
      if (dataAt + size > bytes.length) throw new Mp4Error('a sample lies beyond the end of its fragment');
      const isKey = (sampleFlags & sampleIsNotSync) === 0;
      samples.push({
        data: bytes.subarray(dataAt, dataAt + size),
        decodeTicks: elapsed,
        compositionTicks,
        durationTicks,
        isKey,
      });
      dataAt += size;
      elapsed += durationTicks;
    }
  }
  if (samples.length === 0) throw new Mp4Error('the fragment has no samples');
  const starts = samples.map((sample) => sample.decodeTicks + sample.compositionTicks);
  const ends = samples.map((sample, n) => starts[n]! + sample.durationTicks);
  const firstPresentationTicks = Math.min(...starts);
  return {
    decodeTicks,
    firstPresentationTicks,
    durationTicks: Math.max(...ends) - firstPresentationTicks,
    samples,
  };
}

function fragmentDefaults(init: InitSection, bytes: Buffer, tfhd: number): InitSection['sampleDefaults'] {
  const flags = bytes.readUInt32BE(tfhd) & 0xffffff;
  let at = tfhd + 8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4);
  const next = (present: number, otherwise: number): number => {
    if ((flags & present) === 0) return otherwise;
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  return {
    duration: next(0x8, init.sampleDefaults.duration),
    size: next(0x10, init.sampleDefaults.size),
    flags: next(0x20, init.sampleDefaults.flags),
  };
}

/** A copy of the fragment with another sequence number (`mfhd`) and decode time (`tfdt`). */
export function withTimes(bytes: Buffer, sequence: number, decodeTicks: number): Buffer {
  const copy = Buffer.from(bytes);
  const moof = boxAt(copy, ['moof']);
  copy.writeUInt32BE(sequence >>> 0, boxAt(copy, ['mfhd'], moof).body + 4);
  copy.writeBigUInt64BE(BigInt(decodeTicks), boxAt(copy, ['traf', 'tfdt'], moof).body + 4);
  return copy;
}
