// npm run test:soak -- MINUTES [--seed TEXT] [--out PATH] [--write]: cameras under a random mixture of faults for so long; see
// docs/reliability.md, of which --write replaces the last report. The seed makes the mixture; it is printed.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { transformFileSync } from '@swc/core';
import { fail } from './step.mjs';
import { root, setup } from './setup.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    out: { type: 'string', default: join(root, 'build', 'soak.json') },
    write: { type: 'boolean', default: false },
  },
});
const minutes = Number(positionals[0] ?? 3);
if (!(minutes >= 3 && minutes <= 1440))
  fail('Usage: npm run test:soak -- MINUTES (3–1440) [--seed TEXT] [--write]');

/**
 * All that a run needs in a folder of its own, compiled: it goes on for an hour, and the working tree may be built meanwhile.
 * Lies in the tree, so that packages are found.
 */
function stage() {
  const folder = join(root, 'build', 'soak', String(process.pid));
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'lib', 'monitor', 'page'), join(folder, 'dist', 'monitor', 'page'), { recursive: true });
  symlinkSync('dist', join(folder, 'lib'));
  mkdirSync(join(folder, 'build', 'Release'), { recursive: true });
  const addon = join('build', 'Release', 'kvs_frames.node');
  cpSync(join(root, addon), join(folder, addon));
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  const [, { jsc, module }] = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).jest.transform[
    '^.+\\.ts$'
  ];
  for (const from of ['test/soak', 'test/faults']) {
    mkdirSync(join(folder, from), { recursive: true });
    for (const name of readdirSync(join(root, from))) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const { code } = transformFileSync(join(root, from, name), { jsc, module, swcrc: false });
      writeFileSync(join(folder, from, name.replace(/\.ts$/, '.js')), code);
    }
  }
  return folder;
}

await setup({ camera: true });
const folder = stage();
try {
  const require = createRequire(join(folder, 'test', 'soak', 'soak.js'));
  const { runSoak } = require('./soak.js');
  const { reportOf } = require('./report.js');
  console.log(`Soak of ${minutes} min, seed ${values.seed}`);
  const result = await runSoak({ minutes, seed: values.seed, say: (line) => console.log(`  ${line}`) });
  writeFileSync(values.out, JSON.stringify(result, null, 1));
  const report = reportOf(result);
  console.log(`\n${report}`);
  if (values.write) writeReport(report);
  process.exitCode = result.violationCount === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Puts the report between its marks in docs/reliability.md. */
function writeReport(report) {
  const path = join(root, 'docs', 'reliability.md');
  const marks = /(<!-- soak report -->\n)[^]*(<!-- end of soak report -->)/;
  const text = readFileSync(path, 'utf8');
  if (!existsSync(path) || !marks.test(text)) fail(`${path} has no marks for the report`);
  writeFileSync(
    path,
    text.replace(marks, (_, from, to) => `${from}\n${report}\n${to}`),
  );
}
