// The media that is measured: made once with ffmpeg, kept in build/bench-media.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseClip, prepareClip } from '../dist/simulator/index.js';
import { root, run } from './child.mjs';

const FRAGMENT_SECONDS = 2;

/** A camera on a moving mount: a still, finely textured picture that pans, two things that cross it, sensor noise. */
function pictures({ width, height, fps }) {
  const part = (share, of) => Math.round((share * of) / 2) * 2;
  const box = `${part(1 / 6, width)}x${part(2 / 9, height)}`;
  return [
    `mandelbrot=s=${part(1.25, width)}x${part(1.25, height)}:rate=1:start_scale=0.6:end_scale=0.6,trim=end_frame=1,` +
      `loop=loop=-1:size=1:start=0,setpts=N/${fps}/TB,fps=${fps},format=yuv420p,` +
      `crop=${width}:${height}:x='(iw-ow)/2*(1+0.9*sin(t/5))':y='(ih-oh)/2*(1+0.9*cos(t/7))'[street]`,
    `testsrc2=s=${box}:r=${fps},format=yuv420p,split[a][b]`,
    `[street][a]overlay=x='mod(t*W/11,W*1.15)-W*0.15':y='H*0.5+H*0.05*sin(t)'[one]`,
    `[one][b]overlay=x='W-mod(t*W/7,W*1.2)':y='H*0.2+H*0.08*sin(t*1.3)'[two]`,
    `[two]noise=alls=7:allf=t,format=yuv420p`,
  ].join(';');
}

async function encode(options, file) {
  const { fps, seconds, kbps } = options;
  const keyInterval = fps * FRAGMENT_SECONDS;
  const rate = `${kbps}k`;
  const structure = `keyint=${keyInterval}:min-keyint=${keyInterval}:scenecut=0:open-gop=0:sliced-threads=0`;
  const encoder = ['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-bf', '0'];
  const rates = ['-b:v', rate, '-maxrate', rate, '-bufsize', rate, '-frames:v', String(fps * seconds)];
  const container = ['-movflags', '+frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4'];
  await run('ffmpeg', [
    ...['-y', '-v', 'error', '-f', 'lavfi', '-i', pictures(options), '-an'],
    ...[...encoder, '-x264-params', structure, ...rates, ...container, `${file}.part`],
  ]);
  renameSync(`${file}.part`, file);
}

/** The file of a clip without B-frames, one group of pictures a fragment: `{ width, height, fps, kbps, seconds }`. */
export async function clipFile(options) {
  const recipe = [pictures(options), encode.toString(), JSON.stringify(options)].join('\n');
  const name = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const folder = join(root, 'build/bench-media');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.mp4`);
  if (!existsSync(file)) await encode(options, file);
  return file;
}

/** A file with the test camera's stamped pictures, which tell when each was taken. */
export async function stampedClipFile({ width, height, fps, kbps, seconds, fragmentSeconds }) {
  const cacheDirectory = join(root, 'build/bench-media/stamped');
  const options = { width, height, fps, seconds, fragmentSeconds, bitrateKbps: kbps };
  const { init, fragments } = await prepareClip({ ...options, cacheDirectory });
  const file = join(cacheDirectory, `${width}x${height}.mp4`);
  writeFileSync(file, Buffer.concat([init.bytes, ...fragments.map(({ media }) => media)]));
  return file;
}

const head = [
  '#EXTM3U',
  '#EXT-X-VERSION:7',
  `#EXT-X-TARGETDURATION:${FRAGMENT_SECONDS}`,
  '#EXT-X-MEDIA-SEQUENCE:0',
  '#EXT-X-MAP:URI="init.mp4"',
];

/** A recording's list of the first `count` fragments, over and over from the start where there are fewer. */
function playlist(fragments, count) {
  const startMs = Date.UTC(2026, 0, 1);
  const entries = Array.from({ length: count }, (_, i) => {
    const run = Math.floor(i / fragments);
    const entry = [
      `#EXT-X-PROGRAM-DATE-TIME:${new Date(startMs + i * FRAGMENT_SECONDS * 1000).toISOString()}`,
      `#EXTINF:${FRAGMENT_SECONDS}.000,`,
      `f${i % fragments}.m4s${run === 0 ? '' : `?run=${run}`}`,
    ];
    return i > 0 && i % fragments === 0 ? ['#EXT-X-DISCONTINUITY', ...entry] : entry;
  });
  return [...head, ...entries.flat(), '#EXT-X-ENDLIST', ''].join('\n');
}

/**
 * A clip as a folder of fragments with a list for each of `counts` of fragments.
 * Answers the files, and each list's path, fragments and frames.
 */
export async function hlsFolder(options, counts) {
  const file = await clipFile(options);
  const bytes = readFileSync(file);
  const clip = parseClip(bytes);
  const folder = file.replace(/\.mp4$/, '');
  mkdirSync(folder, { recursive: true });
  const init = join(folder, 'init.mp4');
  writeFileSync(init, clip.init.bytes);
  const fragments = clip.fragments.map(({ media }, i) => {
    const path = join(folder, `f${i}.m4s`);
    writeFileSync(path, media);
    return path;
  });
  const lists = counts.map((count) => {
    const name = `list-${count}.m3u8`;
    writeFileSync(join(folder, name), playlist(fragments.length, count));
    const files = Array.from({ length: count }, (_, i) => fragments[i % fragments.length]);
    return { name, files, frames: (clip.frames / fragments.length) * count };
  });
  const kbps = (bytes.length * 8) / clip.durationMs;
  return { ...options, kbps, folder, init, lists };
}
