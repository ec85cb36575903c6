import type { HealthStatus, SourceHealth } from '../health.js';

/** A camera and its verdict; `null` where its source could not say. */
export interface Judged {
  cameraId: string;
  health: Pick<SourceHealth, 'status' | 'reason'> | null;
}

/** What `/readyz` answers. */
export interface ReadyReport {
  ready: boolean;
  /** In words. */
  reason: string;
  /** How many cameras are in which state; `unknown` could not say. */
  counts: Partial<Record<HealthStatus | 'unknown', number>>;
  /** Those whose frames do not flow. Absent where a token is asked for and was not shown. */
  notFlowing?: { cameraId: string; status: HealthStatus | 'unknown'; reason: string }[];
}

/** What the question is about. */
export interface ReadyQuestion {
  isClosing: boolean;
  /** Only the cameras of one name are asked about. */
  isNamed: boolean;
}

/**
 * Whether frames flow: of one camera at least, or all are merely silent. Sources that were stopped, or ended, are not waited for.
 */
export function readinessOf(
  cameras: readonly Judged[],
  { isClosing, isNamed }: ReadyQuestion,
): Required<ReadyReport> {
  const all = cameras.map(({ cameraId, health }) => ({
    cameraId,
    status: health?.status ?? ('unknown' as const),
    reason: health?.reason ?? 'could not be asked',
  }));
  const counts: ReadyReport['counts'] = {};
  for (const { status } of all) counts[status] = (counts[status] ?? 0) + 1;
  const left = all.length - (counts.stopped ?? 0);
  const verdict = (ready: boolean, reason: string): Required<ReadyReport> => ({
    ready,
    reason,
    counts,
    notFlowing: all.filter(({ status }) => status !== 'flowing'),
  });
  if (isClosing) return verdict(false, 'the server closes');
  if (isNamed && all.length === 0) return verdict(false, 'there is no camera of this name');
  if (left === 0) return verdict(false, 'no source is left');
  if (counts.flowing) return verdict(true, `frames of ${counts.flowing} of ${left} cameras flow`);
  if (counts.idle === left) return verdict(true, 'the cameras send nothing');
  return verdict(false, 'no frames flow');
}
