import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { expect, it } from '@jest/globals';
import type { Gap } from '../../lib/index';
import { setStage, STREAM } from '../support/camera';
import { ROOT, runNode } from '../support/child';
import { RSS_TELLS } from '../support/sanitizer';

/** How long the process stands still: longer than its session lives (4 s) and than its list holds (5 s). `PAUSE_SECONDS` sets another. */
const PAUSE_MS = 1000 * Number(process.env['PAUSE_SECONDS'] ?? 8);
/** Fragments in a list, and their length. */
const LISTED = 10;
const FRAGMENT_MS = 500;
/** Garbage that comes and goes. */
const NOISE_BYTES = 8 * 2 ** 20;

interface Look {
  frames: number;
  newestMs: number;
  gaps: Gap[];
  reconnects: string[];
  sessions: number;
  ends: string;
  gapMs: number;
  readErrors: number;
  mediaMs: number;
  health: string;
  heapUsed: number;
  rss: number;
}

it('goes on by itself after it was stopped: one new session, one hole of the right length, no failure, and no more memory', async () => {
  await using stage = await setStage({ simulator: { sessionLifetimeSeconds: 4 } });
  const options = {
    streamName: STREAM,
    // Told 300 s, it renews at 3 s and has the rest to do so.
    hlsSessionSeconds: 300,
    urlRefreshMarginSeconds: 297,
    maxMediaPlaylistFragmentResults: LISTED,
  };
  const looks: Look[] = [];
  const look = async (child: ChildProcess): Promise<Look> => {
    const answer = new Promise<Look>((resolve) =>
      child.once('message', resolve as (message: unknown) => void),
    );
    child.send('look');
    return answer;
  };
  const child = ['--expose-gc', `${ROOT}/test/support/paused-child.cjs`, ROOT, JSON.stringify(options)];
  const result = await runNode(child, {
    env: stage.simulator.environment,
    onMessage: async (message, started) => {
      if (message !== 'ready') return;
      await sleep(2500);
      looks.push(await look(started));
      started.kill('SIGSTOP');
      await sleep(PAUSE_MS);
      started.kill('SIGCONT');
      await sleep(1500);
      looks.push(await look(started));
      await sleep(3000);
      looks.push(await look(started));
      started.send('stop');
    },
  });
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  const [before, soonAfter, later] = looks as [Look, Look, Look];
  expect(before).toMatchObject({ gaps: [], reconnects: [], health: 'flowing' });
  for (const after of [soonAfter, later]) {
    expect(after).toMatchObject({ readErrors: 0, health: 'flowing' });
    // The renewal that was due long ago may be there before the old session is asked, and refuses.
    expect(['', 'HLS_SESSION_EXPIRED']).toContain(after.reconnects.join());
    expect(after).toMatchObject({ ends: 'reading', gaps: [{ cause: 'outage' }] });
    // What came and what is missing is what there was, but for a fragment that is decoded and not taken yet; and what is missing is what
    // the list had lost.
    const accountedMs = after.mediaMs + after.gapMs - before.mediaMs;
    expect(Math.abs(accountedMs - (after.newestMs - before.newestMs))).toBeLessThanOrEqual(FRAGMENT_MS);
    const keptMs = LISTED * FRAGMENT_MS;
    expect(Math.abs(after.gapMs - (PAUSE_MS - keptMs))).toBeLessThanOrEqual(4 * FRAGMENT_MS);
  }
  expect(later.frames).toBeGreaterThan(soonAfter.frames);
  // The first, what renewed it before, the one after the standstill, and its renewals of every three seconds.
  expect(soonAfter.sessions - before.sessions).toBeLessThanOrEqual(2);
  // None was asked for in vain. One may be under way.
  const asked = stage.simulator.requests.counts.GetHLSStreamingSessionURL;
  expect([later.sessions, later.sessions + 1]).toContain(asked);
  expect(later.heapUsed - before.heapUsed).toBeLessThan(NOISE_BYTES);
  if (RSS_TELLS) expect(later.rss - before.rss).toBeLessThan(4 * NOISE_BYTES);
}, 180_000);
