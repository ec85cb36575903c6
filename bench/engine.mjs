// The engine alone, fed from memory: what the reader is without the network. Prints what bench/reader.mjs prints.
import { readFileSync } from 'node:fs';
import { FrameEngine } from '../dist/frames/engine.js';
import { Ledger } from '../dist/policy/ledger.js';
import { processCpuSeconds, threadCpuSeconds } from './cpu.mjs';

const [repeats, initPath, ...paths] = process.argv.slice(2);
const init = readFileSync(initPath);
const fragments = paths.map((path) => readFileSync(path));
const count = Number(repeats) * fragments.length;
let pushed = 0;
let frames = 0;
let sum = 0;
let before;

const dates = { source: 'producer', isLive: false };
const { promise: ended, resolve } = (() => {
  let resolve;
  return { promise: new Promise((done) => (resolve = done)), resolve };
})();
const engine = new FrameEngine(
  { bufferedFrames: 8, memory: 'shared', matrix: 'auto', decoderThreads: 1, dates, ledger: new Ledger() },
  {
    fetchAgain: () => Promise.resolve(null),
    onFormat() {},
    onGap() {},
    onFrames() {
      for (let frame = engine.take(); frame !== undefined; frame = engine.take()) {
        before ??= { process: processCpuSeconds(), main: threadCpuSeconds(), wall: performance.now() };
        frames += 1;
        sum += frame.data[0];
        frame.release();
      }
    },
    onRoom: push,
    onFault(fault) {
      throw new Error(fault.message);
    },
    onFailure(error) {
      throw error;
    },
    onEnded: resolve,
  },
);

function push() {
  while (pushed < count) {
    const fragment = {
      container: 'fmp4',
      init,
      media: fragments[pushed % fragments.length],
      dateMs: null,
      durationMs: 2000,
      sequence: pushed,
      number: null,
      sessionId: 1,
      discontinuity: false,
      lost: null,
      elapsedMs: null,
      receivedAtMs: 0,
    };
    if (!engine.push(fragment)) return;
    pushed += 1;
  }
  engine.finish(null);
}

push();
await ended;
const report = {
  frames,
  cpuSeconds: processCpuSeconds() - before.process,
  mainThreadSeconds: threadCpuSeconds() - before.main,
  wallSeconds: (performance.now() - before.wall) / 1000,
  sum,
};
await engine.close();
console.log(JSON.stringify(report));
