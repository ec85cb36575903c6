// Reads several cameras as one, in batches for a model: node examples/many-cameras.mjs [cameras]
import { FrameSourceGroup, KvsHlsFrameSource } from 'kvs-frames';
import { startCameras } from './camera.mjs';

const names = Array.from({ length: Number(process.argv[2] ?? 4) }, (_, i) => `camera-${i}`);
const simulator = await startCameras(...names);
const output = { format: 'rgb-chw', width: 320, height: 320, fit: 'contain' };
const group = new FrameSourceGroup(
  names.map((streamName) => new KvsHlsFrameSource({ streamName, output, targetFps: 2 })),
);
group.on('leave', ({ cameraId, reason, error }) => console.log(cameraId, reason, error));

let batches = 0;
// As many frames as there are cameras lie in one piece; a batch is not held up by a camera that is late.
for await (const { shape, frames } of group.batches(names.length, { maxWaitMs: 500 })) {
  const cameras = frames.map(({ cameraId, ageMs }) => `${cameraId} (${(ageMs / 1000).toFixed(1)} s old)`);
  console.log(`[${shape.join(', ')}] ${cameras.join(', ')}`);
  batches += 1;
  if (batches === 5) break; // leaving the loop stops the sources
}
await simulator.close();
