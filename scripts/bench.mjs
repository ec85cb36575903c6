// npm run bench: makes the clone ready, then measures.
import { join } from 'node:path';
import { ensureNativeTests, root, setup } from './setup.mjs';
import { foreground } from './step.mjs';

process.chdir(root);
await setup({ camera: true });
await ensureNativeTests();
process.exitCode = await foreground(process.execPath, [join(root, 'bench/run.mjs')]);
