// engine.mjs INIT FRAGMENT…: the engine alone, fed from memory; what the reader is without network and playlists.
import { readFileSync } from 'node:fs';
import { checkFrameChoice } from '../../dist/frame-choice.js';
import { FrameEngine } from '../../dist/frames/engine.js';
import { Ledger } from '../../dist/policy/ledger.js';
import { FrameMeter } from '../cpu.mjs';

const [init, ...fragments] = process.argv.slice(2).map((path) => readFileSync(path));
const meter = new FrameMeter();
let pushed = 0;
let sum = 0;

let resolve;
const ended = new Promise((done) => (resolve = done));
const dates = { source: 'producer', isLive: false };
const engine = new FrameEngine(
  {
    ...checkFrameChoice({}),
    cameraId: 'bench',
    bufferedFrames: 8,
    memory: 'shared',
    matrix: 'auto',
    decoderThreads: 1,
    hwaccel: 'none',
    dates,
    ledger: new Ledger(),
  },
  {
    fetchAgain: () => Promise.resolve(null),
    onFormat() {},
    onGap() {},
    onDrop() {},
    onDecoder() {},
    onFrames() {
      for (let frame = engine.take(); frame !== undefined; frame = engine.take()) {
        sum += frame.data[0];
        meter.frame();
        frame.release();
      }
    },
    onRoom: push,
    onFault(fault) {
      throw new Error(fault.message);
    },
    onLog() {},
    onFailure(error) {
      throw error;
    },
    onEnded: resolve,
  },
);

function push() {
  while (pushed < fragments.length) {
    const fragment = {
      container: 'fmp4',
      init,
      media: fragments[pushed],
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
const stats = engine.stats();
await engine.close();
meter.report({ engine: stats, sum });
