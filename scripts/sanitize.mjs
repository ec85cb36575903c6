// npm run test:asan, test:ubsan, test:tsan: the native, integration, lifecycle and fault suites with the addon under a
// sanitizer, in build/asan, build/ubsan, build/tsan. `npm run test:asan -- ARGS` runs jest alone with ARGS, e.g. one suite.
//
// The suites run in build/NAME/tree, a copy of the working files with an addon of its own where the package looks for
// it: no hook in the product is needed. Every process of theirs has the sanitizer's runtime preloaded and writes what
// it finds to build/NAME/reports; one report there that is about our code fails the run, whatever became of the process and
// its test.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ensurePrometheus } from './debian.mjs';
import { isOurs, reportsIn } from './sanitizer-reports.mjs';
import { root, setup } from './setup.mjs';
import { fail, foreground, step } from './step.mjs';

/** Exit code of a process in which something was found. */
const FOUND = 66;
/**
 * `flags`: of -fsanitize. `runtime`: what is preloaded. `options`: the variable that the runtime reads, and what it is told;
 * `inNode`: the same beside Node, which is built without sanitizers. `under`: a program that starts all others.
 */
const SANITIZERS = {
  asan: {
    flags: 'address',
    runtime: 'libasan.so',
    variable: 'ASAN_OPTIONS',
    options: [
      `exitcode=${FOUND}`,
      // As without a sanitizer: too little memory is an answer, not a finding.
      'allocator_may_return_null=1',
      'strict_string_checks=1',
      'check_initialization_order=1',
      'detect_stack_use_after_return=1',
    ],
    // V8 gives nothing back when a process ends.
    inNode: ['detect_leaks=0'],
    more: {
      LSAN_OPTIONS: `suppressions=${join(root, 'test', 'sanitize', 'lsan.supp')}:print_suppressions=0`,
    },
  },
  ubsan: {
    flags: 'undefined,float-cast-overflow',
    runtime: 'libubsan.so',
    variable: 'UBSAN_OPTIONS',
    options: [`exitcode=${FOUND}`, 'print_stacktrace=1'],
    inNode: [],
    more: {},
  },
  tsan: {
    flags: 'thread',
    runtime: 'libtsan.so',
    variable: 'TSAN_OPTIONS',
    // Node's and libav's own races are reported too, so the reports decide and not the exit code; a crash stays one.
    options: [
      ...['exitcode=0', 'second_deadlock_stack=1', 'allocator_may_return_null=1'],
      ...['handle_segv=0', 'handle_sigbus=0', 'handle_sigfpe=0'],
    ],
    // process.exit() runs no hook of the main thread's, so an engine's thread may have ended there and been joined by nobody.
    inNode: ['report_thread_leaks=0'],
    more: {},
    // Its map of the memory was made for kernels that put less of it by chance: some processes died in the runtime.
    under: ['setarch', '--addr-no-randomize'],
  },
};
/** Default time of a test, ms: sanitizers are up to ten times slower. */
const TEST_MS = 300_000;
/** What bounds the run of jest, whatever hangs. */
const JEST_TIME = '4h';
const SUITES = ['test/integration', 'test/lifecycle', 'test/faults'];
/** About the addon as it is delivered. */
const NOT_FOR_SANITIZERS = 'addon-binary';
/** Beneath libfaketime not even `node -e ''` starts with the runtimes of ASan and TSan. */
const NEEDS_FAKETIME = 'clock-steps';

const [name, ...jestArguments] = process.argv.slice(2);
const sanitizer = SANITIZERS[name];
if (sanitizer === undefined)
  fail(`Expected one of ${Object.keys(SANITIZERS).join(', ')} but received ${name}.`);
process.chdir(root);
await setup({ camera: true, builds: true });
const home = join(root, 'build', name);
const tree = join(home, 'tree');
const reports = join(home, 'reports');
const programs = join(home, 'programs');

/** Makes the tree equal to the working files; what was built there stays. */
function copyTree() {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  });
  const wanted = new Set(listed.split('\0').filter((file) => file !== '' && existsSync(file)));
  const made = new Set(['build', 'dist', 'node_modules']);
  const clean = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (folder === tree && made.has(entry.name)) continue;
      if (entry.isDirectory()) clean(path);
      else if (!wanted.has(relative(tree, path))) rmSync(path);
    }
  };
  mkdirSync(tree, { recursive: true });
  clean(tree);
  for (const file of wanted) {
    const copy = join(tree, file);
    const source = statSync(file);
    const old = statSync(copy, { throwIfNoEntry: false });
    // Unchanged files keep their times, so that only what has changed is built again.
    if (old?.mtimeMs === source.mtimeMs && old.size === source.size) continue;
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(file, copy, { preserveTimestamps: true });
  }
  link(join(root, 'node_modules'), join(tree, 'node_modules'));
  // Where the suites look for the shared media: beside the checkout.
  link(resolve(root, '..', 'shared'), join(home, 'shared'));
}

function link(target, path) {
  if (existsSync(target) && lstatSync(path, { throwIfNoEntry: false }) === undefined)
    symlinkSync(target, path);
}

/**
 * Programs of others that the suites start, by their names on the PATH: without the runtime, which is not for them. The
 * shell is one, which ThreadSanitizer's makes crash; what `sh -c` starts has the runtime again.
 */
async function wrapPrograms() {
  rmSync(programs, { recursive: true, force: true });
  mkdirSync(programs, { recursive: true });
  const write = (program, body) => {
    const wrapper = join(programs, program);
    writeFileSync(wrapper, `#!/usr/bin/env -S -u LD_PRELOAD /bin/sh\n${body}\n`);
    chmodSync(wrapper, 0o755);
  };
  const found = (program) => execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  const paths = { ffmpeg: found('ffmpeg'), ffprobe: found('ffprobe'), ...(await ensurePrometheus()) };
  for (const [program, path] of Object.entries(paths)) write(program, `exec '${path}' "$@"`);
  write('sh', `export LD_PRELOAD='${runtime}'\nscript=$2\nshift 2\n[ $# -eq 0 ] || shift\neval "$script"`);
}

const runtime = execFileSync('g++', [`-print-file-name=${sanitizer.runtime}`], { encoding: 'utf8' }).trim();
const optionsOf = (...groups) => ({
  [sanitizer.variable]: [...sanitizer.options, `log_path=${join(reports, 'report')}`, ...groups.flat()].join(
    ':',
  ),
  ...sanitizer.more,
});

async function build() {
  const bin = (command) => join(tree, 'node_modules', '.bin', command);
  const defines = [
    'CMAKE_CXX_COMPILER=g++',
    'CMAKE_CXX_FLAGS_RELEASE=-O1',
    `KVS_FRAMES_SANITIZE=${sanitizer.flags}`,
    'KVS_FRAMES_TESTS=ON',
  ];
  const flags = defines.map((define) => `--CD${define}`);
  await step(
    'Building the addon and the native tests',
    bin('cmake-js'),
    ['build', '--out', 'build', '--parallel', '2', ...flags],
    { cwd: tree },
  );
  rmSync(join(tree, 'dist'), { recursive: true, force: true });
  await step('Compiling the TypeScript', bin('tsc'), ['-p', '.'], { cwd: tree });
}

/** What the processes wrote about our code. */
const findings = () =>
  readdirSync(reports)
    .flatMap((file) => reportsIn(readFileSync(join(reports, file), 'utf8')))
    .filter((report) => isOurs(report, tree));

copyTree();
await wrapPrograms();
await build();
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
process.chdir(tree);

const { under = [] } = sanitizer;
const failed = [];
if (jestArguments.length === 0) {
  console.log('- Native tests');
  const env = optionsOf();
  const [program, ...how] = [...under, 'ctest', '--test-dir', 'build', '--output-on-failure'];
  const code = await foreground(program, how, { env });
  if (code !== 0) failed.push('native tests');
}
console.log('- Jest');
const jest = [...under, process.execPath, 'node_modules/.bin/jest'];
const bounded = ['--foreground', '--kill-after=60', JEST_TIME, ...jest];
// --forceExit: what a test that ran into its time has left behind does not keep the others' outcome from being told.
const how = [
  '--testPathIgnorePatterns',
  name === 'ubsan' ? NOT_FOR_SANITIZERS : `${NOT_FOR_SANITIZERS}|${NEEDS_FAKETIME}`,
  '--runInBand',
  '--maxConcurrency',
  '4',
  '--forceExit',
];
const which = jestArguments.length > 0 ? jestArguments : SUITES;
const outcome = await foreground('timeout', [...bounded, ...how, '--testTimeout', `${TEST_MS}`, ...which], {
  env: {
    ...optionsOf(sanitizer.inNode),
    LD_PRELOAD: runtime,
    // Looked at by test/support/sanitizer.ts.
    KVS_FRAMES_SANITIZER: name,
    PATH: `${programs}:${process.env.PATH}`,
  },
});
if (outcome !== 0) failed.push('jest');
const texts = findings();
if (texts.length > 0) failed.push(`${texts.length} reports of the sanitizer in ${reports}`);
for (const text of texts) console.error(text);
if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
