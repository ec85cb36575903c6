// node-av's pictures as BGR. One destination frame is used over and over and its Buffer is a view, which is the least that
// its API can be made to do.
import { pathToFileURL } from 'node:url';

// node-av 6 is written for Node 22; on Node 20 this one function is missing.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
};

async function open(modulePath, url) {
  const av = await import(pathToFileURL(modulePath).href);
  const input = await av.Demuxer.open(url);
  const track = input.video();
  const decoder = await av.Decoder.create(track, { context: { threadCount: 1 } });
  const scaler = new av.SoftwareScaleContext();
  let picture;
  /** Where pictures like this one are converted to. */
  const destination = ({ width, height, format }) => {
    if (picture !== undefined) return picture;
    scaler.getContext(width, height, format, width, height, av.AV_PIX_FMT_BGR24, av.SWS_FAST_BILINEAR);
    picture = new av.Frame();
    picture.alloc();
    Object.assign(picture, { width, height, format: av.AV_PIX_FMT_BGR24 });
    picture.getBuffer();
    return picture;
  };
  return { input, track, decoder, scaler, destination };
}

/** Calls `seen(pixels, stride)` for each picture until it answers false; nothing blocks the event loop. */
export async function readAsync(modulePath, url, seen) {
  const { input, track, decoder, scaler, destination } = await open(modulePath, url);
  for await (const frame of decoder.frames(input.packets(track.index))) {
    if (frame === null) continue;
    const picture = destination(frame);
    await scaler.scaleFrame(picture, frame);
    frame.free();
    if (seen(picture.data[0], picture.linesize[0]) === false) return;
  }
}

/** Likewise with the calls that block, which cost less. */
export async function readBlocking(modulePath, url, seen) {
  const { input, track, decoder, scaler, destination } = await open(modulePath, url);
  for (const frame of decoder.framesSync(input.packetsSync(track.index))) {
    if (frame === null) continue;
    const picture = destination(frame);
    scaler.scaleFrameSync(picture, frame);
    frame.free();
    if (seen(picture.data[0], picture.linesize[0]) === false) return;
  }
}
