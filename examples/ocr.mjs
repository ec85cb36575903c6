// Reads the text in a camera's pictures: node examples/ocr.mjs
//
// The engine scales, letterboxes and normalises each picture straight into the model's input tensor; nothing copies it on.
import { KvsHlsFrameSource } from 'kvs-frames';
import { clockOf, startCameras } from './camera.mjs';
import { findText, normalization, readText } from './pp-ocr.mjs';

const simulator = await startCameras('front-door');
const source = new KvsHlsFrameSource({
  streamName: 'front-door',
  output: { format: 'rgb-chw', width: 640, height: 384, fit: 'contain', ...normalization },
  memory: 'private', // onnxruntime-node refuses shared memory.
  targetFps: 1,
});

for await (const frame of source.frames({ maxFrames: 3 })) {
  const expected = clockOf(frame, normalization);
  let isRead = false;
  for (const box of await findText(frame)) {
    const text = await readText(frame, box);
    if (text !== expected) continue;
    isRead = true;
    const { x, y } = frame.toSource(box);
    console.log(
      `#${frame.index} ${new Date(frame.timestampMs).toISOString()}: ${text} at ${x.toFixed()}, ${y.toFixed()}`,
    );
  }
  if (!isRead) {
    console.error(`Expected to read ${expected} in frame ${frame.index}`);
    process.exitCode = 1;
  }
}
await source.stop();
await simulator.close();
