import { describe, expect, it } from '@jest/globals';
import { Histogram } from '../../lib/metrics/histogram';
import { addedUp, histogram } from '../../lib/metrics/samples';

describe('a histogram', () => {
  it('counts each value in the first bucket whose bound it does not exceed, and what is above all in one more', () => {
    const ages = new Histogram([1, 2, 5]);
    for (const value of [0, 1, 1.001, 2, 4.9, 5, 5.1, 600]) ages.observe(value);
    expect(ages.read()).toEqual({ bounds: [1, 2, 5], counts: [2, 2, 2, 2], sum: 619.001 });
  });

  it('answers a reading that does not change with later values', () => {
    const ages = new Histogram([1]);
    ages.observe(1);
    const { counts } = ages.read();
    ages.observe(1);
    expect(counts).toEqual([1, 0]);
  });

  it('is shown as Prometheus has it: each bucket with those below it, the sum, and the count', () => {
    expect(histogram({ bounds: [0.5, 1], counts: [3, 0, 2], sum: 12 }, { kind: 'init' })).toEqual([
      { suffix: '_bucket', labels: { kind: 'init', le: 0.5 }, value: 3 },
      { suffix: '_bucket', labels: { kind: 'init', le: 1 }, value: 3 },
      { suffix: '_bucket', labels: { kind: 'init', le: '+Inf' }, value: 5 },
      { suffix: '_sum', labels: { kind: 'init' }, value: 12 },
      { suffix: '_count', labels: { kind: 'init' }, value: 5 },
    ]);
  });

  it('adds up with another of the same labels, number by number', () => {
    const one = histogram({ bounds: [1], counts: [1, 2], sum: 7 });
    const other = histogram({ bounds: [1], counts: [10, 20], sum: 70 });
    expect(addedUp(one, other)).toEqual(histogram({ bounds: [1], counts: [11, 22], sum: 77 }));
  });
});
