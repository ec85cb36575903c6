import type { ClipOptions } from '../../clip.js';
import type { InitDamage } from '../init-damage.js';
import { atOpening, type CatalogueFault, inGroup, onlyMp4 } from './entry.js';

const fault = inGroup('init');

/** What another camera shows: other size, so other codec data. */
export const otherPictures: ClipOptions = {
  width: 480,
  height: 270,
  fps: 20,
  fragmentSeconds: 0.5,
  seconds: 10,
};

/** The init section is damaged: the first time it is asked for, or always. */
const damaged = (name: string, summary: string, damage: InitDamage): CatalogueFault[] => [
  fault(
    name,
    `${summary}, once.`,
    [
      {
        when: { resource: 'init', requests: { from: 1, count: 1 } },
        what: { type: 'damage-init', damage },
      },
    ],
    { ...atOpening, ...onlyMp4 },
  ),
  fault(
    `${name}-always`,
    `${summary}, each time it is asked for.`,
    [{ when: { resource: 'init' }, what: { type: 'damage-init', damage } }],
    { ...atOpening, ...onlyMp4 },
  ),
];

export const initFaults = [
  fault(
    'init-missing',
    'For four seconds the init section is answered 404.',
    [{ when: { resource: 'init', untilMs: 4_000 }, what: { type: 'refuse', status: 404 } }],
    { ...atOpening, ...onlyMp4 },
  ),
  ...damaged('init-truncated', 'The init section ends after two thirds', { type: 'truncated' }),
  ...damaged('init-empty', 'The init section has no bytes', { type: 'empty' }),
  ...damaged('init-without-codec-data', 'The init section has an empty codec box', { type: 'no-codec-data' }),
  fault('init-changed', 'Another camera takes over: other size, other codec data, another init section.', [
    { when: { atMs: 0 }, what: { type: 'start-camera', pictures: otherPictures } },
  ]),
  fault(
    'init-changed-under-same-url',
    'Another camera takes over, and its init section replaces the old one under the same URL.',
    [
      {
        when: { resource: 'playlist' },
        what: { type: 'edit-playlist', edit: { type: 'map-unnumbered' } },
      },
      { when: { atMs: 1_500 }, what: { type: 'start-camera', pictures: otherPictures } },
    ],
    onlyMp4,
  ),
];
