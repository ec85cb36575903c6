// npm run lint, npm run format (--fix): ESLint, Prettier, clang-format, clang-tidy.
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { ensureNativeTests, root, setup } from './setup.mjs';
import { foreground } from './step.mjs';

process.chdir(root);
const fix = process.argv.includes('--fix');
await setup({ camera: true, lint: true });
await ensureNativeTests();

const tracked = (...patterns) =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], {
    encoding: 'utf8',
  })
    .split('\n')
    .filter((line) => line !== '');
const cpp = tracked(...['native', 'test', 'bench'].flatMap((folder) => [`${folder}/*.cc`, `${folder}/*.h`]));
const bin = (name) => `node_modules/.bin/${name}`;

const commands = [
  [bin('eslint'), ['--config', 'scripts/eslint.config.mjs', '.', ...(fix ? ['--fix'] : [])]],
  [bin('prettier'), [fix ? '--write' : '--check', '--log-level', 'warn', '.']],
  ['clang-format', fix ? ['-i', ...cpp] : ['--dry-run', '--Werror', ...cpp]],
];
for (const [command, args] of commands) {
  console.log(`- ${command.replace(/.*\//, '')}`);
  if ((await foreground(command, args)) !== 0) process.exitCode = 1;
}
if (!fix && !(await tidy())) process.exitCode = 1;

/** Runs clang-tidy on each file that is compiled, one process a processor. */
async function tidy() {
  console.log('- clang-tidy');
  const startedAt = Date.now();
  const folders = new Map();
  for (const folder of ['build', 'build/native-tests']) {
    for (const { file } of JSON.parse(readFileSync(join(folder, 'compile_commands.json'), 'utf8')))
      folders.set(relative(root, file), folder);
  }
  const waiting = cpp.filter((file) => folders.has(file));
  const all = waiting.length;
  let isClean = true;
  const progress = setInterval(() => {
    console.log(
      `  … ${Math.round((Date.now() - startedAt) / 1000)} s, ${waiting.length} of ${all} files to go`,
    );
  }, 20_000);
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      // It counts the warnings in headers of others that it does not show: its words are of interest only if it fails.
      const complaint = await new Promise((resolve) => {
        execFile('clang-tidy', ['--quiet', '-p', folders.get(file), file], (error, stdout, stderr) =>
          resolve(error === null ? '' : stdout + stderr),
        );
      });
      if (complaint === '') continue;
      isClean = false;
      console.error(complaint);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  clearInterval(progress);
  return isClean;
}
