import type { GapCause } from '../../lib/index';
import { accountOf, violations } from './account';
import type { Expectation, Range } from './expectations/expectation';
import { PICTURE_MS, type RowRecord } from './run-fault';

const nothing: Range = [0, 0];
const defaultRecoveryMs = 3_000;

/** Everything about a row that is not as it must be; empty if it is. `slowness`: how many times longer recovering may take. */
export function verdictOn(row: RowRecord, expected: Expectation, slowness = 1): string[] {
  const account = accountOf(row, expected);
  const { lostMs = nothing, silentMs = nothing, calls = nothing, ends, unlisted } = expected;
  const told = Object.keys(account.ledgerMs) as GapCause[];
  const causes = told.filter((cause) => cause !== 'producer' || unlisted === true);
  const isTold = row.error === null;
  const unexpected = causes.filter((cause) => expected.causes?.includes(cause) !== true);
  return [
    ...violations(row, expected),
    ...(row.isOverdue ? ['all was not well again in time'] : []),
    ...(row.window === null ? ['the fault did not happen'] : []),
    ...outside('media lost', account.picturesMissing * PICTURE_MS, lostMs),
    ...(isTold && unexpected.length > 0 ? [`media was lost to ${unexpected.join(', ')}`] : []),
    ...(unlisted === true ? [] : outside('silence', account.ledgerMs.producer ?? 0, silentMs)),
    ...outside('control calls', row.controlCalls, calls),
    ...endViolations(row, ends),
    ...phaseViolations(row, expected),
    ...(ends === undefined && expected.settings?.watchMs === undefined
      ? outside('recovery ms', account.recoveryMs ?? Infinity, [
          0,
          (expected.recoveryMs ?? defaultRecoveryMs) * slowness,
        ])
      : []),
  ];
}

function outside(what: string, value: number, [from, to]: Range): string[] {
  return value >= from && value <= to ? [] : [`${what}: ${value}, expected ${from} to ${to}`];
}

function endViolations({ error }: RowRecord, ends: Expectation['ends']): string[] {
  const seen = error === null ? 'no error' : `${error.code} of ${error.cause ?? 'nothing'}: ${error.message}`;
  if (ends === undefined) return error === null ? [] : [`ended with ${seen}`];
  const isRight = error?.code === ends.code && (ends.cause === undefined || error.cause === ends.cause);
  return isRight ? [] : [`ended with ${seen}, expected ${ends.code} of ${ends.cause ?? 'anything'}`];
}

function phaseViolations({ phases, health }: RowRecord, expected: Expectation): string[] {
  const seen = phases.join(' ');
  const wanted = expected.phases ?? /^connecting connected$/;
  const status = expected.health ?? (expected.ends === undefined ? 'flowing' : 'failed');
  return [
    ...(wanted.test(seen) ? [] : [`phases: ${seen}, expected ${wanted.source}`]),
    ...(health.status === status ? [] : [`health: ${health.status}, expected ${status}`]),
  ];
}
