// Who is measured: a file each in contenders/, or a command. `absent` says why one can't be had here.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './child.mjs';

const PYTHON = '/usr/bin/python3';
export const NODE_AV = join(root, 'build/bench-peers/node_modules/node-av/dist/index.js');
const script = (name) => join(root, 'bench/contenders', name);

const firstLine = (text) => text.trim().split('\n').at(-1) ?? '';

/** `null` if Python can import it, else why not. */
function pythonLacks(module, debianPackage) {
  if (!existsSync(PYTHON)) return `${PYTHON} is not there`;
  const tried = spawnSync(PYTHON, ['-c', `import ${module}`], { encoding: 'utf8' });
  return tried.status === 0 ? null : `needs Debian's ${debianPackage}: ${firstLine(tried.stderr)}`;
}

export function nodeAvLacks() {
  if (!existsSync(NODE_AV)) return 'npm could not install it';
  const tried = spawnSync(process.execPath, ['-e', `import(${JSON.stringify(NODE_AV)})`], {
    encoding: 'utf8',
  });
  return tried.status === 0 ? null : `does not load here: ${firstLine(tried.stderr)}`;
}

const nothing = () => null;
const jsonFrames = (stdout) => JSON.parse(firstLine(stdout));
/** ffmpeg's -progress: the last "frame=" counts. */
const ffmpegFrames = (stdout) => ({
  frames: Number([...stdout.matchAll(/^frame=(\d+)/gm)].at(-1)?.[1] ?? 0),
});

const ffmpeg = ({ url, input = [], output = [] }) => [
  ...[
    'ffmpeg',
    '-v',
    'error',
    '-nostats',
    '-progress',
    '-',
    '-threads',
    '1',
    '-filter_threads',
    '1',
    ...input,
  ],
  ...['-i', url, '-map', '0:v', '-fps_mode', 'passthrough', ...output, '-f', 'null', '/dev/null'],
];

const peers = [
  {
    id: 'floor',
    title: 'C++ floor: files → BGR',
    command: ({ init, files }) => [join(root, 'build/native-tests/floor'), init, ...files],
  },
  {
    id: 'ffmpeg-decode',
    title: 'ffmpeg, decode only',
    command: ({ url }) => ffmpeg({ url }),
    read: ffmpegFrames,
  },
  {
    id: 'ffmpeg-bgr24',
    title: 'ffmpeg, decode + bgr24',
    command: ({ url }) => ffmpeg({ url, output: ['-pix_fmt', 'bgr24'] }),
    read: ffmpegFrames,
  },
  {
    id: 'pipe',
    title: 'ffmpeg rawvideo pipe → Node',
    command: ({ url, width, height }) => [
      process.execPath,
      script('pipe.mjs'),
      url,
      String(width),
      String(height),
    ],
  },
  {
    id: 'node-av',
    title: 'node-av',
    absent: nodeAvLacks,
    command: ({ url }) => [process.execPath, script('node-av.mjs'), NODE_AV, 'async', url],
  },
  {
    id: 'node-av-blocking',
    title: 'node-av, blocking calls',
    absent: nodeAvLacks,
    command: ({ url }) => [process.execPath, script('node-av.mjs'), NODE_AV, 'blocking', url],
  },
  {
    id: 'opencv',
    title: 'OpenCV VideoCapture (Python)',
    absent: () => pythonLacks('cv2', 'python3-opencv'),
    command: ({ url }) => [PYTHON, script('opencv.py'), url],
  },
  {
    id: 'pyav',
    title: 'PyAV',
    absent: () => pythonLacks('av', 'python3-av'),
    command: ({ url }) => [PYTHON, script('pyav.py'), url],
  },
];

const reader = (id, title, options) => ({
  id,
  title,
  options,
  command: ({ url }) => [process.execPath, script('reader.mjs'), url, JSON.stringify(options)],
});

const ours = [
  reader('reader', 'kvs-frames', {}),
  {
    id: 'engine',
    title: 'kvs-frames, engine alone: memory → BGR',
    command: ({ init, files }) => [process.execPath, script('engine.mjs'), init, ...files],
  },
];

/** The reader asked for less, or for something else than BGR. */
const variants = [
  {
    id: 'ffmpeg-keys',
    title: 'ffmpeg, key frames only, not converted',
    command: ({ url }) => ffmpeg({ url, input: ['-skip_frame', 'nokey'] }),
    read: ffmpegFrames,
  },
  reader('fps5', '`targetFps: 5`', { targetFps: 5 }),
  reader('keys', '`keyFramesOnly: true`', { keyFramesOnly: true }),
  reader('chw', '640×640 letterbox, float32 CHW', {
    output: { format: 'rgb-chw', width: 640, height: 640, fit: 'contain' },
  }),
  reader('i420', '`i420`', { output: { format: 'i420' } }),
  reader('nv12', '`nv12`', { output: { format: 'nv12' } }),
  reader('gray8', '`gray8`', { output: { format: 'gray8' } }),
];

const complete = (group) => (contender) => ({ absent: nothing, read: jsonFrames, group, ...contender });

/** In the order in which they run in each round. */
export const contenders = [
  ...peers.map(complete('peers')),
  ...ours.map(complete('ours')),
  ...variants.map(complete('variants')),
];

/** Versions of the peers, by name; those absent are left out. */
export function peerVersions() {
  const asked = {
    ffmpeg: ['ffmpeg', '-version'],
    OpenCV: [PYTHON, '-c', 'import cv2; print(cv2.__version__)'],
    PyAV: [PYTHON, '-c', 'import av; print(av.__version__)'],
    'node-av': [
      process.execPath,
      '-p',
      `require(${JSON.stringify(join(NODE_AV, '../../package.json'))}).version`,
    ],
  };
  const versions = {};
  for (const [name, [command, ...args]] of Object.entries(asked)) {
    try {
      const text = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      versions[name] = text.split('\n')[0].replace(/^ffmpeg version (\S+).*/, '$1');
    } catch {
      continue;
    }
  }
  return versions;
}
