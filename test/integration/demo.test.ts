import { describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { breaks, see, setStage, type Seen } from '../support/camera';
import type { ChildOptions, ChildResult } from '../support/child';
import { cli, told, type Told } from '../support/command';

const CAMERAS = ['car-park', 'front-door', 'loading-bay', 'stairwell'];
/** The first time the cameras' pictures are made. */
const WITH_PICTURES_MS = 120_000;

const demo = (args: string[], options?: ChildOptions): Promise<ChildResult> =>
  cli(['demo', ...args], options);

describe('kvs-frames demo', () => {
  it(
    'reads four cameras of different codecs and sizes, and ends by itself with a report',
    async () => {
      const result = await demo(['--max-frames', '120', '--no-display', '--json']);
      expect(result).toMatchObject({ code: 0, stderr: '' });
      const all = told(result.stdout);
      expect(all[0]).toMatchObject({ type: 'starting', cameras: 4 });
      const formats = all.filter(({ type }) => type === 'format');
      const media = formats.map(({ cameraId, codec, width, height }) => [cameraId, codec, width, height]);
      expect(media.sort()).toEqual([
        ['car-park', 'hevc', 480, 360],
        ['front-door', 'h264', 1280, 720],
        ['loading-bay', 'hevc', 640, 360],
        ['stairwell', 'h264', 360, 640],
      ]);
      const report = all.at(-1)!;
      expect(report).toMatchObject({
        type: 'report',
        frames: 120,
        gaps: 0,
        gapSeconds: 0,
        reconnects: 0,
        errors: 0,
        skippedFrames: 0,
      });
      const cameras = report.cameras as { cameraId: string; frames: number; fetchedBytes: number }[];
      expect(cameras.map(({ cameraId }) => cameraId).sort()).toEqual(CAMERAS);
      expect(cameras.reduce((sum, { frames }) => sum + frames, 0)).toBe(120);
      expect(Math.min(...cameras.map(({ frames }) => frames))).toBeGreaterThan(5);
      expect(report.fetchedBytes).toBe(cameras.reduce((sum, camera) => sum + camera.fetchedBytes, 0));
      expect(all.some(({ type }) => type === 'page' || type === 'cameras')).toBe(false);
    },
    WITH_PICTURES_MS,
  );

  it(
    'serves the page, tells each second how the cameras are, does what a button asks for, and ends in order at Ctrl-C',
    async () => {
      let asked: Promise<number[]> | undefined;
      const ask = async (page: string): Promise<number[]> => {
        const get = async (path: string): Promise<number> => (await fetch(new URL(path, page))).status;
        const press = await fetch(new URL('/faults', page), {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-requested-with': 'a test' },
          body: JSON.stringify({ cameraId: 'stairwell', action: 'drop-fragment' }),
        });
        return [await get('/'), await get('/metrics'), await get('/cameras'), press.status];
      };
      let isKilled = false;
      const result = await demo(['--port', '0', '--json'], {
        onOutput: (text, child) => {
          const all = told(text);
          const page = all.find(({ type }) => type === 'page')?.url;
          const isFlowing = all.filter(({ type }) => type === 'format').length === CAMERAS.length;
          if (typeof page === 'string' && isFlowing) asked ??= ask(page);
          const isDone =
            all.some(({ type }) => type === 'gap') && all.some(({ ended }) => ended !== undefined);
          if (!isKilled && isDone) isKilled = child.kill('SIGINT');
        },
      });
      expect(await asked).toEqual([200, 200, 200, 204]);
      expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
      const all = told(result.stdout);
      expect(all.filter(({ type }) => type === 'action')).toEqual([
        { type: 'action', cameraId: 'stairwell', action: 'drop-fragment' },
        { type: 'action', cameraId: 'stairwell', action: null, ended: 'drop-fragment' },
      ]);
      const seconds = all.filter(({ type }) => type === 'cameras');
      expect(seconds.length).toBeGreaterThan(0);
      const states = seconds.at(-1)?.cameras as { cameraId: string; status: string }[];
      expect(states.map(({ cameraId }) => cameraId).sort()).toEqual(CAMERAS);
      const report = all.at(-1)!;
      expect(report).toMatchObject({ type: 'report', gaps: 1, gapsByCause: { producer: 1 }, reconnects: 0 });
      expect(report.gapSeconds).toBeCloseTo(1, 1);
      const stairwell = (report.cameras as Told[]).find(({ cameraId }) => cameraId === 'stairwell');
      expect(stairwell).toMatchObject({ gaps: 1 });
    },
    WITH_PICTURES_MS,
  );

  it(
    'speaks to people without --json, and takes another port than a default one that is taken',
    async () => {
      const taken = await occupy(9464);
      try {
        const { code, stdout, stderr } = await demo(['--max-frames', '60']);
        expect(code).toBe(0);
        expect(stderr).toMatch(/Port 9464 .*--port/);
        const page = /The live page: http:\/\/127\.0\.0\.1:(\d+)\//.exec(stdout)?.[1];
        expect(Number(page)).toBeGreaterThan(0);
        expect(page).not.toBe('9464');
        expect(stdout).toMatch(/Camera \d of 4: front-door sends H\.264 1280×720, 10 fps/);
        expect(stdout).toMatch(/4 cameras: 60 frames, .* fps, age .*, no gaps\n {2}/);
      } finally {
        taken?.close();
      }
    },
    WITH_PICTURES_MS,
  );

  it('says so if the port that was asked for is taken', async () => {
    const taken = await occupy(0);
    const { port } = taken!.address() as { port: number };
    const { code, stderr } = await demo(['--port', String(port)]);
    taken!.close();
    expect(code).toBe(2);
    expect(stderr).toContain(`Port ${port} of 127.0.0.1 is taken`);
  });
});

describe('scenes of simulated cameras', () => {
  it.each(['fractal', 'life', 'colours'] as const)(
    '%s moves, under a clock, and bears stamps',
    async (scene) => {
      await using stage = await setStage({ clip: { scene, clock: true, seconds: 2 } });
      await using source = stage.source();
      const looks = new Set<string>();
      const seen: Seen[] = [];
      for await (const frame of source.frames({ maxFrames: 20 })) {
        seen.push(see(frame));
        // Neither stamp nor clock are in the right half.
        const row = frame.stride * (frame.height >> 1);
        looks.add(frame.data.toString('latin1', row + (frame.stride >> 1), row + frame.stride));
      }
      expect(breaks(seen, stage.clip)).toEqual([]);
      expect(looks.size).toBeGreaterThan(10);
    },
  );
});

/** Listens on the port; `null` if somebody else does. */
function occupy(port: number): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
