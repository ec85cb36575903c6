import { join } from 'node:path';
import { ROOT, runNode, type ChildOptions, type ChildResult } from './child';
import { STREAM, type Stage } from './camera';

/** Where the package is that the programs load. */
export const PACKAGE = process.env.KVS_FRAMES_LIFECYCLE_PACKAGE ?? ROOT;

/** What Node says of an exception that nobody caught, and nothing else. */
export const UNCAUGHT =
  /^\S+:\d+\n.*\n *\^+\n\n(Uncaught )?Error: on purpose\n( {4}at .*\n)+\nNode\.js v\S+\n$/;

/**
 * A program around a source: `open(options)` makes one, `see(frame)` reads the number of its picture, `breaks(numbers, frames)` says
 * where pictures of a clip of so many are missing or come twice, `inWorker(program)` runs another one in a worker and resolves
 * with how that ended, `turn()` waits for the event loop to go round.
 */
export function program(body: string): string {
  return `
    const { KvsHlsFrameSource } = require(${JSON.stringify(PACKAGE)});
    const { readStamp } = require(${JSON.stringify(join(PACKAGE, 'dist', 'simulator', 'stamp.js'))});
    const { Worker, parentPort } = require('node:worker_threads');
    const { setImmediate: turn } = require('node:timers/promises');
    const open = (options) =>
      new KvsHlsFrameSource({ streamName: '${STREAM}', bufferedFrames: 4, reconnectDelaySeconds: 0.1, ...options });
    const see = (frame) => readStamp(frame.data, frame.width, frame.height, frame.stride).frameNumber;
    const breaks = (numbers, frames) =>
      numbers.slice(1).filter((number, i) => number !== (numbers[i] + 1) % frames).length;
    const inWorker = (body, onMessage = () => {}) => new Promise((resolve) => {
      const worker = new Worker(body, { eval: true });
      let error = '';
      worker.on('message', (message) => onMessage(worker, message));
      worker.on('error', ({ message }) => (error = message));
      worker.on('exit', (code) => resolve([code, error].join(' ').trim()));
    });
    (async () => { ${body} })();
  `;
}

/** Runs such a program; the SDK finds the simulator by its environment. */
export function runReading(stage: Stage, body: string, options: ChildOptions = {}): Promise<ChildResult> {
  const env = { ...stage.simulator.environment, ...options.env };
  return runNode(['--expose-gc', '-e', program(body)], { ...options, env });
}
