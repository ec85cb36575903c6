import type { FragmentDamage } from '../fragment-damage.js';
import { type CatalogueFault, inGroup, onlyMp4 } from './entry.js';

const fault = inGroup('fragment');
const one = { from: 1, count: 1 };
const once = { from: 1, count: 1 };
const mib = 2 ** 20;

/** One fragment is damaged: the first time it is asked for, or always. */
const damaged = (
  name: string,
  summary: string,
  damage: FragmentDamage,
  but: Partial<Pick<CatalogueFault, 'containers'>> = {},
): CatalogueFault[] => [
  fault(
    name,
    `${summary}; asked for again, it is whole.`,
    [
      {
        when: { resource: 'fragment', fragments: one, requests: once },
        what: { type: 'damage-fragment', damage },
      },
    ],
    but,
  ),
  fault(
    `${name}-always`,
    `${summary}, each time it is asked for.`,
    [{ when: { resource: 'fragment', fragments: one }, what: { type: 'damage-fragment', damage } }],
    but,
  ),
];

const large = (name: string, summary: string, toBytes: number): CatalogueFault =>
  fault(name, summary, [
    {
      when: { resource: 'fragment', fragments: one },
      what: { type: 'damage-fragment', damage: { type: 'padded', toBytes } },
    },
  ]);

export const fragmentFaults = [
  fault('fragment-missing', 'A fragment is listed, but is answered 404 each time.', [
    { when: { resource: 'fragment', fragments: one }, what: { type: 'refuse', status: 404 } },
  ]),
  fault('three-fragments-missing', 'Three fragments in a row are listed, but are answered 404 each time.', [
    {
      when: { resource: 'fragment', fragments: { from: 1, count: 3 } },
      what: { type: 'refuse', status: 404 },
    },
  ]),
  fault(
    'fragment-repeated',
    'The camera sends a fragment twice: another number, the same date and pictures.',
    [{ when: { atMs: 100 }, what: { type: 'repeat-fragment' } }],
  ),
  ...damaged('fragment-truncated', 'A fragment ends after two thirds, and Content-Length says so', {
    type: 'truncated',
  }),
  ...damaged('fragment-bit-flipped', 'One bit of a fragment’s coded pictures is wrong', {
    type: 'bit-flipped',
  }),
  ...damaged('fragment-without-pictures', 'A fragment is well formed, but its coded pictures are destroyed', {
    type: 'no-pictures',
  }),
  ...damaged('fragment-empty', 'A fragment has no bytes', { type: 'empty' }),
  ...damaged('fragment-only-moof', 'A fragment has its header, but no media', { type: 'only-moof' }, onlyMp4),
  fault('fragments-undecodable-forever', 'From now on no fragment has a picture that can be decoded.', [
    {
      when: { resource: 'fragment', fragments: { from: 1 } },
      what: { type: 'damage-fragment', damage: { type: 'no-pictures' } },
    },
  ]),
  large('fragment-50mb', 'A fragment has 50 MB, the most that AWS takes in.', 50_000_000),
  large('fragment-70mb', 'A fragment has 70 MiB, more than the reader takes.', 70 * mib),
];
