// npm test: makes the clone ready, then runs every suite: native (ctest), types, jest's unit, integration and lifecycle,
// and, by itself, the faults, whose rows mostly wait. `npm test -- ARGS` runs jest alone with ARGS.
import { readFileSync, mkdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { ensureNativeTests, root, setup } from './setup.mjs';
import { foreground } from './step.mjs';

process.chdir(root);
/** Rows that wait side by side. */
const faultSuite = ['--maxConcurrency', '16', 'test/faults'];
const jestArguments = process.argv.slice(2);
await setup({ camera: true });
await ensureNativeTests();
mkdirSync('build', { recursive: true });

const failed = [];
let passedCount = 0;
let failedCount = 0;
let skippedCount = 0;

if (jestArguments.length === 0) {
  console.log('- Native tests');
  const ctest = spawnSync(
    'ctest',
    ['--test-dir', 'build/native-tests', '--output-on-failure', '--timeout', '120'],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  process.stdout.write(ctest.stdout);
  const counts = /(\d+) tests? failed out of (\d+)/.exec(ctest.stdout);
  failedCount += Number(counts?.[1] ?? 0);
  passedCount += Number(counts?.[2] ?? 0) - Number(counts?.[1] ?? 0);
  if (ctest.status !== 0) failed.push('native');

  console.log('- Types');
  const tsc = await foreground('node_modules/.bin/tsc', ['-p', 'test/tsconfig.json']);
  if (tsc === 0) passedCount += 1;
  else {
    failedCount += 1;
    failed.push('types');
  }
}

/** Runs jest and counts its tests. */
async function jest(title, args) {
  console.log(`- ${title}`);
  const outcome = await foreground('node_modules/.bin/jest', [
    '--json',
    '--outputFile=build/jest.json',
    ...args,
  ]);
  if (outcome !== 0) failed.push(title.toLowerCase());
  const report = JSON.parse(readFileSync('build/jest.json', 'utf8'));
  passedCount += report.numPassedTests;
  failedCount += report.numFailedTests + report.numRuntimeErrorTestSuites;
  skippedCount += report.numPendingTests;
}

if (jestArguments.length > 0) await jest('Jest', jestArguments);
else {
  await jest('Unit, integration, lifecycle', ['--testPathIgnorePatterns', 'test/faults']);
  await jest('Faults', faultSuite);
}

if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
console.log(`${passedCount} passed, ${failedCount} failed, ${skippedCount} skipped`);
process.exitCode = failed.length === 0 ? 0 : 1;
