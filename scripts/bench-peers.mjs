// The libraries that the bench compares with. None of them is needed: the bench names those that are not there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';
import { step } from './step.mjs';

const PYTHON = '/usr/bin/python3';
const NODE_AV = 'node-av@6.1.1';

const imports = (module) => spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0;

/** Tries; what can't be had is left out. */
async function attempt(title, command, args) {
  try {
    await step(title, command, args, { env: { DEBIAN_FRONTEND: 'noninteractive' } });
  } catch (error) {
    console.error(`  left out: ${error.message}`);
  }
}

async function ensurePython() {
  const wanted = [
    { module: 'cv2', package: 'python3-opencv' },
    { module: 'av', package: 'python3-av' },
  ];
  const missing = wanted.filter(({ module }) => !imports(module)).map((entry) => entry.package);
  if (missing.length === 0) return;
  const hasApt = spawnSync('sh', ['-c', 'command -v apt-get']).status === 0;
  if (process.getuid?.() !== 0 || !hasApt) {
    console.log(`To compare with them too, install ${missing.join(' and ')} (apt-get install, as root).`);
    return;
  }
  const patience = ['-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::Retries=1'];
  await attempt('apt-get update', 'apt-get', [...patience, 'update']);
  await attempt(`apt-get install ${missing.join(' ')}`, 'apt-get', [
    ...[...patience, 'install', '-y', '--no-install-recommends'],
    ...missing,
  ]);
}

async function ensureNodeAv() {
  const folder = join(root, 'build/bench-peers');
  if (existsSync(join(folder, 'node_modules/node-av'))) return;
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--fetch-timeout=20000', '--fetch-retries=1'];
  await attempt(`npm install ${NODE_AV}`, 'npm', ['install', '--prefix', folder, ...quiet, NODE_AV]);
}

export async function ensurePeers() {
  await ensurePython();
  await ensureNodeAv();
}
