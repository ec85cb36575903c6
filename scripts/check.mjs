// npm run check: lint, then every test.
import { fileURLToPath } from 'node:url';
import { foreground } from './step.mjs';

for (const script of ['lint.mjs', 'test.mjs']) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  process.exitCode = await foreground(process.execPath, [path]);
  if (process.exitCode !== 0) break;
}
