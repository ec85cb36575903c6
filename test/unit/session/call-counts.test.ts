import { expect, test } from '@jest/globals';
import { CallCounts } from '../../../lib/session/call-counts.js';

test('there are none before the first call', () => {
  expect(new CallCounts().read()).toEqual([]);
});

test('calls are counted by API and result', () => {
  const calls = new CallCounts();
  calls.count('GetDataEndpoint', 'ok');
  calls.count('GetHLSStreamingSessionURL', 'KVS_THROTTLED');
  calls.count('GetHLSStreamingSessionURL', 'ok');
  calls.count('GetHLSStreamingSessionURL', 'KVS_THROTTLED');
  expect(calls.read()).toEqual([
    { api: 'GetDataEndpoint', result: 'ok', count: 1 },
    { api: 'GetHLSStreamingSessionURL', result: 'KVS_THROTTLED', count: 2 },
    { api: 'GetHLSStreamingSessionURL', result: 'ok', count: 1 },
  ]);
});

test('what was read does not change, and changing it changes nothing', () => {
  const calls = new CallCounts();
  calls.count('GetDataEndpoint', 'ok');
  const before = calls.read();
  calls.count('GetDataEndpoint', 'ok');
  expect(before[0]!.count).toBe(1);
  before[0]!.count = 99;
  expect(calls.read()[0]!.count).toBe(2);
});
