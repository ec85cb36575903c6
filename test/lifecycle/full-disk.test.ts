import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setStage, STREAM, type Stage } from '../support/camera';
import { cli, MAIN, told, type Told } from '../support/command';

const FRAMES = 80;
/** Three pictures of this camera take that much, and a fourth does not. */
const SMALL_DISK = '48k';

let stage: Stage;
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  stage = await setStage();
  env = stage.simulator.environment;
  folder = mkdtempSync(join(tmpdir(), 'kvs-disk-'));
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const read = (out: string): string[] => [
  ...['read', '--stream-name', STREAM, '--json', '--max-frames', String(FRAMES)],
  ...['--out', out, '--out-every', '0.1'],
];

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  /** What is on the disk afterwards: the bytes of each file. */
  files: Map<string, Buffer>;
}

/** Runs the command with a disk of its own, which `prepare` fills: nobody else sees it, and it goes with the command. */
async function onSmallDisk(name: string, prepare: string): Promise<Outcome> {
  const [disk, copy] = [mkdtempSync(join(folder, 'disk-')), join(folder, name)];
  const script = `
    set -e
    disk=$1
    shift
    mount -t tmpfs -o size=${SMALL_DISK} kvs-frames "$disk"
    ${prepare}
    code=0
    "$@" || code=$?
    cp -r "$disk" ${copy}
    exit $code`;
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const command = [process.execPath, MAIN, ...read(join(disk, 'out'))];
  const args = [...asRoot, '--mount', 'sh', '-c', script, 'sh', disk, ...command];
  const { code, stdout, stderr } = await new Promise<Omit<Outcome, 'files'>>((resolve) => {
    const options = {
      env: { ...process.env, ...env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    };
    const child = execFile('unshare', args, options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
  const out = join(copy, 'out');
  const names = existsSync(out) ? readdirSync(out) : [];
  return { code, stdout, stderr, files: new Map(names.map((file) => [file, readFileSync(join(out, file))])) };
}

const reportOf = (all: readonly Told[]): Told | undefined => all.find(({ type }) => type === 'report');
const failures = (all: readonly Told[]): unknown[] =>
  all.filter(({ type }) => type === 'snapshot-error').map(({ message }) => message);

it('a disk that is full from the beginning is told before anything is read, with what to do', async () => {
  const { code, stdout, stderr, files } = await onSmallDisk(
    'full',
    'cat /dev/zero > "$disk/other" 2> /dev/null || true',
  );
  expect(stderr).toMatch(/^CONFIG_INVALID: .*--out.*ENOSPC.*Free some space there/);
  expect([code, stdout, [...files.keys()]]).toEqual([2, '', []]);
});

it('a disk that fills up costs the snapshots that do not fit, none of the frames, and leaves no half of a file', async () => {
  const { code, stdout, stderr, files } = await onSmallDisk('filling', '');
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const all = told(stdout);
  expect(failures(all)).toEqual([expect.stringMatching(/could not be kept: ENOSPC.*Reading goes on/)]);
  const report = reportOf(all);
  expect(report).toMatchObject({ frames: FRAMES, gaps: 0, snapshots: files.size });
  expect(report?.['snapshotErrors']).toBeGreaterThan(0);
  expect(files.size).toBeGreaterThan(0);
  for (const [name, bytes] of files) {
    expect(name).toMatch(/^front-door_.*\.jpg$/);
    expect([bytes.readUInt16BE(0), bytes.readUInt16BE(bytes.length - 2)]).toEqual([0xffd8, 0xffd9]);
  }
});

it('a folder that is removed meanwhile costs the snapshots behind that, and the report tells how many', async () => {
  const out = join(folder, 'removed');
  let isRemoved = false;
  const { code, stdout, stderr } = await cli(read(out), {
    env,
    onOutput: (text) => {
      if (isRemoved || !text.includes('"snapshot"')) return;
      isRemoved = true;
      rmSync(out, { recursive: true });
    },
  });
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const all = told(stdout);
  expect(failures(all)).toEqual([expect.stringMatching(/could not be kept: ENOENT/)]);
  const report = reportOf(all);
  expect(report).toMatchObject({ frames: FRAMES, gaps: 0 });
  expect(report?.['snapshotErrors']).toBeGreaterThan(0);
  expect(existsSync(out)).toBe(false);
});

it('a process that may open no more files reads on with the connections it has, and keeps snapshots again once it may', async () => {
  const out = join(folder, 'descriptors');
  const limit = (pid: number | undefined, files: string): unknown =>
    expect(spawnSync('prlimit', ['--pid', String(pid), `--nofile=${files}`]).status).toBe(0);
  let at: 'open' | 'closed' | 'open again' = 'open';
  const { code, stdout, stderr } = await cli(read(out), {
    env,
    onOutput: (text, { pid }) => {
      if (at === 'open' && text.includes('"snapshot"')) {
        limit(pid, '3:');
        at = 'closed';
      } else if (at === 'closed' && text.includes('"snapshot-error"')) {
        limit(pid, '1024:');
        at = 'open again';
      }
    },
  });
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const all = told(stdout);
  expect(failures(all)).toEqual([expect.stringMatching(/could not be kept: EMFILE/)]);
  expect(reportOf(all)).toMatchObject({ frames: FRAMES, gaps: 0, errors: 0 });
  const types = all.map(({ type }) => type);
  expect(types.lastIndexOf('snapshot')).toBeGreaterThan(types.indexOf('snapshot-error'));
});

it('standard output that can not be written to ends the command with the reason', async () => {
  const args = [MAIN, ...read(join(folder, 'unheard'))];
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const;
  // Asynchronous: the simulator is in this process.
  const { code, stderr } = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
    const child = execFile(
      'sh',
      ['-c', '"$@" > /dev/full', 'sh', process.execPath, ...args],
      options,
      (_e, _o, stderr) => resolve({ code: child.exitCode, stderr }),
    );
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Standard output can't be written to: ENOSPC/m);
  expect(stderr).not.toMatch(/\n +at /);
});
