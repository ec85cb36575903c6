import { describe, expect, test } from '@jest/globals';

import { ConfigError } from '../../../../lib/errors.js';
import { faultByName, faultCatalogue, faultResources } from '../../../../lib/simulator/index.js';

const names = faultCatalogue.map(({ name }) => name);

describe('The catalogue', () => {
  test('names each fault once, in kebab case, and says in a sentence what happens', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const { name, summary, script, containers } of faultCatalogue) {
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(summary).toMatch(/^[A-Z].*\.$/);
      expect(script).toMatchObject({ name, summary });
      expect(script.rows.length).toBeGreaterThan(0);
      expect(containers.length).toBeGreaterThan(0);
    }
  });

  test('has every status, once, thrice and for ever, for every kind of resource', () => {
    const family = faultResources.flatMap((resource) =>
      [400, 403, 404, 429, 500, 503].flatMap((status) =>
        ['once', 'thrice', 'forever'].map((times) => `${resource}-${status}-${times}`),
      ),
    );
    expect(names).toEqual(expect.arrayContaining(family));
    expect(names.length - family.length).toBeGreaterThanOrEqual(45);
  });

  test('keeps what concerns init sections and boxes to fMP4', () => {
    const onlyMp4 = faultCatalogue.filter(({ containers }) => !containers.includes('MPEG_TS'));
    expect(onlyMp4.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['init-404-once', 'fragment-only-moof', 'playlist-without-map']),
    );
    expect(onlyMp4.every(({ name }) => /init|moof|map/.test(name))).toBe(true);
  });

  test('finds a fault by its name, and knows what a misspelt one was meant to be', () => {
    expect(faultByName('body-stalls').group).toBe('connection');
    expect(() => faultByName('body-stals')).toThrow('Did you mean body-stalls?');
    expect(() => faultByName('earthquake')).toThrow('--list-faults');
    expect(() => faultByName('earthquake')).toThrow(ConfigError);
  });
});
