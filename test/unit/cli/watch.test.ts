import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { watch, type WatchOptions } from '../../../lib/cli/watch';
import { FrameSourceError } from '../../../lib/errors';
import { FakeClock, settled } from '../../support/fake-clock';
import { FakeSource, metrics, type FakeFrame } from '../../support/fake-source';
import { written, type Written } from '../../support/written-output';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kvs-watch-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Watched {
  fake: FakeSource;
  clock: FakeClock;
  shown: Written;
  exitCode: Promise<number>;
  /** Frames `ms` after the start, handed over now. */
  give(...ms: number[]): Promise<void>;
}

function watched(kind: Parameters<typeof written>[0], options: Partial<WatchOptions> = {}): Watched {
  const fake = new FakeSource();
  const clock = new FakeClock();
  const shown = written(kind);
  const startMs = clock.now();
  const exitCode = watch(fake.source, { display: true, ...options }, shown.output, new Registry(), clock);
  const frame = (ms: number): FakeFrame => ({
    cameraId: fake.cameraId,
    timestampMs: startMs + ms,
    ageMs: 1000,
    synthetic: false,
    toJpeg: () => Promise.resolve(Buffer.from('jpeg')),
  });
  const give = async (...ms: number[]): Promise<void> => {
    fake.give(...ms.map(frame));
    await settled();
  };
  return { fake, clock, shown, exitCode, give };
}

const types = (shown: Written): unknown[] => shown.objects().map(({ type }) => type);

describe('watching a source', () => {
  it('tells statistics every 10 s, and the report last', async () => {
    const { fake, clock, shown, exitCode, give } = watched('json', { maxFrames: 3 });
    await give(0, 50);
    await clock.advance(9_999);
    expect(types(shown)).toEqual([]);
    await clock.advance(10_002);
    expect(types(shown)).toEqual(['statistics', 'statistics']);
    fake.metrics = metrics({ fetchedBytes: 7 });
    await give(100);
    expect(await exitCode).toBe(0);
    expect(types(shown)).toEqual(['statistics', 'statistics', 'report']);
    expect(shown.objects().at(-1)).toMatchObject({ frames: 3, fetchedBytes: 7, durationSeconds: 20.001 });
    expect(fake.isStopped).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('draws the line on a terminal, and no more of it after the end', async () => {
    const { clock, shown, exitCode, give } = watched({ columns: 60 }, { maxFrames: 3 });
    await give(0, 50);
    await clock.advance(600);
    expect(shown.text()).toBe('\rfront-door · flowing · 20.0 fps · age 1.0 s · no gaps\u001b[K'.repeat(2));
    await give(100);
    await exitCode;
    expect(shown.text().split('\u001b[K').at(-1)).toMatch(
      /^front-door: read for 0\.6 s\n[\s\S]*read errors +0\n$/,
    );
  });

  it('draws nothing where that is not wanted, and into no pipe', async () => {
    for (const kind of [{ columns: 60 }, 'people'] as const) {
      const { clock, shown, exitCode, give } = watched(kind, { maxFrames: 2, display: kind === 'people' });
      await give(0);
      await clock.advance(600);
      expect(shown.text()).toBe('');
      await give(50);
      await exitCode;
      expect(shown.text()).not.toContain('\r');
    }
  });

  it('ends at the first signal with the report, and listens to none after that', async () => {
    const before = process.listenerCount('SIGINT');
    const { fake, shown, exitCode, give } = watched('json');
    await give(0, 50);
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
    process.emit('SIGINT');
    expect(await exitCode).toBe(0);
    expect(fake.isStopped).toBe(true);
    expect(shown.objects()).toEqual([expect.objectContaining({ type: 'report', frames: 2 })]);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  it.each(['signal', 'maxFrames'] as const)(
    'reports how the source did right before the end: %s',
    async (end) => {
      const { fake, shown, exitCode, give } = watched('json', { maxFrames: 2 });
      await give(0);
      fake.status = 'reconnecting';
      fake.reason = 'reconnecting, no frame for 14 s: x';
      fake.lastFrameAgoMs = 14_400;
      if (end === 'signal') process.emit('SIGINT');
      else await give(50);
      await exitCode;
      expect(fake.health().status).toBe('stopped');
      const [report] = shown.objects();
      expect(report).toMatchObject({
        endedAs: { status: 'reconnecting', reason: fake.reason, lastFrameAgoMs: 14_400 },
      });
    },
  );

  it('fails with what the source failed with, and still reports', async () => {
    const { fake, shown, exitCode, give } = watched('json');
    await give(0);
    fake.give(new FrameSourceError('KVS_DENIED', 'not allowed'));
    expect(await exitCode).toBe(1);
    expect(shown.objects()).toMatchObject([
      { type: 'error', code: 'KVS_DENIED', message: 'not allowed' },
      { type: 'report', frames: 1 },
    ]);
  });

  it('passes over repetitions, and frames that keep no even pace', async () => {
    const { shown, exitCode, give, fake, clock } = watched('json', { targetFps: 10, maxFrames: 3 });
    fake.give({ timestampMs: clock.now(), ageMs: 0, synthetic: true });
    await give(100, 150, 200, 250, 300);
    await exitCode;
    expect(shown.objects().at(-1)).toMatchObject({ frames: 3, skippedFrames: 2, repeatedFrames: 1 });
  });

  it('keeps snapshots, goes on when that fails, and says so at the end', async () => {
    const out = { directory: join(directory, 'out'), everySeconds: 1 };
    const { fake, shown, exitCode, give } = watched('json', { out, maxFrames: 3 });
    const untilSaid = async (type: string): Promise<void> => {
      while (!types(shown).includes(type)) await settled();
    };
    await give(0);
    await untilSaid('snapshot');
    expect(readdirSync(out.directory)).toHaveLength(1);
    rmSync(out.directory, { recursive: true });
    await give(1000);
    await untilSaid('snapshot-error');
    await give(1040);
    expect(await exitCode).toBe(1);
    expect(types(shown)).toEqual(['snapshot', 'snapshot-error', 'report']);
    expect(shown.objects().at(-1)).toMatchObject({ frames: 3, snapshots: 1, snapshotErrors: 1 });
    expect(fake.isStopped).toBe(true);
  });

  it('reads nothing where snapshots can not be kept', async () => {
    const { fake, exitCode } = watched('json', { out: { directory: '/proc/none', everySeconds: 1 } });
    await expect(exitCode).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(fake.isStopped).toBe(true);
  });

  it('serves metrics and the page while it reads', async () => {
    const { shown, exitCode, give } = watched('json', { metricsPort: 0, pagePort: 0, maxFrames: 1 });
    while (shown.objects().length < 2) await settled();
    const urls = new Map(shown.objects().map(({ type, url }) => [type, String(url)]));
    const answers = await Promise.all(
      ['metrics', 'page'].map(async (type) => {
        const response = await fetch(urls.get(type) ?? '');
        await response.text();
        return [type, response.status, response.headers.get('content-type')?.split(';')[0]];
      }),
    );
    expect(answers).toEqual([
      ['metrics', 200, 'text/plain'],
      ['page', 200, 'text/html'],
    ]);
    await give(0);
    expect(await exitCode).toBe(0);
    await expect(fetch(urls.get('page') ?? '')).rejects.toThrow();
  });
});
