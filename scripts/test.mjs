// npm test: makes the clone ready, then runs every suite: native (ctest), types, jest's unit, integration and lifecycle,
// and, each by itself, the faults, whose rows mostly wait, and a short soak. `npm test -- ARGS` runs jest alone with ARGS.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
  const report = join(root, 'build', 'ctest.xml');
  rmSync(report, { force: true });
  const options = ['--output-on-failure', '--timeout', '120', '--output-junit', report];
  const ctest = await foreground('ctest', ['--test-dir', 'build/native-tests', ...options]);
  const suite = existsSync(report) ? readFileSync(report, 'utf8') : '';
  const numberOf = (name) => Number(new RegExp(`<testsuite[^>]*\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  failedCount += numberOf('failures');
  passedCount += numberOf('tests') - numberOf('failures');
  if (ctest !== 0) failed.push('native');

  console.log('- Types');
  for (const project of ['test/tsconfig.json', 'lib/monitor/page/tsconfig.json']) {
    if ((await foreground('node_modules/.bin/tsc', ['-p', project])) === 0) {
      passedCount += 1;
      continue;
    }
    failedCount += 1;
    failed.push(`types (${project})`);
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
  await jest('Unit, integration, lifecycle', [
    '--testPathIgnorePatterns',
    'test/faults',
    'test/soak/soak.test',
  ]);
  await jest('Faults', faultSuite);
  await jest('Soak', ['test/soak/soak.test']);
}

if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
console.log(`${passedCount} passed, ${failedCount} failed, ${skippedCount} skipped`);
process.exitCode = failed.length === 0 ? 0 : 1;
