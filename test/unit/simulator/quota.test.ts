import { describe, expect, test } from '@jest/globals';

import { Quotas } from '../../../lib/simulator/quota.js';

const session = { id: 1, stream: 'front-door', maxFragments: 5 };

function accepted(times: number, attempt: () => void): number {
  let count = 0;
  for (let n = 0; n < times; n++) {
    try {
      attempt();
      count += 1;
    } catch (error) {
      expect(error).toMatchObject({ status: 400, errorName: 'ClientLimitExceededException' });
    }
  }
  return count;
}

describe('Quotas', () => {
  test.each([
    ['GetHLSMasterPlaylist', 5],
    ['GetHLSMediaPlaylist', 5],
    ['GetMP4InitFragment', 5],
    ['GetMP4MediaFragment', 20],
    ['GetTSFragment', 20],
  ])('let a session call %s %i times a second', (action, limit) => {
    const quotas = new Quotas();
    expect(accepted(limit + 3, () => quotas.chargePlayback(action, session, 1000))).toBe(limit);
    expect(accepted(1, () => quotas.chargePlayback(action, session, 1999))).toBe(0);
    expect(accepted(limit + 3, () => quotas.chargePlayback(action, session, 2000))).toBe(limit);
    expect(accepted(1, () => quotas.chargePlayback(action, { ...session, id: 2 }, 2000))).toBe(1);
  });

  test.each([
    ['GetHLSStreamingSessionURL', 25],
    ['GetDataEndpoint', 5],
    ['DescribeStream', 5],
  ])('let %s be called %i times a second for one stream', (action, limit) => {
    const quotas = new Quotas();
    expect(accepted(40, () => quotas.chargeControl(action, 'front-door', 0))).toBe(limit);
    expect(accepted(1, () => quotas.chargeControl(action, 'back-door', 0))).toBe(1);
  });

  test('charge a media playlist by its length, all sessions of a stream together', () => {
    const quotas = new Quotas();
    let id = 0;
    const poll = (): void =>
      quotas.chargePlayback('GetHLSMediaPlaylist', { ...session, id: ++id, maxFragments: 1000 }, 0);
    expect(accepted(15, poll)).toBe(10);
  });

  test('let 500 fragments a second be read of one stream', () => {
    const quotas = new Quotas();
    let n = 0;
    const read = (): void => quotas.chargePlayback('GetMP4MediaFragment', { ...session, id: n++ % 100 }, 0);
    expect(accepted(600, read)).toBe(500);
  });
});
