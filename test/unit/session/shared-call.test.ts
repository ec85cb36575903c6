import { expect, test } from '@jest/globals';
import { SharedCalls } from '../../../lib/session/shared-call.js';

function call() {
  const seen: { signal?: AbortSignal; times: number; resolve: (value: string) => void } = {
    times: 0,
    resolve: () => {},
  };
  const run = (signal: AbortSignal): Promise<string> => {
    seen.times++;
    seen.signal = signal;
    return new Promise((resolve) => (seen.resolve = resolve));
  };
  return { seen, run };
}

test('callers that overlap share one call; later ones make their own', async () => {
  const calls = new SharedCalls<string>();
  const { seen, run } = call();
  const signal = new AbortController().signal;
  const both = Promise.all([calls.get('k', signal, run), calls.get('k', signal, run)]);
  await Promise.resolve();
  seen.resolve('one');
  expect(await both).toEqual(['one', 'one']);
  expect(seen.times).toBe(1);
  const later = calls.get('k', signal, run);
  await Promise.resolve();
  seen.resolve('two');
  expect(await later).toBe('two');
  expect(seen.times).toBe(2);
});

test('an abort ends only the wait of the caller who aborts', async () => {
  const calls = new SharedCalls<string>();
  const { seen, run } = call();
  const leaver = new AbortController();
  const left = calls.get('k', leaver.signal, run);
  const stayed = calls.get('k', new AbortController().signal, run);
  leaver.abort(new Error('bye'));
  await expect(left).rejects.toThrow('bye');
  expect(seen.signal?.aborted).toBe(false);
  seen.resolve('one');
  expect(await stayed).toBe('one');
});

test('the call itself ends when all callers have left, and the next caller makes a new one', async () => {
  const calls = new SharedCalls<string>();
  const { seen, run } = call();
  const leavers = [new AbortController(), new AbortController()];
  const left = leavers.map((leaver) => calls.get('k', leaver.signal, run));
  for (const leaver of leavers) leaver.abort(new Error('bye'));
  for (const promise of left) await expect(promise).rejects.toThrow('bye');
  expect(seen.signal?.aborted).toBe(true);
  const next = calls.get('k', new AbortController().signal, run);
  await Promise.resolve();
  seen.resolve('two');
  expect(await next).toBe('two');
});

test('a failure reaches all callers', async () => {
  const calls = new SharedCalls<string>();
  const signal = new AbortController().signal;
  const fail = (): Promise<string> => Promise.reject(new Error('no'));
  const results = await Promise.allSettled([calls.get('k', signal, fail), calls.get('k', signal, fail)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
