import { describe, expect, it } from '@jest/globals';
import type { Frame } from '../../lib/frames/frame';
import type { Fragment } from '../../lib/hls/fragment';
import { SourceAccount } from '../../lib/source-account';
import { FakeClock } from '../support/fake-clock';

const fragment = (durationMs: number): Fragment =>
  ({ durationMs, media: new Uint8Array(1000), variant: null }) as unknown as Fragment;

const frame = (timestampMs: number, synthetic = false): Frame => ({ timestampMs, synthetic }) as Frame;

describe('the account of a source', () => {
  it('knows the age of each frame when it was handed over, and none below 0', () => {
    const clock = new FakeClock();
    const account = new SourceAccount(clock);
    account.onFrame(frame(clock.now() - 2200));
    account.onFrame(frame(clock.now() - 70_000));
    account.onFrame(frame(clock.now() + 5000));
    account.onFrame(frame(clock.now() - 99_000, true));
    const { bounds, counts, sum } = account.frameAge.read();
    expect(sum).toBeCloseTo(72.2);
    expect(counts[bounds.indexOf(2.5)]).toBe(1);
    expect(counts.at(-1)).toBe(1);
    expect(counts[0]).toBe(1);
    expect(account).toMatchObject({ frames: 3, syntheticFrames: 1 });
  });

  it('takes the median of the newest eight fragments for the rhythm, whatever one of them is', () => {
    const account = new SourceAccount(new FakeClock());
    expect(account.rhythm(30_000)).toEqual({ fragmentMs: null, stallAfterMs: 30_000 });
    for (const ms of [9000, 9000, 2000, 2000, 0, 2100, 2000, 20_000, 2000, 2000, 1900]) {
      account.onFragment(fragment(ms));
    }
    expect(account.rhythm(null)).toEqual({ fragmentMs: 2000, stallAfterMs: null });
    expect(account).toMatchObject({ fragments: 11, fragmentBytes: 11_000 });
  });

  it('says that frames flow since they came after a stall, or since the phase began', () => {
    const clock = new FakeClock();
    const account = new SourceAccount(clock);
    clock.step(1000);
    account.onPhase();
    const began = clock.monotonic();
    account.onDecoded(frame(0), 10_000, 0);
    clock.step(12_000);
    account.onDecoded(frame(0), 10_000, 0);
    expect(account.since.flowMs).toBe(began);
    clock.step(13_000);
    account.onDecoded(frame(0), 10_000, 0);
    expect(account.since).toMatchObject({ phaseMs: began, flowMs: began + 25_000 });
    clock.step(12_000);
    account.onProgress(10_000);
    clock.step(12_000);
    account.onDecoded(frame(0), 10_000, 0);
    expect(account.since).toMatchObject({ flowMs: began + 25_000, progressMs: began + 49_000 });
  });

  it('counts sessions, the first of which is no refresh, and renewals apart from reconnections', () => {
    const clock = new FakeClock();
    const account = new SourceAccount(clock);
    expect(account.urlRefreshes).toBe(0);
    account.onSession(false);
    account.onSession(true);
    account.onReconnect();
    account.onSession(false);
    expect(account).toMatchObject({ urlRefreshes: 2, renewals: 1, reconnects: 1, reconnectsLastHour: 1 });
    clock.step(3_700_000);
    expect(account).toMatchObject({ reconnects: 1, reconnectsLastHour: 0 });
    const session = { id: 3, url: 'http://x', expiresAtMs: Infinity, endsAtMs: Infinity };
    expect(account.sessionAgeMs(session)).toBe(3_700_000);
    expect(account.sessionAgeMs(undefined)).toBeNull();
  });

  it('counts failures by class and remembers the last', () => {
    const account = new SourceAccount(new FakeClock());
    account.onFault('network', 'reset');
    account.onFault('media', 'damaged');
    account.onFault('network', 'no answer');
    expect(account.faultsByClass).toMatchObject({ network: 2, media: 1, expired: 0, defect: 0 });
    expect(account.lastFault).toBe('no answer');
  });
});
