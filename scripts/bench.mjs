// npm run bench: makes the clone ready, installs the peers that can be had, then measures. `npm run bench -- --quick` and
// `-- --only throughput,growth,live,cameras,observe` take less time, and `-- --only load` measures how many cameras a host holds; see
// bench/run.mjs.
import { join } from 'node:path';
import { ensurePeers } from './bench-peers.mjs';
import { ensureNativeTests, root, setup } from './setup.mjs';
import { foreground } from './step.mjs';

process.chdir(root);
await setup({ camera: true });
await ensureNativeTests();
await ensurePeers();
process.exitCode = await foreground(process.execPath, [
  join(root, 'bench/run.mjs'),
  ...process.argv.slice(2),
]);
