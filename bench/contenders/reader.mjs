// reader.mjs URL OPTIONS: this package reads a playlist to its end.
import { HlsFrameSource } from '../../dist/index.js';
import { FrameMeter } from '../cpu.mjs';

const [url, options] = process.argv.slice(2);
const source = new HlsFrameSource({ url, ...JSON.parse(options) });
const meter = new FrameMeter();
let sum = 0;
// The engine's counters are gone once the source has ended: they are looked at now and then, often where frames are few.
const { targetFps, keyFramesOnly } = JSON.parse(options);
const every = targetFps !== undefined || keyFramesOnly ? 1 : 300;
let engine;
for await (const frame of source) {
  sum += frame.data[0];
  meter.frame();
  if (meter.frames % every === 0) ({ engine } = source.getMetrics());
}
meter.report({ engine, sum });
