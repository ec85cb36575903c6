import { ConfigError } from '../errors.js';
import type { Camera } from './camera.js';
import { fragmentedOutput } from './ffmpeg.js';
import { FfmpegFeed } from './ffmpeg-feed.js';
import { minStampedHeight, minStampedWidth, stampCellPixels, stampFilter } from './stamp.js';

/** The pictures of a test camera or clip: a moving test pattern with a stamp in the top left corner. */
export interface TestPictureOptions {
  /** Pixels, even, 160–8192. Default 640. */
  width?: number;
  /** Pixels, even, 90–8192. Default 360. */
  height?: number;
  /** Pictures per second, 1–120. Default 15. */
  fps?: number;
  /** Default `h264`. */
  codec?: 'h264' | 'h265';
  /** Length of a fragment, which is one group of pictures, in seconds, 0.1–20. Default 1. */
  fragmentSeconds?: number;
  /** B-frames in a row, 0–4. Default 0. */
  bFrames?: number;
  /** Lets fragments start with a picture whose predecessors lean on the fragment before. Default false. */
  openGop?: boolean;
  /** Kilobits per second. Default: 0.1 bit per pixel. */
  bitrateKbps?: number;
  /**
   * Burns a clock and the picture's number into the left bottom corner, for people and text readers: the time since the clip's start,
   * or since a live camera connected, as `00:00:01.133`. Takes a picture of at least 320 × 180. Default false.
   */
  clock?: boolean;
  /** What moves: a test pattern, a way into the Mandelbrot set, a game of life, or colours that turn. Default `pattern`. */
  scene?: TestScene;
}

export type TestScene = 'pattern' | 'fractal' | 'life' | 'colours';

export interface TestCameraOptions extends TestPictureOptions {
  /** The ffmpeg command. Default `ffmpeg`, from the path. */
  ffmpegPath?: string;
}

/** {@link TestPictureOptions} with every default filled in and checked. */
export type TestPicture = Required<Omit<TestPictureOptions, 'clock' | 'scene'>> & {
  clock?: true;
  scene?: Exclude<TestScene, 'pattern'>;
};

/** ffmpeg's sources of pictures. In the game of life a cell has 4 × 4 pixels. */
const scenes: Readonly<
  Record<TestScene, (picture: { width: number; height: number; fps: number }) => string>
> = {
  pattern: ({ width, height, fps }) => `testsrc2=s=${width}x${height}:r=${fps}`,
  fractal: ({ width, height, fps }) => `mandelbrot=s=${width}x${height}:rate=${fps}:end_scale=0.01`,
  life: ({ width, height, fps }) =>
    `life=s=${width >> 2}x${height >> 2}:r=${fps}:seed=7:ratio=0.12:mold=20:life_color=#5eead4:death_color=#c2410c:` +
    `mold_color=#1e293b,scale=${width}:${height}:flags=neighbor`,
  colours: ({ width, height, fps }) => `gradients=s=${width}x${height}:r=${fps}:seed=7:n=5:speed=0.03`,
};

/** Fills in defaults. Throws `ConfigError` for what is out of range. */
export function testPicture(options: TestPictureOptions): TestPicture {
  const width = inRange('width', options.width ?? 640, minStampedWidth, 8192);
  const height = inRange('height', options.height ?? 360, minStampedHeight, 8192);
  if (width % 2 !== 0 || height % 2 !== 0) {
    throw new ConfigError(`Expected even numbers for width and height but received ${width} × ${height}`);
  }
  const codec = options.codec ?? 'h264';
  if (!['h264', 'h265'].includes(codec)) {
    throw new ConfigError(`Expected h264 or h265 for codec but received ${String(codec)}`);
  }
  const { scene = 'pattern' } = options;
  if (!Object.hasOwn(scenes, scene)) {
    throw new ConfigError(
      `Expected ${Object.keys(scenes).join(', ')} for scene but received ${String(scene)}`,
    );
  }
  if (options.clock && (width < 320 || height < 180)) {
    throw new ConfigError(
      `Expected at least 320 × 180 for a picture with a clock but received ${width} × ${height}`,
    );
  }
  const fps = inRange('fps', options.fps ?? 15, 1, 120);
  const fragmentSeconds = inRange('fragmentSeconds', options.fragmentSeconds ?? 1, 0.1, 20);
  return {
    width,
    height,
    fps,
    codec,
    fragmentSeconds,
    bFrames: inRange('bFrames', options.bFrames ?? 0, 0, 4),
    openGop: options.openGop ?? false,
    bitrateKbps: inRange(
      'bitrateKbps',
      options.bitrateKbps ?? Math.ceil((width * height * fps) / 10_000),
      1,
      1_000_000,
    ),
    // Absent unless asked for: it is part of a cached clip's name.
    ...(options.clock && { clock: true }),
    ...(scene !== 'pattern' && { scene }),
  };
}

function inRange(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new ConfigError(
    `Expected a number from ${least} to ${most} for ${name} but received ${String(value)}`,
  );
}

/** Pictures per fragment. */
export function fragmentFrames(picture: TestPicture): number {
  return Math.max(1, Math.round(picture.fps * picture.fragmentSeconds));
}

/** ffmpeg arguments for the pictures, without the output. */
export function pictureArguments(
  picture: TestPicture,
  preset: 'ultrafast' | 'veryfast',
  firstFrame: number,
  epochMs: number,
): string[] {
  const { width, fps, codec, bFrames, scene = 'pattern' } = picture;
  const rate = String(fps);
  const graph =
    `${scenes[scene](picture)},format=yuv420p${picture.clock ? clockFilter(picture) : ''}[scene];` +
    `${stampFilter(width, rate, firstFrame, epochMs)}[stamp];[scene][stamp]overlay=0:0:format=yuv420`;
  const frames = fragmentFrames(picture);
  const structure =
    `keyint=${frames}:min-keyint=${frames}:scenecut=0:open-gop=${picture.openGop ? 1 : 0}:` +
    `bframes=${bFrames}:b-adapt=0`;
  const bitrate = `${picture.bitrateKbps}k`;
  return [
    ...['-f', 'lavfi', '-i', graph, '-an'],
    ...(codec === 'h264'
      ? ['-c:v', 'libx264', '-x264-params', structure]
      : ['-c:v', 'libx265', '-tag:v', 'hvc1', '-x265-params', `${structure}:log-level=error:info=0`]),
    // Without B-frames nothing need wait in the encoder; with them the tune would switch them off.
    ...(bFrames === 0 ? ['-tune', 'zerolatency'] : []),
    ...['-preset', preset, '-g', String(frames), '-bf', String(bFrames), '-pix_fmt', 'yuv420p'],
    ...['-b:v', bitrate, '-maxrate', bitrate, '-bufsize', bitrate],
  ];
}

/** The pattern's own clock, which the stamp covers, once more on black: filters that need no font. */
function clockFilter({ width, fps, scene }: TestPicture): string {
  const zoom = stampCellPixels(width) / 8;
  const pattern =
    scene === undefined
      ? ',split[picture][pattern]'
      : `[picture];${scenes.pattern({ width: 320, height: 180, fps })},format=yuv420p[pattern]`;
  return (
    `${pattern};[pattern]crop=104:40:0:0,scale=iw*${zoom}:ih*${zoom}:flags=bicubic,pad=iw+24:ih+16:12:8[clock];` +
    '[picture][clock]overlay=0:H-h:format=yuv420'
  );
}

/**
 * A camera made live by the `ffmpeg` command, in real time: a moving test pattern, each picture stamped with its
 * number and capture time (see `readStamp`). A new connection goes on counting after the last picture
 * that was part of a whole fragment.
 *
 * Throws `ConfigError`; starting it throws `CameraError`.
 */
export function testCamera(options: TestCameraOptions = {}): Camera {
  const picture = testPicture(options);
  return {
    open: (context) =>
      new FfmpegFeed(context, options.ffmpegPath ?? 'ffmpeg', (firstFrame, epochMs) => [
        '-re',
        ...pictureArguments(picture, 'ultrafast', firstFrame, epochMs),
        ...fragmentedOutput,
      ]),
  };
}
