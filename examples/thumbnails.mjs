// Writes a thumbnail a second of what a camera sees, with sharp: node examples/thumbnails.mjs [folder]
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvsHlsFrameSource } from 'kvs-frames';
import sharp from 'sharp';
import { startCameras } from './camera.mjs';

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'thumbnails-'));
const simulator = await startCameras('front-door');
const source = new KvsHlsFrameSource({
  streamName: 'front-door',
  output: { format: 'rgb24' },
  targetFps: 1,
});

for await (const frame of source.frames({ maxFrames: 3 })) {
  const file = join(folder, `${new Date(frame.timestampMs).toISOString().replaceAll(':', '-')}.jpg`);
  // sharp reads the frame where it lies; it is released when the loop asks for the next one.
  const { data, width, height } = frame;
  const written = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: 160 })
    .toFile(file);
  console.log(`${file} ${written.width}×${written.height}`);
}
await source.stop();
await simulator.close();
