import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileNameOf, Snapshots, type SnapshotFrame } from '../../../lib/cli/snapshots';
import { FakeClock } from '../../support/fake-clock';

const START = Date.UTC(2026, 10, 23, 2, 47, 27, 123);
let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'kvs-snapshots-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const frameAt = (ms: number, toJpeg = () => Promise.resolve(Buffer.from(`jpeg ${ms}`))): SnapshotFrame => ({
  cameraId: 'front-door',
  timestampMs: START + ms,
  toJpeg,
});

interface Kept {
  snapshots: Snapshots;
  directory: string;
  written: jest.Mock<(path: string, timestampMs: number) => void>;
  failures: string[];
}

async function open(everySeconds = 10, directory = join(parent, 'a', 'b')): Promise<Kept> {
  const written = jest.fn<(path: string, timestampMs: number) => void>();
  const failures: string[] = [];
  const snapshots = await Snapshots.open({
    directory,
    everySeconds,
    clock: new FakeClock(),
    onWritten: written,
    onFailure: (message) => failures.push(message),
  });
  return { snapshots, directory, written, failures };
}

describe('snapshots', () => {
  it('keeps the first frame, then one each so many seconds of capture time, whole and under its final name', async () => {
    const { snapshots, directory, written, failures } = await open();
    for (const ms of [0, 40, 9960, 10_000, 10_040, 25_000]) {
      snapshots.offer(frameAt(ms));
      await snapshots.close();
    }
    expect(readdirSync(directory)).toEqual([
      'front-door_2026-11-23T02-47-27.123Z.jpg',
      'front-door_2026-11-23T02-47-37.123Z.jpg',
      'front-door_2026-11-23T02-47-52.123Z.jpg',
    ]);
    expect(readFileSync(join(directory, 'front-door_2026-11-23T02-47-37.123Z.jpg'), 'utf8')).toBe(
      'jpeg 10000',
    );
    expect(written.mock.calls[1]).toEqual([
      join(directory, 'front-door_2026-11-23T02-47-37.123Z.jpg'),
      START + 10_000,
    ]);
    expect([snapshots.written, snapshots.errors, failures]).toEqual([3, 0, []]);
  });

  it('encodes one at a time: what is due meanwhile is made of the next frame', async () => {
    const { snapshots } = await open(1);
    let finish: (jpeg: Buffer<ArrayBuffer>) => void = () => {};
    snapshots.offer(frameAt(0, () => new Promise((resolve) => (finish = resolve))));
    const passed = jest.fn(() => Promise.resolve(Buffer.alloc(1)));
    snapshots.offer(frameAt(1000, passed));
    expect(passed).not.toHaveBeenCalled();
    finish(Buffer.alloc(1));
    await snapshots.close();
    snapshots.offer(frameAt(1040));
    await snapshots.close();
    expect(snapshots.written).toBe(2);
  });

  it('goes on after a file that could not be written, says so once, and counts', async () => {
    const { snapshots, directory, failures } = await open(1);
    rmSync(directory, { recursive: true });
    for (const ms of [0, 1000]) {
      snapshots.offer(frameAt(ms));
      await snapshots.close();
    }
    mkdirSync(directory);
    snapshots.offer(frameAt(2000, () => Promise.reject(new Error('no encoder'))));
    await snapshots.close();
    snapshots.offer(frameAt(3000));
    await snapshots.close();
    expect([snapshots.written, snapshots.errors]).toEqual([1, 3]);
    expect(failures).toEqual([expect.stringMatching(/could not be kept: ENOENT.*Reading goes on/)]);
    expect(readdirSync(directory)).toEqual(['front-door_2026-11-23T02-47-30.123Z.jpg']);
  });

  it('refuses at the start a directory that can not be made or written to', async () => {
    const file = join(parent, 'file');
    writeFileSync(file, '');
    for (const directory of [file, join(file, 'below'), '/proc/none']) {
      await expect(open(1, directory)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/--out .*(ENOTDIR|ENOENT).* Give another one/),
      });
    }
  });

  it('leaves nothing behind of having tried the directory', async () => {
    const { directory } = await open();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('does not wait for ever for a picture that is never done', async () => {
    const clock = new FakeClock();
    const snapshots = await Snapshots.open({
      directory: parent,
      everySeconds: 1,
      clock,
      onWritten: () => {},
      onFailure: () => {},
    });
    snapshots.offer(frameAt(0, () => new Promise(() => {})));
    const closed = snapshots.close();
    await clock.advance(5_000);
    await closed;
    expect(snapshots.errors).toBe(1);
  });
});

describe("a camera's name in a file name", () => {
  it('stays as it is where it can', () => {
    expect(fileNameOf('front-door_2.b')).toBe('front-door_2.b');
    expect(fileNameOf('Tür')).toBe('Tür');
    expect(fileNameOf('玄関')).toBe('玄関');
  });

  it.each(['..', '.', '../../etc/passwd', '/etc/passwd', 'a\\b', 'a\0b', 'a\nb', '\ud800', ' ', '-rf'])(
    'leads nowhere else: %j',
    (id) => {
      const name = fileNameOf(id);
      expect(name).toMatch(/^[^./\\\s\0][^/\\\s\0]*$/);
      expect(join('/out', `${name}_x.jpg`)).toBe(`/out/${name}_x.jpg`);
    },
  );

  it('differs where the names do', () => {
    const names = ['a/b', 'a_b', 'a%2Fb', 'a b', 'A/b', `${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`];
    expect(new Set(names.map(fileNameOf)).size).toBe(names.length);
  });

  it('is never too long for a file system', () => {
    for (const id of ['x'.repeat(256), '玄'.repeat(256), '/'.repeat(256)]) {
      expect(Buffer.byteLength(fileNameOf(id))).toBeLessThan(160);
    }
  });
});
