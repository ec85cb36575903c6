import { Registry } from 'prom-client';
import { KvsHlsFrameSource, type Frame, type KvsHlsFrameSourceOptions } from '../../lib/index';
import {
  clipCamera,
  prepareClip,
  readStamp,
  startSimulator,
  type Clip,
  type ClipOptions,
  type Simulator,
  type SimulatorOptions,
  type StreamOptions,
} from '../../lib/simulator/index';

export const STREAM = 'front-door';

/** A simulator with one stream whose camera plays a stamped clip, and what is needed to read it. */
export interface Stage extends AsyncDisposable {
  simulator: Simulator;
  clip: Clip;
  /** A source on the stream, with short waits. */
  source(options?: Partial<KvsHlsFrameSourceOptions>): KvsHlsFrameSource;
}

export interface StageOptions {
  clip?: ClipOptions;
  camera?: { backlogFragments?: number; speed?: number };
  stream?: Partial<StreamOptions>;
  simulator?: Partial<SimulatorOptions>;
}

/** Small pictures and half-second fragments: a renewal every few seconds has something to join. */
export const CLIP: ClipOptions = { width: 320, height: 180, fps: 20, fragmentSeconds: 0.5, seconds: 10 };

/** A source on a simulator's stream, with short waits and metrics of its own. */
export function sourceOn(
  { environment, endpoint, region }: Simulator,
  streamName: string,
  options: Partial<KvsHlsFrameSourceOptions> = {},
): KvsHlsFrameSource {
  return new KvsHlsFrameSource({
    streamName,
    region,
    endpoint,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    },
    registry: new Registry(),
    reconnectDelaySeconds: 0.1,
    maxReconnectDelaySeconds: 1,
    ...options,
  });
}

export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const clip = await prepareClip({ ...CLIP, ...options.clip });
  const simulator = await startSimulator({
    streams: [{ name: STREAM, camera: clipCamera({ clip, ...options.camera }), ...options.stream }],
    ...options.simulator,
  });
  const source = (more: Partial<KvsHlsFrameSourceOptions> = {}): KvsHlsFrameSource =>
    sourceOn(simulator, STREAM, more);
  return { simulator, clip, source, [Symbol.asyncDispose]: () => simulator.close() };
}

/** What a picture says of itself, and what the frame said of it. */
export interface Seen {
  /** Number of the picture within its clip, read from the pixels. */
  number: number;
  /** Capture time read from the pixels, ms since the clip's start. */
  captureMs: number;
  index: number;
  timestampMs: number;
  discontinuity: boolean;
  keyFrame: boolean;
  sessionId: number;
}

/** Reads the stamp of a frame. Throws if it can't be read. */
export function see(frame: Frame): Seen {
  const stamp = readStamp(frame.data, frame.width, frame.height, frame.stride);
  if (stamp === null) throw new Error(`Frame ${frame.index} bears no readable stamp`);
  const { index, timestampMs, discontinuity, keyFrame, fragment } = frame;
  return {
    number: stamp.frameNumber,
    captureMs: stamp.captureMs,
    index,
    timestampMs,
    discontinuity,
    keyFrame,
    sessionId: fragment.sessionId,
  };
}

/** Reads that many frames' stamps, or up to the end of the stream. */
export async function seeFrames(source: KvsHlsFrameSource, count: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const frame of source.frames({ maxFrames: count })) seen.push(see(frame));
  return seen;
}

/** Holes and repetitions in a run of a looping clip's pictures: an empty list if each follows the one before. */
export function breaks(seen: readonly Seen[], clip: Clip): string[] {
  const found: string[] = [];
  for (const [i, now] of seen.entries()) {
    const before = seen[i - 1];
    if (before === undefined) continue;
    const expected = (before.number + 1) % clip.frames;
    if (now.number !== expected)
      found.push(`index ${now.index}: picture ${now.number} instead of ${expected}`);
    if (now.index !== before.index + 1) found.push(`index ${now.index} after ${before.index}`);
    if (now.timestampMs <= before.timestampMs) found.push(`index ${now.index}: time steps back`);
  }
  return found;
}

/** The largest difference between what frames say of their capture time and what their pixels say, in ms. */
export function worstTimeError(seen: readonly Seen[], clip: Clip, stampEpochMs: number): number {
  return Math.max(
    ...seen.map((one) => {
      const sinceLoopStart = (one.timestampMs - stampEpochMs - one.captureMs) % clip.durationMs;
      return Math.min(Math.abs(sinceLoopStart), clip.durationMs - Math.abs(sinceLoopStart));
    }),
  );
}
