import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { setStage } from '../support/camera';
import { installCopy } from '../support/package-copy';
import { SLOWNESS } from '../support/sanitizer';
import { PLAYING_STEPS, OPENING_STEPS, Scene, WAITING_STEPS, type Step } from '../support/stop-steps';
import type { EndingKind, Exit, Place, StoppingChild } from '../support/stopping';

/** How often each of the cells is lived through. */
const TIMES = Number(process.env.KVS_FRAMES_LIFECYCLE_TIMES ?? 1);
/** Child processes side by side. */
const AT_ONCE = 2;
/** A process that has not ended after that hangs. */
const HANGS_AFTER_MS = 20_000 * SLOWNESS;

/** A step, by the name it has among those of `stop()`, and how the table names it. */
const STEPS: [name: string, step: Step | undefined][] = [
  ['a source that was only constructed', OPENING_STEPS['before anybody asked for a frame']],
  ['a source that acquires a session', OPENING_STEPS['while GetHLSStreamingSessionURL is not answered']],
  ['a source that opens a session', OPENING_STEPS['while the media playlist is not answered']],
  ['a source that streams', PLAYING_STEPS['while frames flow']],
  ['a source whose ring is full', PLAYING_STEPS['while the ring is full']],
  ['a source that renews its session', PLAYING_STEPS['while renewing, as the candidate is opened']],
  ['a source that backs off', WAITING_STEPS['while backing off']],
  ['a source that is stopping', PLAYING_STEPS['while frames flow']],
];

/** What Node says of an exception that nobody caught, and nothing else. */
const UNCAUGHT = /^\S+:\d+\n.*\n *\^+\n\n(Uncaught )?Error: on purpose\n( {4}at .*\n)+\nNode\.js v\S+\n$/;

interface Expected extends Omit<Exit, 'stderr'> {
  stderr?: RegExp;
}

const ENDINGS: [title: string, ending: EndingKind, expected: Expected][] = [
  ['ends by itself behind stop() with', 'stop', { code: 0, signal: null }],
  ['ends by process.exit() with', 'exit', { code: 7, signal: null }],
  ['dies of an uncaught exception with', 'throw', { code: 1, signal: null, stderr: UNCAUGHT }],
  ['dies of an unhandled rejection with', 'reject', { code: 1, signal: null, stderr: UNCAUGHT }],
  ['dies of SIGTERM with', 'SIGTERM', { code: null, signal: 'SIGTERM' }],
  ['dies of SIGINT with', 'SIGINT', { code: null, signal: 'SIGINT' }],
  ['ends by its own handler of SIGTERM with', 'handled', { code: 143, signal: null }],
  ['goes on when the collector runs, and ends by process.exit(), with', 'forget', { code: 7, signal: null }],
  ['reads with the package loaded again behind stop() with', 'reload', { code: 0, signal: null }],
];

/** Those of them for a process that is not alone: each is two or three. */
const endingsBy = (...kinds: EndingKind[]): typeof ENDINGS =>
  ENDINGS.filter(([, ending]) => kinds.includes(ending));

/** The same with the source in a worker. The process has to survive that, and to have lost no thread. */
const WORKER_ENDINGS: [title: string, ending: EndingKind, gone: { code: number; error?: string }][] = [
  ['ends by itself behind stop() with', 'stop', { code: 0 }],
  ['ends by process.exit() with', 'exit', { code: 7 }],
  ['dies of an uncaught exception with', 'throw', { code: 1, error: 'on purpose' }],
  ['is terminated with', 'terminate', { code: 1 }],
];

/** Where the process that was started is the one with the source. */
const OWN_PLACES = new Set<Place>(['main', 'copies', 'environments']);

interface Cell {
  name: string;
  ending: EndingKind;
  place: Place;
  step: Step;
  isStopping: boolean;
  /** What is to be of it, each of its times. */
  expected: unknown;
}

const cells = (endings: [title: string, ending: EndingKind, expected: unknown][], place: Place): Cell[] =>
  STEPS.flatMap(([where, step]) =>
    endings.map(([title, ending, expected]) => {
      if (step === undefined) throw new Error(`There is no step for ${where}`);
      const isStopping = where.endsWith('stopping');
      return { name: `${title} ${where}`, ending, place, step, isStopping, expected };
    }),
  );
const ownCells = (endings: typeof ENDINGS, place: Place): Cell[] =>
  cells(
    endings.map(([title, ending, { stderr = /^$/, ...exit }]) => [
      title,
      ending,
      { ...exit, stderr: expect.stringMatching(stderr) },
    ]),
    place,
  );
/** Of which the process that has started it tells. */
const toldCells = (endings: [title: string, ending: EndingKind, gone: object][], place: Place): Cell[] =>
  cells(
    endings.map(([title, ending, gone]) => [title, ending, { code: 0, signal: null, stderr: '', gone }]),
    place,
  );

/** Lives up to the step in a process of its own, ends it, and answers what was seen. */
async function liveOnce(scene: Scene, cell: Cell, copyPath: string): Promise<unknown> {
  const child: StoppingChild = await scene.reach(cell.step, cell.place, copyPath);
  const hangs = setTimeout(() => child.kill(), HANGS_AFTER_MS);
  try {
    const exit = child.leave(cell.ending, cell.isStopping);
    if (OWN_PLACES.has(cell.place)) return await exit;
    const { kind: _, ...gone } = await child.told('gone');
    return { ...(await exit), gone };
  } finally {
    clearTimeout(hangs);
    child.kill();
  }
}

/** What came of each cell, each of its times. All are lived through in the background, as many at once as there are scenes. */
class Outcomes {
  readonly #outcomes = new Map<Cell, Promise<unknown[]>>();

  readonly #copyPath: string;

  constructor(scenes: Scene[], all: Cell[], copyPath: string) {
    this.#copyPath = copyPath;
    const lanes: Promise<unknown>[] = scenes.map(() => Promise.resolve());
    for (const [i, cell] of all.entries()) {
      const at = i % scenes.length;
      const outcome = (lanes[at] ?? Promise.resolve()).then(() => this.#live(scenes[at] as Scene, cell));
      this.#outcomes.set(cell, outcome);
      lanes[at] = outcome.catch(() => {});
    }
  }

  of(cell: Cell): Promise<unknown[]> {
    return this.#outcomes.get(cell) ?? Promise.reject(new Error('It is not among them'));
  }

  async #live(scene: Scene, cell: Cell): Promise<unknown[]> {
    const seen: unknown[] = [];
    for (let time = 0; time < TIMES; time++) seen.push(await liveOnce(scene, cell, this.#copyPath));
    return seen;
  }
}

describe.each([
  ['a process', ownCells(ENDINGS, 'main')],
  [
    'a worker',
    toldCells(
      WORKER_ENDINGS.map(([title, ending, gone]) => [title, ending, { ...gone, threads: 0 }]),
      'worker',
    ),
  ],
  [
    'a process in which another copy of the package streams',
    ownCells(endingsBy('stop', 'exit', 'SIGTERM'), 'copies'),
  ],
  [
    'a process in which two other environments stream',
    ownCells(endingsBy('exit', 'SIGTERM'), 'environments'),
  ],
  ['a process forked by one that streams', toldCells(endingsBy('exit'), 'forked')],
  ['a worker of a cluster whose primary streams', toldCells(endingsBy('SIGTERM'), 'clustered')],
])('%s', (_, table) => {
  const scenes: Scene[] = [];
  let copyPath = '';
  let outcomes: Outcomes;
  beforeAll(async () => {
    copyPath = installCopy();
    for (let i = 0; i < AT_ONCE; i++) scenes.push(await Scene.set(await setStage()));
    outcomes = new Outcomes(scenes, table, copyPath);
  });
  afterAll(async () => {
    await Promise.all(scenes.map((scene) => scene[Symbol.asyncDispose]()));
    rmSync(copyPath, { recursive: true });
  });

  it.each(table)(
    '$name',
    async (cell) => {
      const seen = await outcomes.of(cell);
      expect(seen).toEqual(seen.map(() => cell.expected));
    },
    (60_000 + TIMES * 10_000) * SLOWNESS,
  );
});
