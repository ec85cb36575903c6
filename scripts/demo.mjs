// npm run demo: makes the clone ready, then runs a local KVS with a test camera and a reader on it.
import { join } from 'node:path';
import { root, setup } from './setup.mjs';
import { foreground } from './step.mjs';

// Standard output belongs to the demo (it may be JSON); what the set-up says goes to standard error.
console.log = console.error;
await setup({ camera: true });
process.exitCode = await foreground(process.execPath, [
  join(root, 'dist/cli/main.js'),
  'demo',
  ...process.argv.slice(2),
]);
