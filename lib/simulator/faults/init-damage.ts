import { boxAt, boxesOf } from '../mp4-boxes.js';

/** What is wrong with an init section. */
export type InitDamage =
  | { readonly type: 'truncated' }
  /** Its codec data (`avcC`, `hvcC`) is an empty box. */
  | { readonly type: 'no-codec-data' }
  | { readonly type: 'empty' };

const visualSampleEntryBytes = 78;

/** A damaged copy of an init section. */
export function damageInit(bytes: Buffer, damage: InitDamage): Buffer {
  switch (damage.type) {
    case 'empty':
      return Buffer.alloc(0);
    case 'truncated':
      return bytes.subarray(0, Math.floor((bytes.length * 2) / 3));
    case 'no-codec-data':
      return withoutCodecData(bytes);
  }
}

/** The record becomes a `free` box of the same length behind an empty codec box, so that no other length changes. */
function withoutCodecData(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const descriptions = boxAt(copy, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd']);
  const entry = boxesOf(copy, descriptions.body + 8, descriptions.end)[0]!;
  const record = boxesOf(copy, entry.body + visualSampleEntryBytes, entry.end).find(
    (box) => box.type === 'avcC' || box.type === 'hvcC',
  )!;
  copy.fill(0, record.body, record.end);
  copy.writeUInt32BE(8, record.start);
  copy.writeUInt32BE(record.end - record.start - 8, record.body);
  copy.write('free', record.body + 4, 'latin1');
  return copy;
}
