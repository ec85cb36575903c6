import { expect, test } from '@jest/globals';
import { FixedUrlProvider } from '../../../lib/session/fixed.js';

test('a fixed URL is a new session each time and never expires', async () => {
  const provider = new FixedUrlProvider('https://example.com/live.m3u8');
  const request = { signal: new AbortController().signal };
  expect(await provider.acquire(request)).toEqual({
    id: 1,
    url: 'https://example.com/live.m3u8',
    expiresAtMs: Infinity,
    endsAtMs: Infinity,
  });
  expect(await provider.acquire(request)).toMatchObject({ id: 2 });
  provider.close();
});

test('a fixed URL has no recording to ask for', async () => {
  const request = { signal: new AbortController().signal, range: { fromMs: 0, toMs: 1000 } };
  await expect(new FixedUrlProvider('https://example.com/live.m3u8').acquire(request)).rejects.toMatchObject({
    code: 'HLS_UNSUPPORTED',
  });
});

test('a fixed URL heeds the signal', async () => {
  const provider = new FixedUrlProvider('https://example.com/live.m3u8');
  await expect(provider.acquire({ signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
    'stopped',
  );
});
