import { boxAt, boxesOf } from '../mp4-boxes.js';

/** What is wrong with a fragment's bytes. */
export type FragmentDamage =
  /** Ends after two thirds; `Content-Length` says so too. */
  | { readonly type: 'truncated' }
  /** One bit in the coded pictures is the other way round. */
  | { readonly type: 'bit-flipped' }
  /** All boxes, or all packets, are right; of the coded pictures nothing is left. */
  | { readonly type: 'no-pictures' }
  | { readonly type: 'empty' }
  /** Valid, with filling up to so many bytes. */
  | { readonly type: 'padded'; readonly toBytes: number }
  /** `moof` without its `mdat`; only in fMP4. */
  | { readonly type: 'only-moof' };

const packetBytes = 188;
const nullPid = 0x1fff;
const videoPid = 0x100;
/** Header of a PES packet as the simulator's muxer writes it. */
const pesHeaderBytes = 19;
/** Where in the coded pictures a bit is turned: far enough in to be picture data rather than a header. */
const flippedShare = 0.5;

/** A damaged copy of a fragment. Throws `Mp4Error` where it is not one that the simulator serves. */
export function damageFragment(bytes: Buffer, isTransportStream: boolean, damage: FragmentDamage): Buffer {
  switch (damage.type) {
    case 'empty':
      return Buffer.alloc(0);
    case 'truncated':
      // In TS not at the end of a packet, as chance has it.
      return bytes.subarray(0, Math.floor((bytes.length * 2) / 3 / packetBytes) * packetBytes + 100);
    case 'only-moof': {
      const moof = boxAt(bytes, ['moof']);
      return bytes.subarray(0, moof.end);
    }
    case 'padded':
      return isTransportStream ? withNullPackets(bytes, damage.toBytes) : withFreeBox(bytes, damage.toBytes);
    case 'bit-flipped':
      return onPictures(bytes, isTransportStream, (copy, ranges) => {
        const [start, end] = ranges[Math.floor(ranges.length * flippedShare)]!;
        const at = start + Math.floor((end - start) * flippedShare);
        copy[at] = copy[at]! ^ 0x10;
      });
    case 'no-pictures':
      return onPictures(bytes, isTransportStream, (copy, ranges) => {
        for (const [start, end] of ranges) copy.fill(0xff, start, end);
      });
  }
}

type Range = readonly [start: number, end: number];

function onPictures(
  bytes: Buffer,
  isTransportStream: boolean,
  change: (copy: Buffer, ranges: readonly Range[]) => void,
): Buffer {
  const copy = Buffer.from(bytes);
  change(copy, isTransportStream ? videoPayloads(copy) : mediaData(copy));
  return copy;
}

function mediaData(bytes: Buffer): Range[] {
  return boxesOf(bytes)
    .filter((box) => box.type === 'mdat')
    .map((box) => [box.body, box.end]);
}

/** Where in each packet of the video its coded bytes are. */
function videoPayloads(bytes: Buffer): Range[] {
  const ranges: Range[] = [];
  for (let at = 0; at + packetBytes <= bytes.length; at += packetBytes) {
    if ((bytes.readUInt16BE(at + 1) & 0x1fff) !== videoPid) continue;
    const hasField = (bytes[at + 3]! & 0x20) !== 0;
    const isStart = (bytes[at + 1]! & 0x40) !== 0;
    const start = at + 4 + (hasField ? bytes[at + 4]! + 1 : 0) + (isStart ? pesHeaderBytes : 0);
    if (start < at + packetBytes) ranges.push([start, at + packetBytes]);
  }
  return ranges;
}

function withFreeBox(bytes: Buffer, toBytes: number): Buffer {
  const free = Buffer.alloc(Math.max(8, toBytes - bytes.length));
  free.writeUInt32BE(free.length, 0);
  free.write('free', 4, 'latin1');
  return Buffer.concat([bytes, free]);
}

function withNullPackets(bytes: Buffer, toBytes: number): Buffer {
  const count = Math.max(1, Math.floor((toBytes - bytes.length) / packetBytes));
  const packet = Buffer.alloc(packetBytes, 0xff);
  packet[0] = 0x47;
  packet.writeUInt16BE(nullPid, 1);
  packet[3] = 0x10;
  return Buffer.concat([bytes, Buffer.alloc(count * packetBytes, packet)]);
}
