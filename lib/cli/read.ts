import { Registry } from 'prom-client';
import { ConfigError } from '../errors.js';
import { HlsFrameSource, KvsHlsFrameSource } from '../source.js';
import { stderrLogger } from './log.js';
import { Output } from './output.js';
import { PAGE_PORT, SNAPSHOT_SECONDS, type ReadFlags } from './read-flags.js';
import { watch, type WatchOptions } from './watch.js';

function watchOptions(flags: ReadFlags): WatchOptions {
  const { maxFrames, targetFps, display, port, metricsPort, out, outEvery } = flags;
  if (port !== undefined && display !== true) {
    throw new ConfigError('--port says where the live page is; add --display to serve it');
  }
  if (outEvery !== undefined && out === undefined) {
    throw new ConfigError('--out-every says how often --out keeps a snapshot; add --out DIR');
  }
  return {
    display: display ?? true,
    ...(maxFrames === undefined ? {} : { maxFrames }),
    ...(targetFps === undefined ? {} : { targetFps }),
    ...(metricsPort === undefined ? {} : { metricsPort }),
    ...(display === true ? { pagePort: port ?? PAGE_PORT } : {}),
    ...(out === undefined ? {} : { out: { directory: out, everySeconds: outEvery ?? SNAPSHOT_SECONDS } }),
  };
}

/** `kvs-frames read`. Answers the exit code. */
export async function read(flags: ReadFlags): Promise<number> {
  const options = watchOptions(flags);
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
  return watch(source, options, new Output(flags.json === true), registry);
}
