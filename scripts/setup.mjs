// Makes a fresh clone ready: system packages, node_modules, the addon, the compiled TypeScript. Each part is skipped
// while what it was made from has not changed. Needs nothing but Node and npm.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages, hasCommand } from './debian.mjs';
import { fail, step } from './step.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

const hasLibrary = (name, atLeast) =>
  spawnSync('pkg-config', [`--atleast-version=${atLeast}`, name]).status === 0;

// What the project needs of the system: package, why, and how one sees that it is there.
const BUILD_PACKAGES = [
  { package: 'g++', why: 'compiles the addon', present: () => hasCommand('c++') || hasCommand('g++') },
  { package: 'make', why: 'builds the addon', present: () => hasCommand('make') },
  { package: 'cmake', why: 'configures the addon', present: () => hasCommand('cmake') },
  { package: 'pkg-config', why: 'finds libav', present: () => hasCommand('pkg-config') },
  {
    package: 'libavformat-dev',
    why: 'demuxing, version 59 or later',
    present: () => hasLibrary('libavformat', '59'),
  },
  {
    package: 'libavcodec-dev',
    why: 'decoding, version 59 or later',
    present: () => hasLibrary('libavcodec', '59'),
  },
  {
    package: 'libavutil-dev',
    why: 'libav basics, version 57 or later',
    present: () => hasLibrary('libavutil', '57'),
  },
  {
    package: 'libswscale-dev',
    why: 'rare pixel formats, version 6 or later',
    present: () => hasLibrary('libswscale', '6'),
  },
  {
    package: 'libyuv-dev',
    why: 'faster colour conversion',
    present: () => existsSync('/usr/include/libyuv.h') || existsSync('/usr/local/include/libyuv.h'),
  },
];
const CAMERA_PACKAGES = [
  { package: 'ffmpeg', why: "the simulator's test camera", present: () => hasCommand('ffmpeg') },
];
const LINT_PACKAGES = [
  { package: 'clang-format', why: 'formats C++', present: () => hasCommand('clang-format') },
  { package: 'clang-tidy', why: 'lints C++', present: () => hasCommand('clang-tidy') },
];

/** Every file under the given paths, sorted. */
function filesUnder(paths) {
  const files = [];
  const visit = (path) => {
    if (!existsSync(path)) return;
    if (!statSync(path).isDirectory()) files.push(path);
    else for (const name of readdirSync(path).sort()) visit(join(path, name));
  };
  for (const path of paths) visit(join(root, path));
  return files;
}

function fingerprint(paths, ...extra) {
  const hash = createHash('sha256').update([process.version, process.arch, ...extra].join('\n'));
  for (const file of filesUnder(paths)) hash.update(`\n${relative(root, file)}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

/** Runs `make` unless `stamp` says that it was last run on exactly these inputs. */
async function ensure(stamp, inputs, extra, output, make) {
  const path = join(root, stamp);
  const wanted = fingerprint(inputs, ...extra);
  const isFresh = existsSync(join(root, output)) && existsSync(path) && readFileSync(path, 'utf8') === wanted;
  if (isFresh) return;
  await make();
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, wanted);
}

function libraryVersions() {
  const names = ['libavformat', 'libavcodec', 'libavutil', 'libswscale'];
  return names.map((name) => execFileSync('pkg-config', ['--modversion', name], { encoding: 'utf8' }).trim());
}

const bin = (name) => join(root, 'node_modules', '.bin', name);

export async function ensureModules() {
  await ensure('node_modules/.setup', ['package-lock.json', '.npmrc'], [], 'node_modules', () =>
    step('npm ci', 'npm', ['ci'], { cwd: root }),
  );
}

export async function ensureAddon() {
  const inputs = ['CMakeLists.txt', 'native/core', 'native/addon', 'package-lock.json'];
  await ensure('build/addon.setup', inputs, libraryVersions(), 'build/Release/kvs_frames.node', () =>
    step('Building the addon', bin('cmake-js'), ['compile', '--out', 'build', '--parallel', '2'], {
      cwd: root,
    }),
  );
}

export async function ensureCompiled() {
  const inputs = ['lib', 'binding.d.ts', 'tsconfig.json', 'package-lock.json'];
  await ensure('dist/.setup', inputs, [], 'dist/index.js', () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    return step('Compiling the TypeScript', bin('tsc'), ['-p', '.'], { cwd: root });
  });
}

/** C++ suite and the bench's floor, in a build folder of their own. */
export async function ensureNativeTests() {
  const inputs = ['CMakeLists.txt', 'native', 'test/native', 'test/fuzz', 'bench/native'];
  await ensure(
    'build/native-tests.setup',
    inputs,
    libraryVersions(),
    'build/native-tests/CMakeCache.txt',
    async () => {
      const configure = [
        '-S',
        '.',
        '-B',
        'build/native-tests',
        '-DCMAKE_BUILD_TYPE=Release',
        '-DKVS_FRAMES_TESTS=ON',
      ];
      await step('Configuring the native tests', 'cmake', configure, { cwd: root });
      await step('Building the native tests', 'cmake', ['--build', 'build/native-tests', '--parallel', '2'], {
        cwd: root,
      });
    },
  );
}

/** Everything a command of the project needs. `camera`: also ffmpeg. `lint`: also the C++ linters. `builds`: it builds for itself. */
export async function setup({ camera = false, lint = false, builds = false } = {}) {
  const [major, minor, patch] = process.versions.node.split('.').map(Number);
  if (major * 1e6 + minor * 1e3 + patch < 20_018_001)
    fail(`Node.js 20.18.1 or later is needed; this is ${process.version}.`);
  try {
    await ensurePackages([
      ...BUILD_PACKAGES,
      ...(camera ? CAMERA_PACKAGES : []),
      ...(lint ? LINT_PACKAGES : []),
    ]);
    await ensureModules();
    if (builds) return;
    await ensureAddon();
    await ensureCompiled();
  } catch (error) {
    fail(`Set-up failed: ${error.message}`);
  }
}
