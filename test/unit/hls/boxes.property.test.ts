import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HlsStreamError } from '../../../lib/errors.js';
import { boxesOf, checkFragment, checkInit, TS_PACKET_BYTES } from '../../../lib/hls/boxes.js';
import { box, tsBytes } from './media.js';

/** The only error that the walk may answer with. */
function isTruncated(error: unknown): boolean {
  return error instanceof HlsStreamError && error.code === 'HLS_TRUNCATED';
}

function refuses(check: () => unknown): boolean {
  try {
    check();
    return false;
  } catch (error) {
    if (isTruncated(error)) return true;
    throw error;
  }
}

const type = fc.constantFrom('moof', 'mdat', 'moov', 'ftyp', 'styp', 'sidx', 'free', 'uuid');
const otherType = fc.constantFrom('ftyp', 'styp', 'sidx', 'free', 'uuid', 'moof');
/** A size field as a damaged file has it: anything, and what has a meaning of its own. */
const sizeField = fc.oneof(fc.constantFrom(0, 1, 7, 8, 9, 0x7fffffff, 0xffffffff), fc.nat(0xffffffff));

/** A box whose size field need not be true, behind which 64 bits of size may stand. */
const anyBox = fc
  .record({
    type,
    size: sizeField,
    long: fc.bigInt(0n, 2n ** 64n - 1n),
    payload: fc.uint8Array({ maxLength: 40 }),
  })
  .map(({ type: name, size, long, payload }) => {
    const header = Buffer.alloc(16);
    header.writeUInt32BE(size, 0);
    header.write(name, 4, 'latin1');
    header.writeBigUInt64BE(long, 8);
    return Buffer.concat([header.subarray(0, size === 1 ? 16 : 8), payload]);
  });

/** A box of one of these types, with a size that is true. */
const trueBox = (types: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .record({ name: types, payload: fc.uint8Array({ maxLength: 60 }), isLong: fc.boolean() })
    .map(({ name, payload, isLong }) => {
      if (!isLong) return box(name, payload);
      const header = Buffer.alloc(16);
      header.writeUInt32BE(1, 0);
      header.write(name, 4, 'latin1');
      header.writeBigUInt64BE(BigInt(16 + payload.byteLength), 8);
      return Buffer.concat([header, payload]);
    });

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
  fc.array(fc.oneof(anyBox, trueBox(type)), { maxLength: 12 }).map((boxes) => Buffer.concat(boxes)),
);

/** Its `mdat` is its last box, and its only one. */
const wholeFragment = fc
  .tuple(
    fc.array(trueBox(otherType), { maxLength: 4 }),
    fc.array(trueBox(otherType), { maxLength: 4 }),
    trueBox(fc.constant('mdat')),
  )
  .map(([before, between, media]) => Buffer.concat([...before, box('moof', 24), ...between, media]));

describe('the walk over boxes', () => {
  test('answers any bytes with a container or HLS_TRUNCATED', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        if (!refuses(() => checkFragment(bytes))) {
          expect(bytes[0] === 0x47 ? bytes.byteLength % TS_PACKET_BYTES : 0).toBe(0);
        }
        refuses(() => checkInit(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  test('takes at most one step per 8 bytes, and its boxes lie behind one another', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        let boxes = 0;
        let end = 0;
        refuses(() => {
          for (const { payload } of boxesOf(bytes, 'fragment')) {
            boxes += 1;
            const start = payload.byteOffset - bytes.byteOffset;
            expect(start).toBeGreaterThanOrEqual(end + 8);
            end = start + payload.byteLength;
            expect(end).toBeLessThanOrEqual(bytes.byteLength);
          }
          expect(end).toBe(bytes.byteLength);
        });
        expect(boxes).toBeLessThanOrEqual(bytes.byteLength / 8);
      }),
      { numRuns: 1000 },
    );
  });

  test('accepts a whole fragment of fMP4, and refuses it cut at any byte', () => {
    fc.assert(
      fc.property(wholeFragment, fc.nat(), (whole, at) => {
        expect(checkFragment(whole)).toBe('fmp4');
        expect(refuses(() => checkFragment(whole.subarray(0, at % whole.byteLength)))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('refuses MPEG-TS cut inside a packet, or with a packet that lost its sync byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), fc.nat(255), (packets, at, byte) => {
        const whole = tsBytes(packets);
        expect(checkFragment(whole)).toBe('mpegts');
        const length = at % whole.byteLength;
        const isWhole = length > 0 && length % TS_PACKET_BYTES === 0;
        expect(refuses(() => checkFragment(whole.subarray(0, length)))).toBe(!isWhole);
        whole[(at % packets) * TS_PACKET_BYTES] = byte;
        expect(refuses(() => checkFragment(whole))).toBe(byte !== 0x47);
      }),
      { numRuns: 300 },
    );
  });
});
