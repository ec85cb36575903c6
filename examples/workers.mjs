// Spreads a camera's frames over worker threads, without copying one: node examples/workers.mjs [workers]
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { KvsHlsFrameSource } from 'kvs-frames';
import { startCameras } from './camera.mjs';

const simulator = await startCameras('front-door');
const source = new KvsHlsFrameSource({ streamName: 'front-door', output: { format: 'gray8' } });
const workers = Array.from({ length: Number(process.argv[2] ?? availableParallelism()) }, (_, i) => {
  const worker = new Worker(new URL('./sharpness-worker.mjs', import.meta.url), { name: `worker ${i}` });
  return { worker, sent: 0, done: 0 };
});
const sharpness = [];
let allDone;
for (const one of workers) {
  one.worker.on('message', ({ index, value }) => {
    one.done += 1;
    sharpness[index] = value;
    allDone?.();
  });
}

let frames = 0;
for await (const frame of source.frames({ maxFrames: 60 })) {
  // To the one with the least to do. What they hold is not overwritten: when all slots are out, decoding waits.
  const [idlest] = workers.toSorted((a, b) => a.sent - a.done - (b.sent - b.done));
  idlest.sent += 1;
  idlest.worker.postMessage(frame.share({ worker: idlest.worker }));
  frames += 1;
}
while (workers.some(({ sent, done }) => done < sent)) await new Promise((resolve) => (allDone = resolve));

for (const { worker, done } of workers) console.log(`thread ${worker.threadId}: ${done} frames`);
console.log(
  `${frames} frames, sharpness ${Math.min(...sharpness).toFixed()} to ${Math.max(...sharpness).toFixed()}`,
);
await Promise.all(workers.map(({ worker }) => worker.terminate()));
await source.stop();
await simulator.close();
