import { spawnSync } from 'node:child_process';
import { systemClock, type Clock } from '../clock.js';
import { ConfigError } from '../errors.js';
import { loadAddon } from '../frames/addon.js';
import type { FrameSource } from '../frame-source.js';
import { silentLogger } from '../logger.js';
import { checkHlsOptions, checkKvsOptions, presets } from '../options.js';
import type { KvsSessionOptions } from '../session/kvs-options.js';
import { KvsSessionProvider } from '../session/kvs.js';
import { HlsFrameSource, KvsHlsFrameSource } from '../source.js';
import { Complaint, Examination } from './examination.js';
import { Output } from './output.js';
import type { Subject } from './subject.js';
import { FIRST_FRAME_MS, NEXT_FRAGMENT_MS, Viewing } from './viewing.js';
import { redact } from '../redact.js';

export interface DoctorFlags {
  streamName?: string;
  streamArn?: string;
  region?: string;
  endpoint?: string;
  url?: string;
  json?: boolean;
}

type StreamFlags = Pick<KvsSessionOptions, 'streamName' | 'streamArn' | 'region' | 'endpoint'>;

/** For what happens on this host. */
const LOCAL_MS = 10_000;
/** For a control call: the call's own limit, once more with new credentials, and what they take. */
const CALL_MS = 70_000;
/** For what a reader gives up or times out by itself. */
const SPARE_MS = 5_000;
const OLDEST_NODE = [20, 18, 1] as const;

/** What makes a reader give up early: somebody waits. */
const IMPATIENT = { ...presets.failFast, maxConsecutiveErrors: 3 };

/** @param version as in `process.version` */
export function describeNode(version: string): string {
  const found = `${version} on ${process.platform} ${process.arch}`;
  const numbers = (version.match(/\d+/g) ?? []).map(Number);
  const at = OLDEST_NODE.findIndex((oldest, i) => numbers[i] !== oldest);
  if (at === -1 || (numbers[at] ?? 0) > (OLDEST_NODE[at] ?? 0)) return found;
  throw new Complaint(found, {
    why: `This version of Node.js is too old: ${OLDEST_NODE.join('.')} or later is needed.`,
    mend: [`Install Node.js ${OLDEST_NODE.join('.')} or later.`],
  });
}

function describeAddon(): string {
  const { versions } = loadAddon();
  const libraries = `libavformat ${versions.avformat}, libavcodec ${versions.avcodec}, libswscale ${versions.swscale}`;
  const libyuv = versions.libyuv === null ? 'no libyuv' : `libyuv ${versions.libyuv}`;
  const ffmpeg = `FFmpeg ${versions.ffmpeg} (${libraries}; ${versions.license})`;
  return `loads; ${ffmpeg}, ${libyuv}, ${versions.simd} conversion`;
}

function describeFfmpeg(): string {
  const { stdout, error } = spawnSync('ffmpeg', ['-version'], { encoding: 'utf8', timeout: LOCAL_MS });
  if (!error) return stdout.split('\n')[0] ?? '';
  throw new Complaint('not found', {
    why: "Only the simulator's cameras (kvs-frames demo, simulate) need it; readers do not.",
    mend: ['Install it: apt-get install -y ffmpeg'],
  });
}

/** A control plane that the SDK takes from the environment. */
function endpointOfEnvironment(): string | undefined {
  const { AWS_ENDPOINT_URL_KINESIS_VIDEO: ofService, AWS_ENDPOINT_URL: ofAll } = process.env;
  return [ofService, ofAll].find((url) => url !== undefined && URL.canParse(url));
}

/** Throws `ConfigError`. */
function checkFlags({ streamName, streamArn, region, endpoint, url }: DoctorFlags): StreamFlags {
  const stream = {
    ...(streamName === undefined ? {} : { streamName }),
    ...(streamArn === undefined ? {} : { streamArn }),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
  const hasStream = streamName !== undefined || streamArn !== undefined;
  if (url !== undefined && Object.keys(stream).length > 0) {
    throw new ConfigError('Give --url or a stream with --region and --endpoint, not both');
  }
  if (url !== undefined) checkHlsOptions({ url });
  if (url === undefined) checkKvsOptions({ ...(hasStream ? {} : { streamName: 'not-given' }), ...stream });
  return stream;
}

/** `kvs-frames doctor`: says what works and what does not, step by step, why, and what to do. Answers the exit code. */
export async function doctor(
  flags: DoctorFlags,
  output = new Output(flags.json === true),
  clock: Clock = systemClock,
): Promise<number> {
  const stream = checkFlags(flags);
  const endpoint = flags.endpoint ?? endpointOfEnvironment();
  const subject: Subject = {
    ...stream,
    ...(endpoint === undefined ? {} : { endpoint: redact(endpoint) }),
    ...(flags.url === undefined ? {} : { urlOrigin: new URL(flags.url).origin }),
    hasProxy: ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => process.env[name]),
  };
  const examination = new Examination(output, clock, subject);
  const local = { limitMs: LOCAL_MS };
  await examination.check('node', () => describeNode(process.version), local);
  const hasAddon = await examination.check('addon', describeAddon, local);
  await examination.check('ffmpeg command', describeFfmpeg, { ...local, isVital: false });
  if (flags.url !== undefined) {
    const { url } = flags;
    await viewStream(examination, clock, hasAddon, () => new HlsFrameSource({ ...IMPATIENT_HLS, url }));
  } else {
    const hasSession = await openSession(examination, clock, stream);
    const notTried = hasSession === null ? 'give --stream-name to try it' : 'not tried';
    if (hasSession === true) {
      await viewStream(
        examination,
        clock,
        hasAddon,
        () => new KvsHlsFrameSource({ ...IMPATIENT, ...stream }),
      );
    } else examination.notTried('first frame', notTried);
  }
  examination.report();
  return examination.failed.length === 0 ? 0 : 1;
}

/** The same for sources without sessions. */
const {
  hlsSessionSeconds: _hlsSessionSeconds,
  urlRefreshMarginSeconds: _urlRefreshMarginSeconds,
  ...IMPATIENT_HLS
} = IMPATIENT;

/** Credentials, endpoint, session. Answers whether there is one; `null` without a stream to try it on. */
async function openSession(
  examination: Examination,
  clock: Clock,
  stream: StreamFlags,
): Promise<boolean | null> {
  const hasStream = stream.streamName !== undefined || stream.streamArn !== undefined;
  const provider = new KvsSessionProvider({ ...stream, clock, random: Math.random, logger: silentLogger });
  const call = { limitMs: CALL_MS };
  try {
    const canCall = await examination.check(
      'credentials',
      async () => {
        const { region, expiresAtMs } = await provider.identify();
        examination.subject.region = region;
        const life =
          expiresAtMs === null ? 'they do not expire' : `until ${new Date(expiresAtMs).toISOString()}`;
        return `found, ${life}; region ${region}`;
      },
      { ...call, isVital: hasStream },
    );
    if (!hasStream) {
      for (const what of ['endpoint', 'session']) examination.notTried(what, 'give --stream-name to try it');
      return null;
    }
    const hasEndpoint =
      canCall &&
      (await examination.check(
        'endpoint',
        async (signal) => {
          const url = await provider.dataEndpoint(signal);
          examination.subject.dataOrigin = new URL(url).origin;
          return url;
        },
        call,
      ));
    if (!hasEndpoint) {
      if (!canCall) examination.notTried('endpoint', 'not tried');
      examination.notTried('session', 'not tried');
      return false;
    }
    return await examination.check(
      'session',
      async (signal) => {
        const { url, expiresAtMs } = await provider.acquire({ signal });
        examination.subject.sessionOrigin = new URL(url).origin;
        return `opened, good until ${new Date(expiresAtMs).toISOString()}`;
      },
      call,
    );
  } finally {
    provider.close();
  }
}

/** First frame, fragments, clocks. */
async function viewStream(
  examination: Examination,
  clock: Clock,
  hasAddon: boolean,
  open: () => FrameSource,
): Promise<void> {
  if (!hasAddon) {
    examination.notTried('first frame', 'not tried without the addon');
    return;
  }
  await using source = open();
  const viewing = new Viewing(source, clock);
  const hasFrame = await examination.check('first frame', () => viewing.firstFrame(), {
    limitMs: FIRST_FRAME_MS + SPARE_MS,
  });
  if (!hasFrame) return;
  await examination.check('fragments', () => viewing.fragments(), {
    limitMs: NEXT_FRAGMENT_MS + SPARE_MS,
    isVital: false,
  });
  await examination.check('clocks', () => viewing.clocks(), { limitMs: LOCAL_MS, isVital: false });
}
