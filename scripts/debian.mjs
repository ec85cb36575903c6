// Debian packages that a clone's set-up, or the set-up of one test, needs. Throws what a user can act on.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { step } from './step.mjs';

const build = fileURLToPath(new URL('../build', import.meta.url));

/** Somebody else's apt at work is waited for so long, s. */
const LOCK_SECONDS = 300;

/** Where a command is; `null` if there is none. */
function whereIs(name) {
  const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : null;
}

export const hasCommand = (name) => whereIs(name) !== null;

/** The browser that the live page is tested in. */
const CHROMIUM_PACKAGES = [
  { package: 'chromium', why: 'the live page in a real browser', present: () => hasCommand('chromium') },
];

/** Whether this process may install packages: as `root`, with `sudo` that asks for no password, or not at all. */
function authority() {
  if (!hasCommand('apt-get')) return null;
  if (process.getuid?.() === 0) return 'root';
  return hasCommand('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0 ? 'sudo' : null;
}

/** One at a time: several suites may want packages at once, and `apt-get update` itself does not wait for another one. */
function apt(title, by, ...args) {
  mkdirSync(build, { recursive: true });
  const lock = ['flock', '--timeout', `${LOCK_SECONDS}`, join(build, 'apt.lock')];
  const run = [
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-o',
    `DPkg::Lock::Timeout=${LOCK_SECONDS}`,
  ];
  const [command, ...rest] = [...lock, ...(by === 'sudo' ? ['sudo', '-n'] : []), ...run, ...args];
  return step(title, command, rest);
}

/**
 * Installs those of the wanted packages that are not there. An entry is `{ package, why, present }`, where `present()` tells
 * whether what the project needs of it is found, whoever installed it.
 */
export async function ensurePackages(wanted) {
  const missing = wanted.filter((entry) => !entry.present());
  if (missing.length === 0) return;
  const names = missing.map((entry) => entry.package);
  const list = missing.map((entry) => `${entry.package} (${entry.why})`).join(', ');
  const by = authority();
  if (by === null) {
    const prefix = process.getuid?.() === 0 ? '' : 'sudo ';
    throw new Error(
      `Missing on this machine: ${list}.\nInstall and run again:\n\n  ${prefix}apt-get update && ` +
        `${prefix}apt-get install -y ${names.join(' ')}\n\n(or the packages of the same purpose on another system)`,
    );
  }
  console.log(`Installing with apt: ${list}`);
  await apt('apt-get update', by, 'update');
  await apt(`apt-get install ${names.join(' ')}`, by, 'install', '-y', '--no-install-recommends', ...names);
  const still = missing.filter((entry) => !entry.present()).map((entry) => `${entry.package} (${entry.why})`);
  if (still.length > 0) {
    throw new Error(`apt installed it, but what the project needs of it is not found: ${still.join(', ')}.`);
  }
}

/** Path of Debian's Chromium. */
export async function ensureChromium() {
  await ensurePackages(CHROMIUM_PACKAGES);
  return whereIs('chromium');
}

/**
 * Prometheus and promtool: paths of the two programs. Those on the PATH, else those of Debian's package, which is unpacked
 * into build/ and not installed: installing it would start a server on the machine and keep it, and would need root.
 */
export async function ensurePrometheus() {
  const installed = { prometheus: whereIs('prometheus'), promtool: whereIs('promtool') };
  if (installed.prometheus !== null && installed.promtool !== null) return installed;
  const home = join(build, 'prometheus');
  const programs = {
    prometheus: join(home, 'usr/bin/prometheus'),
    promtool: join(home, 'usr/bin/promtool'),
  };
  if (!existsSync(programs.promtool)) await unpack('prometheus', home);
  return programs;
}

/**
 * Path of libfaketime, which shows a program another time than the host's: unpacked into build/ and not installed, since only
 * the tests of clocks that are set want it.
 */
export async function ensureFaketime() {
  const home = join(build, 'libfaketime');
  const libraries = () =>
    readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('/libfaketimeMT.so.1'),
    );
  if (!existsSync(home)) await unpack('libfaketime', home);
  return join(home, libraries()[0]);
}

/** Unpacks a package into a folder that appears only when it is whole. */
async function unpack(name, home) {
  if (!hasCommand('apt-get')) {
    throw new Error(`Missing on this machine: ${name}. Put its programs on the PATH and run again.`);
  }
  mkdirSync(build, { recursive: true });
  const workplace = mkdtempSync(join(build, `${name}-`));
  try {
    const isListed = spawnSync('apt-cache', ['show', name]).status === 0;
    const by = authority();
    // A list that is out of date names a file that the archive has no more; a bare container has no list at all.
    if (!isListed || by !== null) {
      if (by === null) throw new Error(`apt knows no package ${name}. Run: sudo apt-get update`);
      await apt('apt-get update', by, 'update');
    }
    await step(`apt-get download ${name}`, 'apt-get', ['download', name], { cwd: workplace });
    const archive = readdirSync(workplace).find((file) => file.endsWith('.deb'));
    await step(`Unpacking ${name}`, 'dpkg', ['-x', archive, 'whole'], { cwd: workplace });
    try {
      renameSync(join(workplace, 'whole'), home);
    } catch (error) {
      // Another suite was faster, and its copy is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    }
  } finally {
    rmSync(workplace, { recursive: true, force: true });
  }
}
