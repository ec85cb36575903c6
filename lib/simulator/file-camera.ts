import type { Camera } from './camera.js';
import { CameraError, fragmentedOutput, outputOf } from './ffmpeg.js';
import { FfmpegFeed } from './ffmpeg-feed.js';

export interface FileCameraOptions {
  /** A file, or anything ffmpeg takes as input (a device, an RTSP URL). */
  input: string;
  /** Starts over at its end, with times that go on. Only for files. Default true. */
  loop?: boolean;
  /** ffmpeg options that belong to the input, e.g. `['-f', 'v4l2']` or `['-rtsp_transport', 'tcp']`. */
  inputArguments?: readonly string[];
  /** Sends at the pace of its time stamps. Switch it off for live inputs, which pace themselves. Default true. */
  realTime?: boolean;
  /** The ffmpeg command. Default `ffmpeg`, from the path. */
  ffmpegPath?: string;
  /** The ffprobe command. Default `ffprobe`, from the path. */
  ffprobePath?: string;
}

/**
 * A camera that sends a file or another ffmpeg input: the first video track, untouched if it is H.264 or
 * H.265, otherwise encoded to H.264. Fragments are cut where its key frames are. There is no stamp.
 *
 * Starting it throws `CameraError` when the input can't be read or has no video.
 */
export function fileCamera(options: FileCameraOptions): Camera {
  const { input, loop = true, inputArguments = [], realTime = true } = options;
  const ffprobe = options.ffprobePath ?? 'ffprobe';
  const commandLine = async (): Promise<string[]> => {
    const codec = await videoCodec(ffprobe, inputArguments, input);
    return [
      ...(realTime ? ['-re'] : []),
      ...(loop ? ['-stream_loop', '-1'] : []),
      // Raw elementary streams carry no times of their own.
      ...['-fflags', '+genpts', ...inputArguments, '-i', input, '-map', '0:v:0'],
      ...encoding(codec),
      ...fragmentedOutput,
    ];
  };
  return { open: (context) => new FfmpegFeed(context, options.ffmpegPath ?? 'ffmpeg', commandLine) };
}

async function videoCodec(
  ffprobe: string,
  inputArguments: readonly string[],
  input: string,
): Promise<string> {
  const selection = ['-select_streams', 'v:0', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0'];
  const codec = (await outputOf(ffprobe, [...inputArguments, ...selection, '-i', input])).toString('utf8');
  const name = codec.split(/[\s,]/)[0] ?? '';
  if (name === '') throw new CameraError('MEDIA_UNSUPPORTED', `${input} has no video`);
  return name;
}

function encoding(codec: string): string[] {
  if (codec === 'h264') return ['-c:v', 'copy'];
  if (codec === 'hevc') return ['-c:v', 'copy', '-tag:v', 'hvc1'];
  return [
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    ...['-force_key_frames', 'expr:gte(t,n_forced*2)'],
  ];
}
