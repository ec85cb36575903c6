import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../support/child';

const ADDON = join(ROOT, 'build', 'Release', 'kvs_frames.node');
const linesOf = (command: string, ...args: string[]): string[] =>
  execFileSync(command, [...args, ADDON], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).split(
    '\n',
  );

describe('the addon as it is delivered', () => {
  const dynamic = linesOf('readelf', '--dynamic', '--wide');
  const segments = linesOf('readelf', '--program-headers', '--wide');
  const imports = linesOf('nm', '--dynamic', '--undefined-only')
    .map((line) => /\bU (\w+)/.exec(line)?.[1])
    .filter((name) => name !== undefined);

  it('exports what Node-API looks for, and nothing else', () => {
    const exported = linesOf('nm', '--dynamic', '--defined-only', '--format=posix')
      .map((line) => line.split(' ')[0])
      .filter((name) => name !== '');
    expect(exported.sort()).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });

  it('binds all symbols when it is loaded, and what that wrote can be written no more', () => {
    expect(dynamic.filter((line) => /\(FLAGS\).*\bBIND_NOW\b/.test(line))).toHaveLength(1);
    expect(segments.filter((line) => line.includes('GNU_RELRO'))).toHaveLength(1);
  });

  it('has no stack, and no memory that can be written, from which code is run', () => {
    const flags = segments
      .map((line) => /^ +(\w+) +(?:0x[0-9a-f]+ +){5}([RWE ]{3})/.exec(line))
      .filter((m) => m !== null);
    expect(flags.filter(([, name]) => name === 'GNU_STACK').map(([, , flag]) => flag)).toEqual(['RW ']);
    expect(flags.filter(([, name]) => name === 'LOAD').length).toBeGreaterThan(1);
    for (const [, , flag] of flags) expect(flag).not.toMatch(/W.*E/);
  });

  it('looks for its libraries where the system does', () => {
    expect(dynamic.filter((line) => /\((RPATH|RUNPATH)\)/.test(line))).toEqual([]);
  });

  it('is never unloaded: libav keeps its log callback', () => {
    expect(dynamic.filter((line) => /\(FLAGS_1\).*\bNODELETE\b/.test(line))).toHaveLength(1);
  });

  it('checks its stack frames, and the bounds that the compiler knows', () => {
    expect(imports).toContain('__stack_chk_fail');
    expect(imports.filter((name) => /^__(?!stack)\w+_chk$/.test(name))).not.toEqual([]);
  });
});
