import { beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { prepareClip, type Clip } from '../../lib/simulator/index';
import { ROOT, runNode } from '../support/child';
import { entriesOf, serveList } from '../support/hls-list';
import { ENGINE_OPTIONS } from '../support/engine-driver';
import { RSS_TELLS, SLOWNESS } from '../support/sanitizer';

const ROUNDS = 2000;
/** What is made once and kept, and what the allocators and the collectors keep at hand, is there after so many. */
const ROUNDS_BEFORE = 1000;
/**
 * How far the pages that those keep go up and down, over 8000 rounds too: 34 KiB for each of the rounds between the looks,
 * below what one ring or decoder takes.
 */
const NOISE_BYTES = 32 * 2 ** 20;
/** What the collector's own bookkeeping comes to: 1 KiB for each of them. */
const HEAP_NOISE_BYTES = 2 ** 20;

/** Far above the fifteen seconds that it takes. */
const MAX_MS = 240_000;

interface Look {
  rss: number;
  heapUsed: number;
  external: number;
  threads: number;
  descriptors: string[];
  handles: string[];
}

/** A program that calls `round(i)` for each of the rounds, and prints what the process holds early on and at the end. */
const program = (round: string): string => `
  const { readdirSync, readlinkSync } = require('node:fs');
  const { setTimeout: sleep } = require('node:timers/promises');
  /** What the descriptors are, without the one that lists them. */
  const descriptors = () => readdirSync('/proc/self/fd').flatMap((fd) => {
    try { return [readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; }
  });
  function look() {
    const { rss, heapUsed, external } = process.memoryUsage();
    const threads = readdirSync('/proc/self/task').length;
    return { rss, heapUsed, external, threads, descriptors: descriptors(), handles: process.getActiveResourcesInfo() };
  }
  /** Once threads and sockets that were closed had time to go. */
  async function lookAtRest(before) {
    const isAbove = ({ threads, descriptors, handles }) =>
      threads > before.threads || descriptors.length > before.descriptors.length || handles.length > before.handles.length;
    for (const latest = performance.now() + 5000; ; await sleep(20)) {
      global.gc();
      const now = look();
      if (!isAbove(now) || performance.now() > latest) return now;
    }
  }
  ${round}
  (async () => {
    let before;
    for (let i = 0; i < ${ROUNDS}; i++) {
      if (i === ${ROUNDS_BEFORE}) {
        await sleep(200);
        before = await lookAtRest({ threads: Infinity, descriptors: { length: Infinity }, handles: { length: Infinity } });
      }
      await round(i);
    }
    await sleep(200);
    const after = await lookAtRest(before);
    process.stdout.write(JSON.stringify([before, after]), () => process.exit());
  })();
`;

/** Those of `after` that are more of their kind than there were before: a connection may have gone, or given way to another. */
function descriptorsMore(before: string[], after: string[]): string[] {
  const kindOf = (descriptor: string): string => descriptor.replace(/\[\d+\]$/, '');
  const left = before.map(kindOf);
  return after.filter((descriptor) => {
    const at = left.indexOf(kindOf(descriptor));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Runs it and tells how much more it held at the end. */
async function expectNothingLeft(round: string, env: NodeJS.ProcessEnv): Promise<void> {
  // One arena for all threads: those that malloc() makes for each keep twice as much, now more and now less.
  const result = await runNode(['--expose-gc', '-e', program(round)], {
    env: { ...env, MALLOC_ARENA_MAX: '1' },
  });
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  const [before, after] = JSON.parse(result.stdout) as [Look, Look];
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  expect(descriptorsMore(before.descriptors, after.descriptors)).toEqual([]);
  expect(after.handles.length).toBeLessThanOrEqual(before.handles.length);
  expect(after.heapUsed - before.heapUsed).toBeLessThan(HEAP_NOISE_BYTES);
  expect(after.external - before.external).toBeLessThan(HEAP_NOISE_BYTES);
  if (RSS_TELLS) expect(after.rss - before.rss).toBeLessThan(NOISE_BYTES);
}

describe('a process', () => {
  let clip: Clip;
  beforeAll(async () => {
    clip = await prepareClip({ width: 160, height: 90, seconds: 2 });
  });

  it(
    'holds no more after a thousand sources that were stopped, each at another step',
    async () => {
      await using list = await serveList(entriesOf(clip, 'fmp4'));
      const round = `
      const { HlsFrameSource } = require(${JSON.stringify(ROOT)});
      const open = () => new HlsFrameSource({ url: process.env.LIST, bufferedFrames: 2 });
      /** Keeps the network thread, which else would start and end with each source. */
      const keeper = open();
      async function round(i) {
        if (i === 0) await keeper.read();
        const source = open();
        if (i % 5 === 1) void source.start().catch(() => {});
        if (i % 5 === 2) await source.start();
        if (i % 5 === 3) await source.read();
        if (i % 5 === 4) for await (const frame of source) if (frame.index === 30) break;
        await source.stop();
      }`;
      await expectNothingLeft(round, { LIST: list.url });
    },
    MAX_MS * SLOWNESS,
  );

  it(
    'holds no more after a thousand engines that were closed, each at another step',
    async () => {
      const fragment = clip.fragments[0]!;
      const round = `
      const { Engine, recordDoubles } = require(process.env.ADDON);
      const records = new Float64Array(recordDoubles);
      const options = JSON.parse(process.env.OPTIONS);
      const init = Buffer.from(process.env.INIT, 'base64');
      const media = Buffer.from(process.env.MEDIA, 'base64');
      /** Closes it at the first record of this kind: \`decoding\`, \`layout\`, \`fragment\`. */
      const KINDS = [1, 2, 3];
      async function round(i) {
        let onKind;
        let states;
        const reached = new Promise((resolve) => { onKind = resolve; });
        const engine = new Engine(options, () => {
          while (engine.take(records) === 1) {
            if (records[0] === 2) {
              const slotBytes = records[4];
              states = new Int32Array(new SharedArrayBuffer(8));
              const pixels = new Uint8Array(new SharedArrayBuffer(2 * slotBytes));
              engine.setRing({ id: 1, pixels, states, slotBytes, blockSlots: 0, cursor: null });
            }
            if (records[0] === 1) Atomics.store(states, records[3], 0);
            if (records[0] === KINDS[i % 5]) onKind();
          }
        });
        if (i % 5 === 3) onKind();
        engine.push({ id: 0, init, media, startMs: 0, isDated: false });
        if (i % 5 === 4) onKind();
        await reached;
        await engine.close();
      }`;
      await expectNothingLeft(round, {
        ADDON: join(ROOT, 'build', 'Release', 'kvs_frames.node'),
        OPTIONS: JSON.stringify(ENGINE_OPTIONS),
        INIT: clip.init.bytes.toString('base64'),
        MEDIA: fragment.media.toString('base64'),
      });
    },
    MAX_MS * SLOWNESS,
  );
});
