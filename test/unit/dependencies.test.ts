import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Installed {
  license?: string;
  dev?: boolean;
  resolved?: string;
}
interface Manifest {
  license: string;
  dependencies: Record<string, string>;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Installed> };
/** Path of each package that comes with an installation. */
const atRunTime = Object.keys(packages).filter((path) => path !== '' && !packages[path]?.dev);

/** `npm i` of these asks nothing but to keep their notices, which are in their own folders. */
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];

describe('dependencies', () => {
  it('has a reason and its licence in the notices for each that is needed at run time, and for no other', () => {
    const rows = [
      ...read('THIRD-PARTY-NOTICES.md').matchAll(/^\| `([^`]+)` +\| ([\w.-]+) +\| (\S.*?) +\|$/gm),
    ];
    const noted = Object.fromEntries(rows.map(([, name, licence]) => [name, licence]));
    const installed = Object.keys(manifest.dependencies).map((name) => {
      const { license } = JSON.parse(read(`node_modules/${name}/package.json`)) as Manifest;
      return [name, license];
    });
    expect(noted).toEqual(Object.fromEntries(installed));
  });

  it('brings along nothing but permissive licences, as many packages as the notices say', () => {
    const others = atRunTime.filter((path) => !PERMISSIVE.includes(packages[path]?.license ?? 'none'));
    expect(others).toEqual([]);
    const [, count] = /bring along, (\d+) packages/.exec(read('THIRD-PARTY-NOTICES.md')) ?? [];
    expect(atRunTime).toHaveLength(Number(count) + Object.keys(manifest.dependencies).length);
  });

  it('has none that runs a program of its own when it is installed', () => {
    const scripts = atRunTime.filter((path) => {
      const own = JSON.parse(read(`${path}/package.json`)) as { scripts?: Record<string, string> };
      return ['preinstall', 'install', 'postinstall'].some((name) => own.scripts?.[name] !== undefined);
    });
    expect(scripts).toEqual([]);
  });

  it('has a lockfile with checksums and without addresses', () => {
    expect(Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined)).toEqual([]);
    expect(read('package-lock.json')).not.toMatch(/"resolved"|registry\./);
    const unchecked = Object.entries(packages).filter(([path, one]) => path !== '' && !('integrity' in one));
    expect(unchecked).toEqual([]);
  });

  it('is under the MIT licence itself', () => {
    expect(manifest.license).toBe('MIT');
    expect(read('LICENSE')).toMatch(/^MIT License\n/);
    expect(read('README.md')).toMatch(/^## Licence\n\nMIT\b/m);
  });
});
