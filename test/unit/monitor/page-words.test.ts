import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { CameraFacts, CameraSnapshot, Snapshot, Tick } from '../../../lib/monitor/protocol';

const folder = join(__dirname, '..', '..', '..', 'lib', 'monitor', 'page');

/** What an expression comes to in the page's own modules, `m`, which are run by Node as they are. */
function inPage(module: string, expression: string): unknown {
  const url = pathToFileURL(join(folder, module)).href;
  const script = `import(${JSON.stringify(url)}).then((m) => console.log(JSON.stringify(${expression})))`;
  const flags = ['--no-warnings', '--experimental-detect-module', '--input-type=module', '-e', script];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
}

const nowMs = Date.UTC(2026, 10, 22, 10, 15);
const facts: CameraFacts = {
  status: 'flowing',
  healthy: true,
  reason: 'frames flow',
  sinceMs: nowMs,
  nextStep: null,
  nextAtMs: null,
  ageMs: 700,
  capturedMs: nowMs - 700,
  fps: 25,
  bytesPerSecond: 1000,
  width: 1920,
  height: 1080,
  frames: 1,
  gapCount: 0,
  missingMs: 0,
  droppedFrames: 0,
  readErrors: 0,
  renewals: 0,
  reconnectsLastHour: 0,
  sessionId: 1,
  expiresAtMs: null,
  fragmentMs: 2000,
  stallAfterMs: 10_000,
  decoder: null,
  fault: null,
};

describe('the words of the live page', () => {
  it('are short, exact where it matters, and never below zero', () => {
    const said = inPage(
      'words.js',
      `[
        [-5, 40, 1234, 9949, 9951, 99_400, 99_600, 3_599_000, 7_500_000, 200_000_000].map((ms) => m.durationWords(ms)),
        m.durationWords(1234, true),
        [-1, 0, 999, 61_000, 3_661_000].map(m.countdownWords),
        [null, 0, 0.04, 7.25, 24.96, 1200].map(m.fpsWords),
        [null, 0, 12_500, 124_000, 1_250_000, 12_500_000].map(m.bandwidthWords),
      ]`,
    );
    expect(said).toEqual([
      [
        '0.0 s',
        '0.0 s',
        '1.2 s',
        '9.9 s',
        '10 s',
        '99 s',
        '1 min 40 s',
        '59 min 59 s',
        '2 h 5 min',
        '2 d 7 h',
      ],
      '1 s',
      ['0:00', '0:00', '0:01', '1:01', '1:01:01'],
      ['–', '0', '0.0', '7.3', '25', '1200'],
      ['–', '0 kbit/s', '100 kbit/s', '992 kbit/s', '10 Mbit/s', '100 Mbit/s'],
    ]);
  });

  it('say what comes next, and when', () => {
    const steps = [
      { ...facts, nextStep: 'renew', nextAtMs: nowMs + 41_000 },
      { ...facts, status: 'reconnecting', nextStep: 'reconnect', nextAtMs: nowMs - 3000 },
      { ...facts, nextStep: 'stall', nextAtMs: nowMs + 9000 },
      { ...facts, nextStep: 'stall', nextAtMs: nowMs + 4000 },
      facts,
    ];
    expect(
      inPage('words.js', `${JSON.stringify(steps)}.map((facts) => m.nextWords(facts, ${nowMs}))`),
    ).toEqual(['opens the next session in 41 s', 'connects again now', '', 'counts as stalled in 4 s', '']);
  });

  it('say what is missing and why, or that it was had after all', () => {
    const gap = { atMs: nowMs, fromMs: null, ms: 2000, fragments: 1 };
    const gaps = [
      { ...gap, cause: 'outage', recovered: false },
      { ...gap, cause: 'outage', recovered: true },
    ];
    expect(inPage('words.js', `${JSON.stringify(gaps)}.map(m.gapWords)`)).toEqual([
      '2.0 s missing: no session meanwhile',
      '2.0 s had after all',
    ]);
  });
});

describe('what the live page knows', () => {
  const camera = (id: string, more: Partial<CameraSnapshot> = {}): CameraSnapshot => ({
    id,
    facts,
    strip: [{ atMs: nowMs, status: 'flowing' }],
    ages: [],
    rates: [],
    gaps: [],
    reconnects: [],
    ...more,
  });
  const snapshot: Snapshot = {
    nowMs,
    stripMs: 600_000,
    seriesLength: 3,
    notesLength: 2,
    actions: [],
    cameras: [camera('front-door', { ages: [1, 2, 3], rates: [4, 5, 6] }), camera('yard')],
  };
  const tick = (afterMs: number, more: Partial<Tick> = {}): Tick => ({
    nowMs: nowMs + afterMs,
    isSample: true,
    cameras: [],
    added: [],
    gone: [],
    ...more,
  });
  const gap = (ms: number) => ({
    atMs: nowMs,
    cause: 'media' as const,
    ms,
    fragments: 1,
    recovered: false,
    fromMs: null,
  });

  it('follows the ticks, within the bounds that the server names', () => {
    const ticks = [
      tick(1000, { cameras: [{ id: 'front-door', facts: { ageMs: 900 }, gaps: [gap(1), gap(2)] }] }),
      tick(1300, {
        isSample: false,
        cameras: [{ id: 'front-door', facts: { status: 'stalled', healthy: false }, gaps: [gap(3)] }],
      }),
      tick(2000, { gone: ['yard'], added: [camera('roof')], cameras: [{ id: 'yard', facts: { ageMs: 1 } }] }),
      tick(700_000, { cameras: [{ id: 'front-door', facts: { status: 'flowing', healthy: true } }] }),
    ];
    const seen = inPage(
      'store.js',
      `(() => {
        const store = new m.Store();
        store.restart(${JSON.stringify(snapshot)});
        const changes = ${JSON.stringify(ticks)}.map((tick) =>
          store.apply(tick).map(({ camera, before }) => [camera.id, before]));
        return { changes, nowMs: store.nowMs, cameras: [...store.cameras.values()] };
      })()`,
    ) as { cameras: CameraSnapshot[] };
    expect(seen).toMatchObject({
      changes: [[], [['front-door', 'flowing']], [], [['front-door', 'stalled']]],
      nowMs: nowMs + 700_000,
    });
    expect(seen.cameras.map(({ id }) => id)).toEqual(['front-door', 'roof']);
    const [door, roof] = seen.cameras;
    expect(door).toMatchObject({
      ages: [900, 900, 900],
      rates: [1000, 1000, 1000],
      facts: { status: 'flowing' },
    });
    expect(door?.gaps.map(({ ms }) => ms)).toEqual([2, 3]);
    expect(door?.strip).toEqual([
      { atMs: nowMs + 1300, status: 'stalled' },
      { atMs: nowMs + 700_000, status: 'flowing' },
    ]);
    expect(roof?.ages).toEqual([700]);
  });

  it('sorts the cameras into well, idle and not well', () => {
    const statuses: Partial<CameraFacts>[] = [
      { status: 'flowing', healthy: true },
      { status: 'idle', healthy: true },
      { status: 'stalled', healthy: false },
      { status: 'reconnecting', healthy: false },
      { status: 'connecting', healthy: false },
      { status: 'failed', healthy: false },
      { status: 'stopped', healthy: false },
    ];
    const among = inPage(
      'grid.js',
      `['all', 'well', 'idle', 'trouble'].map((filter) =>
        ${JSON.stringify(statuses)}.filter((facts) => m.isAmong({ facts }, filter)).map(({ status }) => status).join(' '))`,
    );
    expect(among).toEqual([
      'flowing idle stalled reconnecting connecting failed stopped',
      'flowing',
      'idle',
      'stalled reconnecting connecting failed stopped',
    ]);
  });
});

describe('the columns of the live page', () => {
  it.each([
    [1, 1229, 1],
    [2, 1229, 2],
    [3, 1229, 3],
    // One row of four in a window of 1280 px, also beside a scrollbar.
    [4, 1229, 4],
    [4, 1214, 4],
    [4, 1000, 2],
    [4, 296, 1],
    [5, 1229, 3],
    [6, 1229, 3],
    [7, 1229, 4],
    [9, 1229, 3],
    [0, 1229, 1],
    [4, 0, 1],
  ])('make even rows of %i tiles on %i px: %i', (count, width, columns) => {
    expect(inPage('columns.js', `m.columnsOf(${count}, ${width}, 280, 16)`)).toBe(columns);
  });
});
