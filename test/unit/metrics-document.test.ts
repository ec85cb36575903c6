import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { allSeries, seriesTable } from '../../lib/metrics/series';
import { newEngineStats, newReading } from '../support/source-reading';

const text = readFileSync(join(__dirname, '../../docs/metrics.md'), 'utf8');

/** Cells of the lines that describe a metric. */
const documented = text
  .split('\n')
  .filter((line) => line.startsWith('| `kvs_hls_'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

describe('docs/metrics.md', () => {
  it('has each metric of the table in code once, with its type and labels, and no other', () => {
    const described = documented.map(([name, type, labels]) => `${name} ${type} ${labels}`).sort();
    const made = allSeries.map(({ name, kind, labels }) => `\`${name}\` ${kind} ${labels.join(', ')}`).sort();
    expect(described).toEqual(made);
  });

  it('says of each metric its unit, what it tells and what to do about it', () => {
    expect(documented.filter((cells) => cells.length !== 6 || cells.slice(3).includes(''))).toEqual([]);
  });

  it('names metrics that exist', () => {
    const named = new Set(text.match(/kvs_hls_[a-z_]*[a-z]/g));
    const names = new Set(allSeries.map(({ name }) => name));
    expect([...named].filter((name) => !names.has(name))).toEqual([]);
  });

  it('lists every value of a label that is there from the start', () => {
    const reading = newReading({ engine: newEngineStats() });
    const values = seriesTable
      .flatMap((series) => series.read(reading))
      .flatMap(({ labels }) => Object.entries(labels))
      .filter(([label]) => label !== 'le')
      .map(([, value]) => String(value));
    const listed = text.slice(text.indexOf('## Labels'));
    expect(values.length).toBeGreaterThan(40);
    expect(values.filter((value) => !listed.includes(`\`${value}\``))).toEqual([]);
  });
});
