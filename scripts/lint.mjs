// npm run lint, npm run format (--fix): ESLint, Prettier, clang-format, clang-tidy.
import { execFileSync } from 'node:child_process';
import { ensureNativeTests, root, setup } from './setup.mjs';
import { foreground, step } from './step.mjs';

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
const cpp = tracked('native/*.cc', 'native/*.h', 'test/native/*.cc', 'test/native/*.h', 'bench/native/*.cc');
const tidied = cpp.filter((file) => file.startsWith('native/core/') && file.endsWith('.cc'));
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
if (!fix) {
  // It counts the warnings in headers of others that it does not show: its words are of interest only if it fails.
  try {
    await step('clang-tidy', 'clang-tidy', ['--quiet', '-p', 'build/native-tests', ...tidied]);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
