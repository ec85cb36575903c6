import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { FakeClock, serve } from './watched';

const folder = join(__dirname, '..', '..', '..', 'lib', 'monitor', 'page');
const files = readdirSync(folder).filter((name) => name !== 'tsconfig.json');
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');
const html = textOf('index.html');

describe('the files of the live page', () => {
  it('are served, each as what it is, and nothing else is', async () => {
    const { url } = await serve({ sources: () => [], clock: new FakeClock() });
    const types: Record<string, string> = {
      js: 'text/javascript; charset=utf-8',
      css: 'text/css; charset=utf-8',
      svg: 'image/svg+xml',
    };
    for (const name of files.filter((one) => one !== 'index.html')) {
      const response = await fetch(`${url}/page/${name}`);
      expect([name, response.status]).toEqual([name, 200]);
      expect(response.headers.get('content-type')).toBe(types[name.split('.').pop()!]);
      expect(await response.text()).toBe(textOf(name));
    }
    const page = await fetch(`${url}/`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toBe(html);
    for (const path of [
      'page/',
      'page/tsconfig.json',
      'page/..%2fmonitor.ts',
      'page/%2e%2e/monitor.ts',
      'page/page.js',
    ]) {
      expect((await fetch(`${url}/${path}`)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('are not sent again to who has them', async () => {
    const { url } = await serve({ sources: () => [], clock: new FakeClock() });
    const first = await fetch(`${url}/page/main.js`);
    const etag = first.headers.get('etag')!;
    const again = await fetch(`${url}/page/main.js`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect((await fetch(`${url}/page/page.css`, { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  it('allow only what comes from their own origin', async () => {
    const { url } = await serve({ sources: () => [], clock: new FakeClock() });
    const policy = (await fetch(`${url}/`)).headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  it('have nothing that such a policy forbids', () => {
    expect(html).not.toMatch(/\sstyle=|\son\w+=|<style|<script(?![^>]* src="page\/main\.js")|javascript:/i);
    for (const name of files) {
      const text = textOf(name);
      expect([
        name,
        text.match(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|cssText/),
      ]).toEqual([name, null]);
      expect([name, text.match(/['"`(]\s*(?:https?:)?\/\/(?!www\.w3\.org\/2000\/svg)[\w.]/)]).toEqual([
        name,
        null,
      ]);
    }
  });

  it('refer to nothing that is not there', () => {
    const ids = [...html.matchAll(/\sid="([\w-]+)"/g)].map((match) => match[1]);
    const wanted = [html, ...files.filter((name) => name.endsWith('.js')).map(textOf)].flatMap((text) => [
      ...[...text.matchAll(/byId\('([\w-]+)'/g)].map((match) => match[1]),
      ...[...text.matchAll(/href="#([\w-]+)"/g)].map((match) => match[1]),
      ...[...text.matchAll(/\bicon\('([\w-]+)'\)/g)].map((match) => `icon-${match[1]}`),
    ]);
    expect(wanted.length).toBeGreaterThan(10);
    for (const id of wanted) expect(ids).toContain(id);
    const imported = files.flatMap((name) =>
      [...textOf(name).matchAll(/from '\.\/([\w.-]+)'/g)].map((match) => match[1]),
    );
    for (const name of imported) expect(files).toContain(name);
  });
});

describe('the colours of the live page', () => {
  const css = textOf('page.css');
  const [light, dark] = css.split('@media (prefers-color-scheme: dark)');
  const coloursOf = (text: string): Map<string, string> =>
    new Map([...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]));

  /** Relative luminance by WCAG 2.2. */
  function luminance(colour: string): number {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const level = parseInt(colour.slice(at, at + 2), 16) / 255;
      return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function contrast(one: string, other: string): number {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
    return (high + 0.05) / (low + 0.05);
  }

  const kinds = ['well', 'idle', 'waiting', 'trouble', 'stopped'];
  const pairs: [string, string, number][] = [
    ...['ground', 'surface', 'raised'].flatMap((below): [string, string, number][] => [
      ['ink', below, 4.5],
      ['muted', below, 4.5],
    ]),
    ...kinds.flatMap((kind): [string, string, number][] => [
      [kind, 'surface', 4.5],
      [kind, `${kind}-soft`, 4.5],
      [kind, 'raised', 3],
    ]),
    ['well', 'ground', 4.5],
    ['idle', 'ground', 4.5],
    ['trouble', 'ground', 4.5],
    ['surface', 'accent', 4.5],
    ['age', 'raised', 3],
    ['bandwidth', 'raised', 3],
    ['line-strong', 'surface', 3],
    ['accent', 'ground', 3],
  ];

  it.each([
    ['light', coloursOf(light ?? '')],
    ['dark', coloursOf(dark ?? '')],
  ])('can be told apart when it is %s', (_theme, colours) => {
    const poor = pairs
      .map(([above, below, least]) => ({
        above,
        below,
        least,
        ratio: contrast(colours.get(above)!, colours.get(below)!),
      }))
      .filter(({ ratio, least }) => !(ratio >= least));
    expect(poor).toEqual([]);
  });
});
