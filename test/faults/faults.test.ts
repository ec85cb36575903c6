import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { faultByName, faultCatalogue, prepareClip } from '../../lib/simulator/index';
import { CapturedOutput } from '../support/captured-output';
import { ROOT } from '../support/child';
import { SLOWNESS } from '../support/sanitizer';
import { Secrets } from '../support/secrets';
import { accountOf } from './account';
import { expectationOf, namedExpectations } from './expectations/index';
import { verdictOn } from './judge';
import { PICTURE_MS, PICTURES, runFault, type Container, type RowRecord } from './run-fault';

/** For one row: its own deadline, and the wait for a processor. */
const ROW_TIMEOUT_MS = 150_000 * SLOWNESS;
const RESULTS = join(ROOT, 'build', 'faults.json');

const rows = faultCatalogue.flatMap((fault) =>
  fault.containers.map((container) => ({ name: fault.name, container })),
);
const results: unknown[] = [];
/** Of all rows. */
const secrets = new Secrets();
let output: CapturedOutput;

/** What the table of faults is made from. */
function result(row: RowRecord, seconds: number): unknown {
  const { fault, container, gaps, phases, reconnects, mediaFaults, error, controlCalls, health, log } = row;
  const { does, means, todo } = expectationOf(fault.name);
  const { picturesMissing, ...account } = accountOf(row, expectationOf(fault.name));
  return {
    ...{ name: fault.name, group: fault.group, summary: fault.summary, startsAt: fault.startsAt, container },
    ...{ does, means, todo, phases, reconnects, mediaFaults, error, controlCalls, log, seconds },
    ...{ health: health.status, framesLost: picturesMissing, lostMs: picturesMissing * PICTURE_MS },
    ...account,
    gaps: gaps.map(({ cause, ms, recovered }) => ({ cause, ms, recovered })),
  };
}

beforeAll(async () => {
  output = new CapturedOutput();
  // Made once, not by each of the rows that begin together.
  await prepareClip(PICTURES);
  for (const { what } of faultByName('init-changed').script.rows) {
    if (what.type === 'start-camera' && what.pictures !== undefined) await prepareClip(what.pictures);
  }
}, 60_000);

afterAll(() => {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const told = JSON.stringify(results, null, 1);
  writeFileSync(RESULTS, told);
  // Which row it was its own verdict tells, unless nothing but the console and the channels had it.
  expect(secrets.findIn(`${output.end()}\n${told}`)).toEqual([]);
});

describe('every fault of the catalogue', () => {
  it('has its expectation, and every expectation its fault', () => {
    for (const { name } of faultCatalogue) expect(expectationOf(name).does).not.toBe('');
    for (const name of namedExpectations) expect(faultByName(name).name).toBe(name);
  });

  it.concurrent.each(rows.map((row) => [row.name, row.container] as [string, Container]))(
    '%s in %s leads to what it should',
    async (name, container) => {
      const expected = expectationOf(name);
      const startedAtMs = Date.now();
      const row = await runFault(faultByName(name), container, expected.settings);
      secrets.addAll(row.secrets);
      results.push(result(row, (Date.now() - startedAtMs) / 1000));
      expect(verdictOn(row, expected, SLOWNESS)).toEqual([]);
    },
    ROW_TIMEOUT_MS,
  );
});
