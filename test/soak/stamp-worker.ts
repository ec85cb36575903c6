import { parentPort } from 'node:worker_threads';
import { openFrame, type FrameHandle } from '../../lib/worker';
import { readStamp } from '../../lib/simulator/stamp';

/** A frame to look at, when its time on loan is over. */
export interface ToShow {
  key: number;
  expected: number;
  holdMs: number;
  handle: FrameHandle;
}

/** What it showed. */
export interface Shown {
  key: number;
  expected: number;
  stamp: number;
}

parentPort!.on('message', ({ key, expected, holdMs, handle }: ToShow) => {
  const frame = openFrame(handle);
  setTimeout(() => {
    const stamp = readStamp(frame.data, frame.width, frame.height, frame.stride)?.frameNumber ?? -1;
    frame.release();
    parentPort!.postMessage({ key, expected, stamp } satisfies Shown);
  }, holdMs);
});
