// node bench/run.mjs [--quick] [--only throughput,growth,live,cameras,observe]: measures, and writes build/bench.json and from it
// docs/performance.md and .svg. A quick or partial run leaves these alone and writes build/bench-quick/. `--only load` measures how many
// cameras a host holds, which no other run does, and writes build/bench-load.json, docs/load.md and .svg.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cameras } from './cameras.mjs';
import { root } from './child.mjs';
import { peerVersions } from './contenders.mjs';
import { writeDocument } from './document.mjs';
import { growth } from './growth.mjs';
import { live } from './live.mjs';
import { load } from './load.mjs';
import { machine, ownVersions } from './machine.mjs';
import { observe } from './observe.mjs';
import { throughput } from './throughput.mjs';

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' } } });
const quick = flags.quick ?? false;

const startedAt = performance.now();
const elapsed = () => Math.round((performance.now() - startedAt) / 1000);
const say = (text) => console.log(`${String(elapsed()).padStart(4)} s  ${text}`);

const sections = {
  throughput: () => throughput({ rounds: quick ? 1 : 3, fragments: quick ? 10 : 20, say }),
  growth: () => growth({ frames: quick ? 10_000 : 200_000 }),
  live: () => live({ seconds: quick ? 6 : 12, starts: quick ? 3 : 8, say }),
  cameras: () => cameras({ seconds: quick ? 6 : 16, say }),
  observe: () => observe({ rounds: quick ? 1 : 4, seconds: quick ? 4 : 6, say }),
};
const isLoad = flags.only === 'load';
if (isLoad) sections.load = () => load({ quick, say });
const wanted = flags.only?.split(',') ?? Object.keys(sections);
const unknown = wanted.filter((name) => !(name in sections));
if (unknown.length > 0)
  throw new Error(`Expected ${Object.keys(sections).join(', ')} but received ${unknown}`);

const results = {
  date: new Date().toISOString(),
  quick,
  machine: await machine(),
  versions: { ...ownVersions(), ...peerVersions() },
};
for (const name of wanted) {
  say(name);
  results[name] = await sections[name]();
}
results.wallSeconds = elapsed();

const isWhole = !quick && (isLoad || flags.only === undefined);
const folder = join(root, isWhole ? 'docs' : 'build/bench-quick');
mkdirSync(folder, { recursive: true });
const name = isLoad ? 'bench-load.json' : 'bench.json';
const json = join(isWhole ? join(root, 'build') : folder, name);
writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
console.log(`\n${await writeDocument(results, folder)}`);
say(`wrote ${json} and what it says to ${folder}`);
