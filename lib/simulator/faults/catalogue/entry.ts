import type { SessionParameters } from '../../session-parameters.js';
import type { FaultRow, FaultScript } from '../script.js';

export type FaultGroup =
  'session' | 'refusal' | 'connection' | 'playlist' | 'fragment' | 'init' | 'camera' | 'clock';

/** One fault of the catalogue. */
export interface CatalogueFault {
  /** In kebab case; the script's name. */
  readonly name: string;
  readonly group: FaultGroup;
  /** One sentence; the script's summary. */
  readonly summary: string;
  readonly script: FaultScript;
  /** The containers in which it means something. */
  readonly containers: readonly SessionParameters['container'][];
  /** Whether its script is set before a reader's first request, or while it plays. */
  readonly startsAt: 'opening' | 'playing';
}

const both = ['FRAGMENTED_MP4', 'MPEG_TS'] as const;

/** A maker of a group's entries. */
export function inGroup(group: FaultGroup) {
  return (
    name: string,
    summary: string,
    rows: readonly FaultRow[],
    but: Partial<Pick<CatalogueFault, 'containers' | 'startsAt'>> = {},
  ): CatalogueFault => ({
    name,
    group,
    summary,
    script: { name, summary, rows },
    containers: both,
    startsAt: 'playing',
    ...but,
  });
}

export const onlyMp4 = { containers: ['FRAGMENTED_MP4'] } as const;
export const atOpening = { startsAt: 'opening' } as const;
