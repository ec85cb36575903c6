// npm run fuzz -- SECONDS [HARNESS…]: builds the harnesses of test/fuzz with libFuzzer and the sanitizers, and runs each (or
// those named) for so many seconds. What it finds lies in build/fuzz/findings, what it has learnt in build/fuzz/corpus.
//
// npm run fuzz -- --media SECONDS [HARNESS…]: begins with the public clips of ../shared/media as well, and learns into
// build/fuzz/media. Those clips, and all that has grown from them, are for finding only and never kept in the repository.
//
// npm run fuzz -- --merge: makes test/fuzz/corpus, which `npm test` replays, anew: the fewest small inputs that cover what
// build/fuzz/corpus does.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeSeeds } from '../test/fuzz/seeds.mjs';
import { ensurePackages } from './debian.mjs';
import { root, setup } from './setup.mjs';
import { fail, step } from './step.mjs';

/** `maxBytes`: of an input; `keptBytes`: of all those in test/fuzz/corpus. `dictionary`: words it is made of. */
const HARNESSES = {
  fragment: { maxBytes: 49_152, keptBytes: 120_000, dictionary: 'media.dict' },
  demux: { maxBytes: 49_152, keptBytes: 80_000, dictionary: 'media.dict' },
  codec_data: { maxBytes: 49_152, keptBytes: 50_000, dictionary: 'media.dict' },
  converter: { maxBytes: 512, keptBytes: 8_000 },
  image: { maxBytes: 4096, keptBytes: 2_000 },
};

/** Of one input, by the clock. Those that ask most take 15 s of processor time. */
const TIMEOUT_SECONDS = 60;
/** Of the process, and of one piece of memory: the largest pictures that the harnesses allow need some ten MiB. */
const MAX_RSS_MB = 2048;
const MAX_PIECE_MB = 512;

const USAGE = `npm run fuzz -- [--media] SECONDS [${Object.keys(HARNESSES).join('|')}…], or npm run fuzz -- --merge`;
/** Others' clips: not to be copied into commits. */
const publicMedia = join(root, '..', 'shared', 'media');
const home = join(root, 'build', 'fuzz');
const folder = (kind, harness) => join(home, kind, harness);
const program = (harness) => join(home, 'test', 'fuzz', `${harness}_fuzz`);

/** A clang++ with libFuzzer and the sanitizers; `null` if there is none. */
function compiler() {
  const names = ['clang++', ...[19, 18, 17, 16, 15, 14].map((version) => `clang++-${version}`)];
  const source = 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }';
  const flags = ['-fsanitize=fuzzer,address,undefined', '-x', 'c++', '-', '-o', '/dev/null'];
  return names.find((name) => spawnSync(name, flags, { input: source }).status === 0) ?? null;
}

const PACKAGES = [
  { package: 'clang', why: 'compiles the fuzzers', present: () => compiler() !== null },
  {
    package: 'libclang-rt-dev',
    why: 'libFuzzer and the sanitizers for clang',
    present: () => compiler() !== null,
  },
];

async function build() {
  await setup({ camera: true });
  try {
    await ensurePackages(PACKAGES);
    const configure = ['-S', root, '-B', home, `-DCMAKE_CXX_COMPILER=${compiler()}`];
    await step('Configuring the fuzzers', 'cmake', [
      ...configure,
      '-DCMAKE_BUILD_TYPE=Release',
      '-DKVS_FRAMES_FUZZ=ON',
    ]);
    await step('Building the fuzzers', 'cmake', ['--build', home, '--parallel', '2']);
  } catch (error) {
    fail(error.message);
  }
}

/** The files of a folder, the smallest first. */
function filesIn(path) {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .map((name) => ({ name, path: join(path, name), bytes: statSync(join(path, name)).size }))
    .sort((a, b) => a.bytes - b.bytes);
}

/** What a run with public clips begins with and learns lies apart from the rest. */
const ofMedia = (kind) => join('media', kind);

/** Where inputs of a harness lie; what it learns goes into the first. */
function corporaOf(harness, withMedia) {
  const kinds = ['corpus', 'seeds'];
  const paths = [...(withMedia ? kinds.map(ofMedia) : []), ...kinds].map((kind) => folder(kind, harness));
  paths.push(join(root, 'test', 'fuzz', 'corpus', harness));
  return paths.filter((path) => existsSync(path));
}

/** Edges of our code that the inputs reach, of all: processes that run side by side count them more than once. */
function edgesOf(harness, corpora) {
  const { maxBytes } = HARNESSES[harness];
  const { stderr } = spawnSync(program(harness), ['-runs=0', `-max_len=${maxBytes}`, ...corpora], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const all = /Loaded \d+ modules\s+\((\d+)/.exec(stderr)?.[1] ?? '?';
  const reached = /DONE\s+cov: (\d+)/.exec(stderr)?.[1] ?? '?';
  return `${reached} of ${all}`;
}

/** Runs a harness on; a finding does not end it. Resolves with what it tells of itself. */
async function run(harness, seconds, corpora) {
  const { maxBytes, dictionary } = HARNESSES[harness];
  const child = spawn(
    program(harness),
    [
      ...corpora,
      ...(dictionary === undefined ? [] : [`-dict=${join(root, 'test', 'fuzz', dictionary)}`]),
      `-max_total_time=${seconds}`,
      `-max_len=${maxBytes}`,
      '-len_control=0',
      `-timeout=${TIMEOUT_SECONDS}`,
      // Slower ones than that are findings of their own.
      `-report_slow_units=${TIMEOUT_SECONDS}`,
      `-rss_limit_mb=${MAX_RSS_MB}`,
      `-malloc_limit_mb=${MAX_PIECE_MB}`,
      `-artifact_prefix=${folder('findings', harness)}/`,
      ...['-fork=1', '-ignore_crashes=1', '-ignore_ooms=1', '-ignore_timeouts=1'],
    ],
    { cwd: home, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let executions = 0;
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    const lines = (tail + chunk).split('\n');
    tail = lines.pop();
    for (const line of lines) {
      const found = /^#(\d+): cov: /.exec(line);
      if (found !== null) executions = Number(found[1]);
      else if (/ERROR:|SUMMARY:|broken:|runtime error:/.test(line)) console.log(`  ${line}`);
    }
  });
  const startedAt = Date.now();
  await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  const elapsed = (Date.now() - startedAt) / 1000;
  if (executions === 0) fail(`${harness}: the harness did not run:\n${tail}`);
  const perSecond = Math.round(executions / elapsed);
  return { seconds: Math.round(elapsed), executions, perSecond, edges: edgesOf(harness, corpora) };
}

async function fuzz(seconds, harnesses, withMedia) {
  if (withMedia && !existsSync(publicMedia)) fail(`There are no clips in ${publicMedia}`);
  await build();
  await writeSeeds(join(home, 'seeds'), null);
  if (withMedia) await writeSeeds(join(home, ofMedia('seeds')), publicMedia);
  const learnt = withMedia ? ofMedia('corpus') : 'corpus';
  const rows = [];
  for (const harness of harnesses) {
    for (const kind of [learnt, 'findings']) mkdirSync(folder(kind, harness), { recursive: true });
    const before = filesIn(folder('findings', harness)).length;
    console.log(`- ${harness}: ${seconds} s`);
    const told = await run(harness, seconds, corporaOf(harness, withMedia));
    const findings = filesIn(folder('findings', harness)).length - before;
    rows.push({ harness, ...told, corpus: filesIn(folder(learnt, harness)).length, findings });
  }
  console.table(rows);
  if (rows.some(({ findings }) => findings > 0)) {
    console.error(`Findings are in ${join(home, 'findings')}; a harness's program replays one: PROGRAM FILE`);
    process.exitCode = 1;
  }
}

/** What was once found is kept whether it adds to the coverage or not; of the rest, the largest inputs go if there is no room. */
async function merge() {
  await build();
  for (const [harness, { maxBytes, keptBytes }] of Object.entries(HARNESSES)) {
    const place = join(root, 'test', 'fuzz', 'corpus', harness);
    const made = folder('merged', harness);
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made, { recursive: true });
    mkdirSync(place, { recursive: true });
    await step(`Merging ${harness}`, program(harness), [
      '-merge=1',
      // One input for each edge, not for each number of times that an edge is passed.
      '-use_counters=0',
      `-max_len=${maxBytes}`,
      made,
      ...corporaOf(harness, false),
    ]);
    const found = filesIn(place).filter(({ name }) => name.startsWith('found-'));
    let bytes = found.reduce((sum, file) => sum + file.bytes, 0);
    for (const file of filesIn(place)) if (!found.some(({ name }) => name === file.name)) rmSync(file.path);
    for (const file of filesIn(made)) {
      if (bytes + file.bytes > keptBytes) break;
      bytes += file.bytes;
      cpSync(file.path, join(place, file.name));
    }
    console.log(`  ${filesIn(place).length} inputs, ${bytes} bytes`);
  }
}

const given = process.argv.slice(2);
if (given.length === 1 && given[0] === '--merge') await merge();
else {
  const withMedia = given[0] === '--media';
  const [first, ...named] = withMedia ? given.slice(1) : given;
  const seconds = Number(first);
  const unknown = named.find((name) => !Object.hasOwn(HARNESSES, name));
  if (!Number.isInteger(seconds) || seconds < 1 || unknown !== undefined) {
    fail(`Expected ${USAGE} but received "${given.join(' ')}"`);
  }
  await fuzz(seconds, named.length > 0 ? named : Object.keys(HARNESSES), withMedia);
}
