// One step of a script: runs a command, keeps its output, says how long it takes while it takes long.
import { spawn } from 'node:child_process';

const PROGRESS_MS = 5000;
const TAIL_LINES = 60;

/** Ends the script with a message a user can act on. */
export function fail(message) {
  console.error(`\n${message}`);
  process.exit(1);
}

/**
 * Runs a command quietly. After 5 s, and every 5 s from then on, a line tells that it still works and what it said
 * last. A failure prints the end of its output and throws.
 */
export async function step(title, command, args, { env = {}, cwd } = {}) {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const lines = [];
  let partial = '';
  const collect = (chunk) => {
    const parts = (partial + chunk).split(/\r?\n|\r/);
    partial = parts.pop();
    lines.push(...parts.filter((line) => line.trim() !== ''));
    if (lines.length > 2 * TAIL_LINES) lines.splice(0, lines.length - TAIL_LINES);
  };
  console.log(`- ${title}`);
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  const progress = setInterval(() => {
    const last = lines.at(-1) ?? '';
    console.log(`  … ${seconds()} s ${last.trim().slice(0, 90)}`);
  }, PROGRESS_MS);
  const outcome = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? null : `exit ${code ?? signal}`));
  });
  clearInterval(progress);
  if (partial.trim() !== '') lines.push(partial);
  if (outcome !== null) {
    console.error(lines.slice(-TAIL_LINES).join('\n'));
    throw new Error(`${title}: ${[command, ...args].join(' ')}: ${outcome}`);
  }
  if (seconds() >= 5) console.log(`  done in ${seconds()} s`);
}

/** Runs a command in the foreground, its output as it is; resolves with the exit code. */
export async function foreground(command, args, { env = {} } = {}) {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  // The terminal sends Ctrl-C to the child too: it decides how to end, and this process waits for it.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  const forward = () => child.kill('SIGTERM');
  process.on('SIGTERM', forward);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
    });
  } finally {
    process.off('SIGINT', ignore);
    process.off('SIGTERM', forward);
  }
}
