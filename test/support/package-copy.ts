import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE } from './reading-program';

/** Installs the package once more, in a folder of its own, which the caller removes. */
export function installCopy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-frames-copy-'));
  for (const part of ['package.json', 'dist', join('build', 'Release', 'kvs_frames.node')]) {
    cpSync(join(PACKAGE, part), join(folder, part), { recursive: true });
  }
  symlinkSync(require.resolve('prom-client').replace(/prom-client.*/, ''), join(folder, 'node_modules'));
  return folder;
}
