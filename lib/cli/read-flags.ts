import type { Command } from 'commander';
import { frameCount, framesPerSecond, numberIn, portNumber } from './arguments.js';

export interface ReadFlags {
  streamName?: string;
  streamArn?: string;
  region?: string;
  cameraId?: string;
  url?: string;
  catchUp?: number;
  fillGaps?: boolean;
  maxFrames?: number;
  targetFps?: number;
  /** True: the terminal line and the page; false: neither; absent: the line. */
  display?: boolean;
  port?: number;
  metricsPort?: number;
  out?: string;
  outEvery?: number;
  json?: boolean;
  verbose?: boolean;
}

/** Capture time between two snapshots unless the flags say it, in s. */
export const SNAPSHOT_SECONDS = 10;
/** Where the page is unless the flags say it: the same as that of `serveHttp`. */
export const PAGE_PORT = 9464;

/** The flags of `read`. */
export function addReadFlags(command: Command): Command {
  return (
    command
      .option('--stream-name <name>', 'Kinesis video stream')
      .option('--stream-arn <arn>', 'the same by ARN')
      .option('--region <region>', 'AWS region (default: AWS_REGION, or the profile)')
      .option('--camera-id <id>', 'name in metrics and output (default: the stream)')
      .option('--url <hls>', 'read this HLS URL instead of a Kinesis video stream')
      .option(
        '--catch-up <s>',
        'read what the live list has lost from the recording, at most so much of a hole',
        numberIn(1, 86_400, false),
      )
      .option('--fill-gaps', 'repeat the last picture where media is missing')
      .option('--max-frames <n>', 'end after this many frames', frameCount)
      .option(
        '--target-fps <f>',
        'take frames at this even rate by capture time; the others are passed over',
        framesPerSecond,
      )
      // Before --no-display: then it is neither unless somebody gives one.
      .option('--display', 'also serve the live page, and tell where it is')
      .option('--no-display', 'do not draw the terminal line')
      .option(
        '--port <port>',
        `port of the live page; 0 takes a free one (default: ${PAGE_PORT})`,
        portNumber,
      )
      .option('--metrics-port <port>', 'serve Prometheus metrics and health on 127.0.0.1:PORT', portNumber)
      .option('--out <dir>', 'keep snapshots as JPEG files in this directory, which is made if need be')
      .option(
        '--out-every <s>',
        `capture time between two snapshots (default: ${SNAPSHOT_SECONDS})`,
        numberIn(0.01, 86_400, false),
      )
      .option('--json', 'write one JSON object a line; the last is the report')
      .option('--verbose', 'write what the reader says to standard error')
  );
}
