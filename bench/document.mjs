// node bench/document.mjs JSON FOLDER: writes performance.md and .svg, or load.md and .svg, from stored results.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { chart, loadChart } from './chart.mjs';
import { loadReport } from './load-report.mjs';
import { report } from './report.mjs';

/** Answers the text that it wrote. */
export async function writeDocument(results, folder) {
  const isLoad = results.load !== undefined;
  const file = join(folder, isLoad ? 'load.md' : 'performance.md');
  const style = await resolveConfig(file);
  const text = await format(isLoad ? loadReport(results) : report(results), { ...style, parser: 'markdown' });
  writeFileSync(file, text);
  if (isLoad) writeFileSync(join(folder, 'load.svg'), loadChart(results));
  else if (results.throughput !== undefined) writeFileSync(join(folder, 'performance.svg'), chart(results));
  return text;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [json, folder] = process.argv.slice(2);
  await writeDocument(JSON.parse(readFileSync(json, 'utf8')), folder);
}
