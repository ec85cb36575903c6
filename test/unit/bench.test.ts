import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runNode } from '../support/child';

const rounds = (...cpuMs: number[]) =>
  cpuMs.map((ms) => ({
    cpuMs: ms,
    picturesPerSecond: 200,
    mainThreadMicroseconds: 12,
    peakRssMiB: 90,
    startupMs: 300,
    frames: 1200,
    decodeMs: ms - 0.5,
    convertMs: 0.4,
  }));

const contender = (id: string, group: string, title: string, cpuMs: number[]) => ({
  ...{ id, group, title },
  skipped: null as string | null,
  rounds: rounds(...cpuMs),
});

const seen = (...cpuMs: number[]) =>
  cpuMs.map((ms) => ({ frames: 360, cpuMs: ms, mainThreadMicroseconds: 120, answersPerSecond: 1 }));

/** A trial of so many cameras, of which the threads took so many cores. */
const trial = (count: number, engine: number, main: number, shortfalls: string[] = []) => ({
  ...{ count, shortfalls, framesPerSecond: count * 5, gapMs: 0, simulatorCores: 0.2, rssPerCameraMiB: 8 },
  ageMs: { p50: 1200, p95: 2100, ofHalves: [2100, 2110] },
  cores: { main, engine, network: 0.1, helpers: 0 },
  eventLoop: { p50Ms: 0.1, p99Ms: 2, maxMs: 9 },
});

/** What a run on an imaginary machine left behind. */
const RESULTS = {
  date: '2026-02-03T04:05:06.000Z',
  quick: false,
  wallSeconds: 600,
  machine: {
    cpu: 'Imaginary <1>',
    cores: 4,
    memoryGiB: 8,
    isVirtual: false,
    os: 'Debian',
    bareWakeMicroseconds: 20,
  },
  versions: { 'kvs-frames': '0.0.1', Node: 'v20.0.0' },
  throughput: {
    scene: { width: 1920, height: 1080, fps: 30, kbps: 4000, pictures: 1200, warmUp: 300 },
    rows: [
      contender('floor', 'peers', 'C++ floor', [4, 5, 6]),
      contender('ffmpeg-bgr24', 'peers', 'ffmpeg, decode + bgr24', [5, 6, 7]),
      contender('pyav', 'peers', 'PyAV', [2, 2, 2]),
      { ...contender('opencv', 'peers', 'OpenCV', []), skipped: 'needs a package' },
      contender('reader', 'ours', 'kvs-frames', [4, 5.5, 6]),
      contender('fps5', 'variants', '`targetFps: 5`', [3, 4, 5]),
    ],
    threads: {
      frames: 900,
      microseconds: { main: 10, engine: 4000, helpers: 5, network: 40 },
      decodeMicroseconds: 3500,
      convertMicroseconds: 450,
      demuxMicroseconds: 10,
      wakesPerFrame: 0.2,
    },
  },
  growth: {
    scene: { width: 320, height: 180 },
    rows: [1, 2, 3, 4].map((n) => ({
      frames: n * 1000,
      cpuMicroseconds: 250 - n,
      rssMiB: 100 + n,
      heapMiB: 10,
    })),
  },
  live: {
    scene: { width: 1920, height: 1080, fps: 30 },
    fragmentMs: 2000,
    firstFrameMs: { first: 500, alone: [300, 320, 310], beside: [120] },
    rows: [
      {
        ...{ id: 'reader', title: 'kvs-frames', skipped: null, frames: 400, mainThreadShare: 0.012 },
        ageMs: { p50: 1200, p95: 2000, max: 2475 },
        eventLoop: { p50Ms: 0.1, p99Ms: 1.5, maxMs: 9 },
      },
      { id: 'node-av', title: 'node-av', skipped: 'failed: exit 1' },
    ],
  },
  cameras: {
    size: { width: 1280, height: 720 },
    rows: [
      {
        ...{ id: 'slow', title: '64 cameras at 2 fps', gapMs: 0, cores: 0.6, mainThreadShare: 0.05 },
        ...{ threads: 77, rssMiB: 900, rssPerCameraMiB: 12, allStartedMs: 3000 },
        rates: [{ expected: 2, count: 64, framesPerSecond: [2, 1.9, 2.1] }],
        ageMs: { p50: 1200, p95: 2100, max: 2300 },
        eventLoop: { p50Ms: 0.1, p99Ms: 2, maxMs: 9 },
        idleLoop: { p50Ms: 0.1, p99Ms: 1, maxMs: 3 },
      },
    ],
  },
  observe: {
    ...{ size: { width: 1280, height: 720 }, fps: 15, cameras: 4, fragmentSeconds: 2, seconds: 6 },
    rows: [
      { id: 'unseen', title: 'nobody asks', rounds: seen(4, 5, 8) },
      { id: 'scraped', title: '`/metrics` scraped every second', rounds: seen(4, 6, 8) },
    ],
    scrape: {
      ...{ sources: 100, lines: 18_000, bytes: 1_200_000 },
      ...{ wallMs: 40, cpuMs: 50, observeNanoseconds: 15.4 },
    },
  },
};

describe('the page that the bench writes', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-frames-page-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function page(results: object): Promise<{ text: string; picture: () => string }> {
    const json = join(folder, 'bench.json');
    writeFileSync(json, JSON.stringify(results));
    const result = await runNode([join(ROOT, 'bench/document.mjs'), json, folder]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const text = readFileSync(join(folder, 'performance.md'), 'utf8');
    expect(text).not.toMatch(/NaN|undefined|null|Infinity/);
    return { text, picture: () => readFileSync(join(folder, 'performance.svg'), 'utf8') };
  }

  it('names the machine, the date and the command', async () => {
    const { text } = await page(RESULTS);
    expect(text).toContain(
      'Measured on 2026-02-03 by `npm run bench` in 10 minutes: Imaginary <1>, 4 cores, 8 GiB',
    );
  });

  it('compares round by round, and says by how much a target is met or missed', async () => {
    const { text } = await page(RESULTS);
    // 4/4, 5.5/5, 6/6: the median of the ratios, not the ratio of the medians.
    expect(text).toMatch(
      /multiple of the C\+\+ floor +\| +≤ 1 × \| +1\.000 \(1\.000–1\.100\) × \| +met, 0 % to spare/,
    );
    expect(text).toMatch(
      /cheapest peer \(PyAV\) +\| +≤ 1 × \| +2\.750 \(2\.000–3\.000\) × \| +\*\*missed by 175 %\*\*/,
    );
    expect(text).toMatch(/greatest age .*\| ≤ 2250 ms \| +2475 ms \| +\*\*missed by 10 %\*\*/);
    expect(text).toMatch(/one key frame per 2 s.*\| +– \| +not measured/);
  });

  it('says plainly what costs less, and names what was skipped', async () => {
    const { text } = await page(RESULTS);
    expect(text).toContain('**It costs more than**: PyAV (×2.75).');
    expect(text).toContain('Skipped: OpenCV (needs a package).');
    expect(text).toContain('Skipped: node-av (failed: exit 1).');
  });

  it('compares what it costs to be seen with not being seen, round by round', async () => {
    const { text } = await page(RESULTS);
    // 4/4, 6/5, 8/8.
    expect(text).toMatch(
      /scraped every second +\| +1080 \| +6\.00 \(4\.00–8\.00\) \| +1\.000 \(1\.000–1\.200\) \|/,
    );
    expect(text).toContain('age takes 15 ns. A scrape of 100 sources, 18000 lines, takes 40 ms');
  });

  it('leaves out what was not measured', async () => {
    const { growth, machine, versions, date, wallSeconds } = RESULTS;
    const { text } = await page({ quick: true, growth, machine, versions, date, wallSeconds });
    expect(text).toContain('too short to be quoted');
    expect(text).toContain('## Whether it grows');
    expect(text).not.toContain('## Live');
    expect(text).not.toContain('## What it costs to be seen');
    expect(text).not.toContain('performance.svg');
  });

  it('draws a bar for each contender that was measured, in both colour schemes', async () => {
    const picture = (await page(RESULTS)).picture();
    expect(picture).toContain('prefers-color-scheme: dark');
    expect(picture).toContain('Imaginary &lt;1&gt;');
    expect(picture.match(/<rect class="(bar|own)"/g)).toHaveLength(5);
    expect(picture).not.toMatch(/NaN|undefined/);
  });
});

describe('the page of how many cameras a host holds', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-frames-load-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('names the most that were in time, what they cost each, and what had nothing left where there were more', async () => {
    const { machine, versions, date, wallSeconds } = RESULTS;
    const rows = [
      {
        title: 'small',
        fps: 5,
        most: 40,
        least: 44,
        trials: [trial(44, 3.6, 0.2, ['age']), trial(40, 1.5, 0.2)],
      },
      {
        title: 'large',
        fps: 1,
        most: 9,
        least: 10,
        trials: [trial(9, 1, 0.5), trial(10, 1, 0.95, ['growth'])],
      },
      { title: 'endless', fps: 1, most: 9, least: null, trials: [trial(9, 1, 0.5)] },
      { title: 'none', fps: 1, most: 0, least: 1, trials: [trial(1, 1, 0.5, ['frames'])] },
    ];
    const times = { warmUpSeconds: 20, seconds: 12 };
    const criterion = { fragmentMs: 2000, lateMs: 1000, growthMs: 250, share: 0.97, ...times };
    const json = join(folder, 'bench.json');
    const results = { machine, versions, date, wallSeconds, quick: false, load: { criterion, rows } };
    writeFileSync(json, JSON.stringify(results));
    const result = await runNode([join(ROOT, 'bench/document.mjs'), json, folder]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const text = readFileSync(join(folder, 'load.md'), 'utf8');
    expect(text).not.toMatch(/NaN|undefined|null|Infinity/);
    expect(text).toContain('`npm run bench -- --only load`');
    expect(text).toMatch(
      /small +\| +\*\*40\*\* \| +200 \| .* 4\.5 % .*the cores, 88 % of them decoding and converting/,
    );
    expect(text).toMatch(/large +\| +\*\*9\*\* .*the main thread \|/);
    expect(text).toMatch(/endless .*\*\*9\*\* or more .*not reached/);
    expect(text).toMatch(/none +\| +< 1 /);
    expect(text).toMatch(/small +\| +44 \| +age /);
    const picture = readFileSync(join(folder, 'load.svg'), 'utf8');
    expect(picture.match(/<rect class="own"/g)).toHaveLength(4);
    expect(picture).not.toMatch(/NaN|undefined/);
  });

  it('comes from a search that doubles what held, halves what did not, and stops within a tenth', async () => {
    const program = `
      import { nextCount, shortfalls } from ${JSON.stringify(join(ROOT, 'bench/load.mjs'))};
      const searched = (held, guess) => {
        let [most, least] = [null, null];
        const tried = [];
        for (let count = guess; count !== null && tried.length < 20; count = nextCount(most, least, guess)) {
          tried.push(count);
          if (count <= held) most = count;
          else least = count;
        }
        return { most, least, trials: tried.length };
      };
      const good = { ageMs: { p95: 2900, ofHalves: [2800, 3000] }, framesPerSecond: 49, gapMs: 0 };
      console.log(JSON.stringify([
        searched(37, 16), searched(37, 200), searched(1, 16), searched(0, 16),
        shortfalls(good, 10, 5),
        shortfalls({ ageMs: { p95: 3100, ofHalves: [2000, 2300] }, framesPerSecond: 48, gapMs: 10 }, 10, 5),
      ]));`;
    const { stdout, stderr } = await runNode(['--input-type=module', '--eval', program]);
    expect(stderr).toBe('');
    const [above, below, one, none, good, bad] = JSON.parse(stdout) as unknown[];
    for (const found of [above, below] as { most: number; least: number; trials: number }[]) {
      expect(found.most).toBeLessThanOrEqual(37);
      expect(found.least).toBeGreaterThan(37);
      expect(found.least / found.most).toBeLessThanOrEqual(1.1);
      expect(found.trials).toBeLessThanOrEqual(8);
    }
    expect([one, none]).toMatchObject([
      { most: 1, least: 2 },
      { most: null, least: 1 },
    ]);
    expect([good, bad]).toEqual([[], ['age', 'growth', 'frames', 'gaps']]);
  });
});
