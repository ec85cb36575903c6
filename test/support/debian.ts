import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, runNode } from './child';

/** Calls a function of scripts/debian.mjs, in a process of its own: jest loads no ES modules. */
async function call<T>(name: string): Promise<T> {
  const url = pathToFileURL(join(ROOT, 'scripts/debian.mjs')).href;
  const source = `import { ${name} } from '${url}'; console.log(JSON.stringify(await ${name}()));`;
  const { code, stdout, stderr } = await runNode(['--input-type=module', '--eval', source]);
  if (code !== 0) throw new Error(`${name} failed:\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') as T;
}

/** Paths of Prometheus and promtool; the first time they are fetched, which may take a minute. */
export const ensurePrometheus = (): Promise<{ prometheus: string; promtool: string }> =>
  call('ensurePrometheus');

/** Path of Chromium; the first time it is installed, which may take minutes. */
export const ensureChromium = (): Promise<string> => call('ensureChromium');

/** Path of libfaketime, to be preloaded; the first time it is fetched. */
export const ensureFaketime = (): Promise<string> => call('ensureFaketime');
