// node-av.mjs MODULE async|blocking URL: node-av reads a playlist and makes BGR.
import { FrameMeter } from '../cpu.mjs';
import { readAsync, readBlocking } from '../node-av-frames.mjs';

const [modulePath, mode, url] = process.argv.slice(2);
const read = mode === 'async' ? readAsync : readBlocking;
const meter = new FrameMeter();
let sum = 0;
await read(modulePath, url, (pixels) => {
  sum += pixels[0];
  meter.frame();
});
meter.report({ sum });
process.exit();
