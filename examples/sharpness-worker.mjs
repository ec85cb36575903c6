// Tells how sharp pictures are: the variance of their Laplacian, which falls when a lens is dirty or out of focus.
import { parentPort } from 'node:worker_threads';
import { openFrame } from 'kvs-frames/worker';

parentPort.on('message', (handle) => {
  const frame = openFrame(handle);
  const { data, width, height } = frame;
  let sum = 0;
  let squares = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * width + 1; at < (y + 1) * width - 1; at++) {
      const value = data[at - 1] + data[at + 1] + data[at - width] + data[at + width] - 4 * data[at];
      sum += value;
      squares += value * value;
    }
  }
  const count = (width - 2) * (height - 2);
  const { index } = frame;
  frame.release(); // The source may write the next picture there.
  parentPort.postMessage({ index, value: squares / count - (sum / count) ** 2 });
});
