// Child processes of the bench: those that serve and those that are measured.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Starts a script of this folder that prints one line when it is ready and ends when its stdin does; `end` answers all it
 *  printed. */
export async function serve(script, ...args) {
  const child = spawn(process.execPath, [join(root, 'bench', script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = new Promise((resolve) => child.on('close', resolve));
  let text = '';
  const line = await new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.on('close', (code) => reject(new Error(`${script} ended with ${code} before it was ready`)));
  });
  return {
    line,
    pid: child.pid,
    async end() {
      child.stdin.end();
      await closed;
      return text;
    },
  };
}

/** Runs a command to its end; answers what it printed. Throws with the end of its stderr if it fails or takes too long. */
export async function run(command, args, { env = {}, timeoutMs = 300_000 } = {}) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: timeoutMs,
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (chunk) => (output[name] += chunk));
  }
  const outcome = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? null : `exit ${code ?? signal}`));
  });
  if (outcome !== null)
    throw new Error(`${outcome}: ${output.stderr.trim().split('\n').slice(-5).join(' ')}`);
  return output.stdout;
}

/** Likewise, with what the kernel counted for its whole process tree. */
export async function measure([command, ...args], env) {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-bench-'));
  try {
    const out = join(folder, 'usage.json');
    const stdout = await run(join(root, 'build/native-tests/measure'), [out, command, ...args], { env });
    return { ...JSON.parse(readFileSync(out, 'utf8')), stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a script of this folder that prints JSON as its last line. */
export async function runScript(script, ...args) {
  const stdout = await run(process.execPath, [join(root, 'bench', script), ...args]);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}
