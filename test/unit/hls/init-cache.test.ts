import { describe, expect, it } from '@jest/globals';
import { InitCache } from '../../../lib/hls/init-cache';
import type { Loader } from '../../../lib/hls/loader';

const signal = new AbortController().signal;

/** A loader that answers what the test says, and counts. */
function cacheOver(bytesOf: (url: string) => number[]): { cache: InitCache; loads: string[] } {
  const loads: string[] = [];
  const loader = {
    load: ({ url }: { url: string }) => {
      loads.push(url);
      return Promise.resolve({ bytes: Uint8Array.from(bytesOf(url)) });
    },
  } as unknown as Loader;
  return { cache: new InitCache(loader), loads };
}

describe('init sections', () => {
  it('are loaded once per URL, and equal bytes are one object', async () => {
    const { cache, loads } = cacheOver(() => [1, 2, 3]);
    const first = await cache.get({ url: 'a', byteRange: null }, 'o', signal);
    expect(await cache.get({ url: 'a', byteRange: null }, 'o', signal)).toBe(first);
    expect(await cache.get({ url: 'b', byteRange: null }, 'o', signal)).toBe(first);
    expect(loads).toEqual(['a', 'b']);
  });

  it('are loaded again once distrusted, and stay the same object if their bytes are the same', async () => {
    let bytes = [1];
    const { cache, loads } = cacheOver(() => bytes);
    const first = await cache.get({ url: 'a', byteRange: null }, 'o', signal);
    cache.distrust();
    expect(await cache.get({ url: 'a', byteRange: null }, 'o', signal)).toBe(first);
    bytes = [2];
    cache.distrust();
    expect(await cache.get({ url: 'a', byteRange: null }, 'o', signal)).toEqual(Uint8Array.of(2));
    expect(loads).toHaveLength(3);
  });

  it('that are numbered are trusted: another one has another number', async () => {
    const { cache, loads } = cacheOver(() => [1]);
    const url = 'init.mp4?SessionToken=x&SequenceNumber=0';
    await cache.get({ url, byteRange: null }, 'o', signal);
    cache.distrust();
    await cache.get({ url, byteRange: null }, 'o', signal);
    expect(loads).toHaveLength(1);
  });
});
