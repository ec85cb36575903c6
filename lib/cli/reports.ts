import type { CallCount } from '../session/call-counts.js';
import type { Report } from './report.js';

/** What many cameras' reports say together, and each by itself. */
export interface CamerasReport extends Report {
  cameras: readonly Report[];
}

/** What is a sum over the cameras. */
const SUMMED = [
  'skippedFrames',
  'repeatedFrames',
  'renewals',
  'reconnects',
  'urlRefreshes',
  'errors',
  'gaps',
  'gapSeconds',
  'recoveredSeconds',
  'fetchedBytes',
  'snapshots',
  'snapshotErrors',
] as const satisfies (keyof Report)[];

function sumOf<Cause extends string>(
  parts: readonly Partial<Record<Cause, number>>[],
): Partial<Record<Cause, number>> {
  const sums: Partial<Record<Cause, number>> = {};
  for (const [cause, value] of parts.flatMap((part) => Object.entries<number | undefined>(part))) {
    sums[cause as Cause] = (sums[cause as Cause] ?? 0) + (value ?? 0);
  }
  return sums;
}

function callsOf(reports: readonly Report[]): CallCount[] {
  const sums = new Map<string, CallCount>();
  for (const call of reports.flatMap(({ calls }) => calls)) {
    const key = JSON.stringify([call.api, call.result]);
    sums.set(key, { ...call, count: call.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}

/** A report with the sums of its parts. Frames, ages and times stay its own. */
export function summed(report: Report, parts: readonly Report[]): Report {
  const sums = Object.fromEntries(
    SUMMED.map((name) => [name, parts.reduce((sum, part) => sum + part[name], 0)]),
  );
  return {
    ...report,
    ...sums,
    gapSecondsByCause: sumOf(parts.map(({ gapSecondsByCause }) => gapSecondsByCause)),
    gapsByCause: sumOf(parts.map(({ gapsByCause }) => gapsByCause)),
    droppedFramesByCause: sumOf(parts.map(({ droppedFramesByCause }) => droppedFramesByCause)),
    calls: callsOf(parts),
  };
}

/** Capture time and rate of all cameras: their times lie beside one another, not one after the other. */
export function together(cameras: readonly Report[]): Pick<Report, 'seconds' | 'fps'> {
  return {
    seconds: Math.max(0, ...cameras.map(({ seconds }) => seconds)),
    fps: cameras.reduce((sum, { fps }) => sum + fps, 0),
  };
}
