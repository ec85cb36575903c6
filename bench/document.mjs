// node bench/document.mjs JSON FOLDER: writes performance.md and performance.svg from stored results.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { chart } from './chart.mjs';
import { report } from './report.mjs';

/** Answers the text that it wrote. */
export async function writeDocument(results, folder) {
  const file = join(folder, 'performance.md');
  const style = await resolveConfig(file);
  const text = await format(report(results), { ...style, parser: 'markdown' });
  writeFileSync(file, text);
  if (results.throughput !== undefined) writeFileSync(join(folder, 'performance.svg'), chart(results));
  return text;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [json, folder] = process.argv.slice(2);
  await writeDocument(JSON.parse(readFileSync(json, 'utf8')), folder);
}
