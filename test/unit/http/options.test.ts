import { describe, expect, it } from '@jest/globals';
import { register, Registry } from 'prom-client';
import { ConfigError, FrameSourceGroup, HlsFrameSource } from '../../../lib/index';
import { checkHttpOptions, isLoopback } from '../../../lib/http/options';
import type { HttpOptions } from '../../../lib/http/server';
import { fakeSource } from './fakes';

const TOKEN = '0123456789abcdef';

function messageOf(options: object): string {
  try {
    checkHttpOptions({ sources: [], ...options });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('Nothing was refused');
}

const idsOf = (sources: HttpOptions['sources']): (() => string[]) => {
  const list = checkHttpOptions({ sources }).sources;
  return () => list().map(({ cameraId }) => cameraId);
};

describe('options of the HTTP server', () => {
  it('are loopback, port 9464, the default registry and no page unless told otherwise', () => {
    expect(checkHttpOptions({ sources: [] })).toMatchObject({
      host: '127.0.0.1',
      port: 9464,
      token: undefined,
      allowedHosts: [],
      registry: register,
      page: false,
    });
  });

  it.each([
    [{ hots: 'x' }, /Did you mean host\?/],
    [{ port: 65_536 }, /Expected an integer 0–65535 for port/],
    [{ host: '' }, /for host/],
    [{ page: 'yes' }, /Expected true or false for page/],
    [{ registry: {} }, /prom-client's Registry for registry/],
    [{ logger: { info() {} } }, /a logger such as console/],
    [{ allowedHosts: 'a' }, /array of names or addresses/],
    [{ allowedHosts: ['https://a'] }, /without scheme and port.*received 'https:\/\/a'/],
    [{ allowedHosts: ['a:80'] }, /without scheme and port/],
    [{ allowedHosts: ['*'] }, /without scheme and port/],
  ])('are refused with words: %j', (options, message) => {
    expect(messageOf(options)).toMatch(message);
  });

  it('take names and addresses for allowedHosts', () => {
    const allowedHosts = ['frames.example.com', '10.0.0.7', '::1', 'pod_1'];
    expect(checkHttpOptions({ sources: [], allowedHosts }).allowedHosts).toEqual(allowedHosts);
  });

  it.each([
    ['fifteen-letters', 'a shorter one'],
    ['a b c d e f g h i j', 'one with other characters'],
    ['é'.repeat(16), 'one with other characters'],
    ['x'.repeat(1025), 'a longer one'],
  ])('refuse a token that is short or can not be sent, and do not repeat it: %s', (token, wrong) => {
    const message = messageOf({ token });
    expect(message).toMatch(/openssl rand -hex 16.*16–1024/);
    expect(message.endsWith(` for token but received ${wrong}`)).toBe(true);
    expect(message).not.toContain(token);
  });

  it('do not repeat a token of another type', () => {
    expect(messageOf({ token: 1234567890123456 })).toMatch(/for token but received a value of type number$/);
    expect(messageOf({ token: Buffer.from('secret') })).not.toMatch(/73 65|secret/);
  });

  it('want a token for the page where other machines reach it, and say what to do', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'camera-host']) {
      expect(messageOf({ host, page: true })).toMatch(/give a token.*or listen on 127\.0\.0\.1/);
      expect(checkHttpOptions({ sources: [], host, page: true, token: TOKEN }).page).toBe(true);
      expect(checkHttpOptions({ sources: [], host }).host).toBe(host);
    }
    for (const host of ['127.0.0.1', '127.8.8.8', 'localhost', '::1', '[::1]']) {
      expect(checkHttpOptions({ sources: [], host, page: true }).page).toBe(true);
    }
  });

  it('know the addresses that only this machine reaches', () => {
    const all = ['127.0.0.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'LOCALHOST'];
    expect(all.filter((host) => !isLoopback(host))).toEqual([]);
    const others = [
      '127.example.com',
      '128.0.0.1',
      '::',
      '::2',
      '::11',
      '1::1',
      '10.0.0.1',
      'localhost.example.com',
    ];
    expect(others.filter(isLoopback)).toEqual([]);
  });
});

describe('the sources that are shown', () => {
  it('are looked up each time, in an array, a set, or by a function', () => {
    const list = [fakeSource('a', 'flowing')];
    const set = new Set(list);
    const ids = [idsOf(list), idsOf(set), idsOf(() => list)];
    expect(ids.map((now) => now())).toEqual([['a'], ['a'], ['a']]);
    list.push(fakeSource('b', 'flowing'));
    set.add(fakeSource('c', 'flowing'));
    expect(ids.map((now) => now())).toEqual([
      ['a', 'b'],
      ['a', 'c'],
      ['a', 'b'],
    ]);
  });

  it('are those of groups as they are now', async () => {
    const source = (cameraId: string): HlsFrameSource =>
      new HlsFrameSource({ url: 'http://127.0.0.1:9/x.m3u8', cameraId, registry: new Registry() });
    await using group = new FrameSourceGroup([source('a'), source('b')]);
    const ids = idsOf([group, fakeSource('c', 'flowing')]);
    expect(ids()).toEqual(['a', 'b', 'c']);
    await group.remove('a');
    expect(ids()).toEqual(['b', 'c']);
  });

  it('are kept where they can be walked through once only', () => {
    const map = new Map([['x', fakeSource('a', 'flowing')]]);
    const ids = idsOf(map.values());
    expect([ids(), ids()]).toEqual([['a'], ['a']]);
  });

  it.each([undefined, null, 'camera', {}, fakeSource('a', 'flowing'), [{}], [null], new Map([['a', 1]])])(
    'are refused if they are none: %#',
    (sources) => {
      expect(messageOf({ sources })).toMatch(
        /^Expected an array of frame sources and groups.*received a value of type/,
      );
    },
  );

  it('are refused when a function answers something else', () => {
    const { sources } = checkHttpOptions({ sources: () => [{} as never] });
    expect(sources).toThrow(ConfigError);
  });
});
