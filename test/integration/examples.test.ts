import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runNode, type ChildResult } from '../support/child';

const FOLDER = join(ROOT, 'examples');
const run = (name: string, ...args: string[]): Promise<ChildResult> =>
  runNode([join(FOLDER, `${name}.mjs`), ...args]);
const lines = ({ stdout }: ChildResult): string[] => stdout.trimEnd().split('\n');

/** Seconds of video each, and a model to load. */
jest.setTimeout(120_000);

describe('the examples', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-frames-examples-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are each under 60 lines', () => {
    const lengths = readdirSync(FOLDER).map((name) => [
      name,
      readFileSync(join(FOLDER, name), 'utf8').split('\n').length - 1,
    ]);
    expect(lengths.filter(([, length]) => (length as number) >= 60)).toEqual([]);
  });

  it('read the clock in three pictures of a camera, as the machine-readable stamp says it', async () => {
    const result = await run('ocr');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const read = lines(result).map((line) =>
      /^#(\d) [-\dT:.]+Z: (00:00:\d\d\.\d{3}) at \d+, \d+$/.exec(line),
    );
    expect(read.map((match) => match?.[1])).toEqual(['0', '1', '2']);
    // A second apart, in a clip of ten that runs over and over.
    const seconds = read.map((match) => Number(match?.[2]?.slice(6)));
    expect(seconds.slice(1).map((now, i) => Math.round(now - (seconds[i] ?? 0) + 10) % 10)).toEqual([1, 1]);
  });

  it('write thumbnails', async () => {
    const result = await run('thumbnails', folder);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(lines(result)).toHaveLength(3);
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    expect(files).toHaveLength(3);
    for (const jpeg of files) expect(jpeg.subarray(0, 2).toString('hex')).toBe('ffd8');
  });

  it('spread frames over workers, each of which gets some', async () => {
    const result = await run('workers', '3');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const said = lines(result);
    const perWorker = said.slice(0, 3).map((line) => Number(/^thread \d+: (\d+) frames$/.exec(line)?.[1]));
    expect(Math.min(...perWorker)).toBeGreaterThan(0);
    expect(perWorker.reduce((sum, count) => sum + count)).toBe(60);
    expect(said[3]).toMatch(/^60 frames, sharpness \d{3} to \d{3,4}$/);
  });

  it('read many cameras in batches', async () => {
    const result = await run('many-cameras', '3');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const said = lines(result);
    expect(said).toHaveLength(5);
    for (const line of said) expect(line).toMatch(/^\[\d, 3, 320, 320\] camera-\d \(\d+\.\d s old\)/);
    for (const camera of ['camera-0', 'camera-1', 'camera-2']) expect(result.stdout).toContain(camera);
  });
});
