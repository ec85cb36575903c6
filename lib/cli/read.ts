import type { Command } from 'commander';
import { Registry } from 'prom-client';
import { ConfigError } from '../errors.js';
import { HlsFrameSource, KvsHlsFrameSource } from '../source.js';
import { frameCount, framesPerSecond, portNumber } from './arguments.js';
import { stderrLogger } from './log.js';
import { Output } from './output.js';
import { watch, type WatchOptions } from './watch.js';

export interface WatchFlags {
  maxFrames?: number;
  targetFps?: number;
  display: boolean;
  metricsPort?: number;
  json?: boolean;
  verbose?: boolean;
}

interface ReadFlags extends WatchFlags {
  streamName?: string;
  streamArn?: string;
  region?: string;
  cameraId?: string;
  url?: string;
  catchUp?: number;
  fillGaps?: boolean;
}

/** The flags that `read` and `demo` share. */
export function addWatchFlags(command: Command): Command {
  return command
    .option('--max-frames <n>', 'end after this many frames', frameCount)
    .option(
      '--target-fps <f>',
      'take frames at this even rate by capture time; the others are passed over',
      framesPerSecond,
    )
    .option('--no-display', 'do not draw the terminal line')
    .option('--metrics-port <port>', 'serve Prometheus metrics on 127.0.0.1:PORT/metrics', portNumber)
    .option('--json', 'write one JSON object a line; the last is the report')
    .option('--verbose', 'write what the reader says to standard error');
}

export function watchOptions(flags: WatchFlags): WatchOptions {
  return {
    display: flags.display,
    ...(flags.maxFrames === undefined ? {} : { maxFrames: flags.maxFrames }),
    ...(flags.targetFps === undefined ? {} : { targetFps: flags.targetFps }),
    ...(flags.metricsPort === undefined ? {} : { metricsPort: flags.metricsPort }),
  };
}

/** `kvs-frames read`. Answers the exit code. */
export async function read(flags: ReadFlags): Promise<number> {
  const registry = new Registry();
  const common = {
    registry,
    ...(flags.cameraId === undefined ? {} : { cameraId: flags.cameraId }),
    ...(flags.verbose ? { logger: stderrLogger } : {}),
    ...(flags.fillGaps ? { fillGaps: 'repeat' as const } : {}),
  };
  const isUrl = flags.url !== undefined;
  if (isUrl && (flags.streamName !== undefined || flags.streamArn !== undefined)) {
    throw new ConfigError('Give --url or a stream, not both');
  }
  if (isUrl && flags.catchUp !== undefined) {
    throw new ConfigError('--catch-up reads the recording of a Kinesis video stream, which a --url is not');
  }
  if (!isUrl && flags.streamName === undefined && flags.streamArn === undefined) {
    throw new ConfigError('Give --stream-name, --stream-arn or --url: what is to be read?');
  }
  const source =
    flags.url !== undefined
      ? new HlsFrameSource({ ...common, url: flags.url })
      : new KvsHlsFrameSource({
          ...common,
          ...(flags.streamName === undefined ? {} : { streamName: flags.streamName }),
          ...(flags.streamArn === undefined ? {} : { streamArn: flags.streamArn }),
          ...(flags.region === undefined ? {} : { region: flags.region }),
          ...(flags.catchUp === undefined ? {} : { catchUp: { maxSeconds: flags.catchUp } }),
        });
  return watch(source, watchOptions(flags), new Output(flags.json === true), registry);
}
