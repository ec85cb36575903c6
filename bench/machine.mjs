// What the figures were taken on.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './child.mjs';
import { mainThreadSeconds } from './cpu.mjs';

const require = createRequire(import.meta.url);

/** CPU that a Node process spends on waking up for nothing: on some virtual machines more than a frame's whole handling. */
async function bareWakeMicroseconds() {
  const wakes = 500;
  const before = mainThreadSeconds();
  for (let i = 0; i < wakes; i++) await sleep(4);
  return ((mainThreadSeconds() - before) / wakes) * 1e6;
}

export async function machine() {
  const [cpu] = cpus();
  const cpuinfo = readFileSync('/proc/cpuinfo', 'utf8');
  const os = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  return {
    cpu: cpu.model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    isVirtual: /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo),
    os,
    bareWakeMicroseconds: await bareWakeMicroseconds(),
  };
}

/** Of this package and what it runs with. */
export function ownVersions() {
  const { version } = require(join(root, 'package.json'));
  const { versions } = require(join(root, 'build/Release/kvs_frames.node'));
  const { ffmpeg, libyuv, simd } = versions;
  return {
    'kvs-frames': version,
    Node: process.version,
    'libav of kvs-frames': ffmpeg,
    libyuv: libyuv ?? 'none',
    instructions: simd,
  };
}
