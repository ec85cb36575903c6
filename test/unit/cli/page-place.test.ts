import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { outsideUrls, pageWords, type PagePlace } from '../../../lib/cli/page-place';

const place = (more: Partial<PagePlace>): PagePlace => ({
  url: 'http://127.0.0.1:9464',
  host: '127.0.0.1',
  names: [],
  isGuarded: false,
  ...more,
});

describe('where the page is', () => {
  it('is told in a line where only this machine reaches it', () => {
    expect(pageWords(place({}))).toBe('The live page: http://127.0.0.1:9464/\nCtrl-C ends it.');
    expect(outsideUrls(place({ host: '[::1]', names: ['proxy'] }))).toEqual([]);
  });

  it('is told with how to get in, without the token', () => {
    expect(pageWords(place({ isGuarded: true }))).toContain(
      'open it once as http://127.0.0.1:9464/?token=YOUR_TOKEN',
    );
  });

  it('is what the machine is called and the addresses it has, where it listens on all', () => {
    const urls = outsideUrls(place({ host: '0.0.0.0', names: ['frames.example.com', 'fd00::7'] }));
    expect(urls.slice(0, 3)).toEqual([
      'http://frames.example.com:9464/',
      'http://[fd00::7]:9464/',
      `http://${hostname()}:9464/`,
    ]);
    for (const url of urls.slice(3)) expect(url).toMatch(/^http:\/\/\d+\.\d+\.\d+\.\d+:9464\/$/);
    expect(urls.join()).not.toMatch(/127\.0\.0\.1|0\.0\.0\.0/);
    for (const url of outsideUrls(place({ host: '::' }))) expect(URL.canParse(url)).toBe(true);
    const words = pageWords(place({ host: '0.0.0.0', isGuarded: true }));
    expect(words).toContain(`From other machines: http://${hostname()}:9464/`);
    expect(words).toContain(`open it once as http://${hostname()}:9464/?token=YOUR_TOKEN`);
  });

  it('is the one address it listens on', () => {
    expect(outsideUrls(place({ host: '10.0.0.5' }))).toEqual(['http://10.0.0.5:9464/']);
    expect(outsideUrls(place({ host: 'fd00::5' }))).toEqual(['http://[fd00::5]:9464/']);
  });
});
