// A local Kinesis Video Streams with test cameras, so that the examples run without AWS: leave it out to read your own.
import { clipCamera, prepareClip, readStamp, startSimulator } from 'kvs-frames/simulator';

/** Starts it with a camera for each name, and leads the AWS SDK of this process to it. */
export async function startCameras(...names) {
  const clip = await prepareClip({ width: 640, height: 360, fps: 15, clock: true });
  const streams = names.map((name) => ({ name, camera: clipCamera({ clip }) }));
  const simulator = await startSimulator({ streams });
  Object.assign(process.env, simulator.environment);
  return simulator;
}

/** What the clock in a test camera's picture shows: the same is stamped into its corner, for programs to read. */
export function clockOf({ tensor, width, height, sourceWidth, sourceHeight }, { mean, std }) {
  const top = (height - sourceHeight) / 2;
  const bgr = Buffer.alloc(sourceWidth * sourceHeight * 3);
  for (let y = 0; y < sourceHeight; y++) {
    for (let x = 0; x < sourceWidth; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = tensor[(channel * height + y + top) * width + x];
        bgr[(y * sourceWidth + x) * 3 + 2 - channel] = Math.round(
          (value * std[channel] + mean[channel]) * 255,
        );
      }
    }
  }
  return new Date(readStamp(bgr, sourceWidth, sourceHeight).captureMs).toISOString().slice(11, 23);
}
