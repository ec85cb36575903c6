import { spawnSync } from 'node:child_process';
import { systemClock } from '../clock.js';
import { FrameSourceError, redact } from '../errors.js';
import { loadAddon } from '../frames/addon.js';
import { silentLogger } from '../logger.js';
import { presets } from '../options.js';
import type { KvsSessionOptions } from '../session/kvs-options.js';
import { KvsSessionProvider } from '../session/kvs.js';
import { KvsHlsFrameSource } from '../source.js';
import { Output } from './output.js';

export interface DoctorFlags {
  streamName?: string;
  streamArn?: string;
  region?: string;
  json?: boolean;
}

/** How long the first frame may take: a fragment of the longest kind (20 s, kvs-hls §4.2) and some. */
const FIRST_FRAME_MS = 30_000;

class Examination {
  readonly #output: Output;
  isHealthy = true;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Runs one check and tells how it went; answers whether it went well. */
  async check(what: string, examine: () => Promise<string> | string, isVital = true): Promise<boolean> {
    try {
      const finding = await examine();
      this.#output.say('check', { what, ok: true, finding }, `ok    ${what}: ${finding}`);
      return true;
    } catch (error) {
      if (isVital) this.isHealthy = false;
      const code = error instanceof FrameSourceError ? error.code : null;
      const finding = redact(error instanceof Error ? error.message : String(error));
      const mark = isVital ? 'FAIL ' : 'note ';
      this.#output.say(
        'check',
        { what, ok: false, vital: isVital, code, finding },
        `${mark} ${what}: ${finding}`,
      );
      return false;
    }
  }

  skip(what: string, why: string): void {
    this.#output.say('check', { what, ok: null, finding: why }, `--    ${what}: ${why}`);
  }
}

function describeAddon(): string {
  const { versions } = loadAddon();
  const libraries = `libavformat ${versions.avformat}, libavcodec ${versions.avcodec}, libswscale ${versions.swscale}`;
  const libyuv = versions.libyuv === null ? 'no libyuv' : `libyuv ${versions.libyuv}`;
  return `loads; FFmpeg ${versions.ffmpeg} (${libraries}), ${libyuv}, ${versions.simd} conversion`;
}

function describeFfmpeg(): string {
  const { stdout, error } = spawnSync('ffmpeg', ['-version'], { encoding: 'utf8' });
  if (error) throw new Error("not found; only the simulator's cameras need it (apt-get install ffmpeg)");
  return stdout.split('\n')[0] ?? '';
}

/** `kvs-frames doctor`: says what works and what does not, step by step. Answers the exit code. */
export async function doctor(flags: DoctorFlags): Promise<number> {
  const output = new Output(flags.json === true);
  const examination = new Examination(output);
  await examination.check('node', () => `${process.version} on ${process.platform} ${process.arch}`);
  const hasAddon = await examination.check('addon', describeAddon);
  await examination.check('ffmpeg command', describeFfmpeg, false);

  const stream: Pick<KvsSessionOptions, 'streamName' | 'streamArn' | 'region'> = {
    ...(flags.streamName === undefined ? {} : { streamName: flags.streamName }),
    ...(flags.streamArn === undefined ? {} : { streamArn: flags.streamArn }),
    ...(flags.region === undefined ? {} : { region: flags.region }),
  };
  const hasStream = flags.streamName !== undefined || flags.streamArn !== undefined;
  const provider = new KvsSessionProvider({
    ...stream,
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
  });
  const signal = new AbortController().signal;
  try {
    const canCall = await examination.check(
      'credentials',
      async () => {
        const { region, expiresAtMs } = await provider.identify();
        const life =
          expiresAtMs === null ? 'they do not expire' : `until ${new Date(expiresAtMs).toISOString()}`;
        return `found, ${life}; region ${region}`;
      },
      hasStream,
    );
    const without = hasStream ? 'not tried' : 'give --stream-name to try it';
    const hasEndpoint =
      canCall && hasStream && (await examination.check('endpoint', () => provider.dataEndpoint(signal)));
    if (!hasEndpoint) examination.skip('session', without);
    const hasSession =
      hasEndpoint &&
      (await examination.check('session', async () => {
        const { expiresAtMs } = await provider.acquire({ signal });
        return `opened, good until ${new Date(expiresAtMs).toISOString()}`;
      }));
    if (!hasSession || !hasAddon) examination.skip('first frame', without);
    else await examination.check('first frame', () => firstFrame(stream));
  } finally {
    provider.close();
  }
  return examination.isHealthy ? 0 : 1;
}

async function firstFrame(
  stream: Pick<KvsSessionOptions, 'streamName' | 'streamArn' | 'region'>,
): Promise<string> {
  const startedAt = performance.now();
  await using source = new KvsHlsFrameSource({ ...presets.failFast, ...stream });
  const frame = await source.read({ timeoutMs: FIRST_FRAME_MS });
  if (frame === null) throw new Error('the stream ended before a frame');
  const after = ((performance.now() - startedAt) / 1000).toFixed(1);
  const age = (frame.ageMs / 1000).toFixed(1);
  return `${frame.width}×${frame.height} after ${after} s, ${age} s old by the ${frame.timestampSource}'s clock`;
}
