import type { Registry } from 'prom-client';
import { ConfigError } from '../errors.js';
import type { FrameSource } from '../frame-source.js';
import type { Logger } from '../logger.js';
import { HlsFrameSource, KvsHlsFrameSource } from '../source.js';

/** What says which cameras there are, and how they are read. */
export interface CameraFlags {
  streamName?: string[];
  streamArn?: string[];
  /** `URL`, or `ID=URL`. */
  url?: string[];
  region?: string;
  targetFps?: number;
}

/** A camera, and how to get a source of it, as often as that has to be. */
export interface MonitoredCamera {
  cameraId: string;
  open(): FrameSource;
}

/** `ID=URL`. A URL alone has no `=` before its first colon. */
const NAMED_URL = /^([^=:/]+)=(.*)$/s;

/** The cameras that the flags name, each under a name of its own. Throws `ConfigError` where they name none. */
export function camerasOf(flags: CameraFlags, registry: Registry, logger?: Logger): MonitoredCamera[] {
  const { streamName = [], streamArn = [], url = [], region, targetFps } = flags;
  const common = {
    registry,
    // A camera that gave up shows as state 4 until it is begun anew, and its counters go on then.
    keepMetrics: true,
    // A page shows what is: nothing waits for frames that are late.
    delivery: 'latest' as const,
    ...(targetFps !== undefined && { targetFps }),
    ...(logger && { logger }),
  };
  const ofKvs = { ...common, ...(region !== undefined && { region }) };
  const taken = new Set<string>();
  const camera = (wanted: string, open: (cameraId: string) => FrameSource): MonitoredCamera => {
    let cameraId = wanted;
    for (let n = 2; taken.has(cameraId); n++) cameraId = `${wanted}-${n}`;
    taken.add(cameraId);
    return { cameraId, open: () => open(cameraId) };
  };
  const cameras = [
    ...streamName.map((name) =>
      camera(name, (cameraId) => new KvsHlsFrameSource({ ...ofKvs, cameraId, streamName: name })),
    ),
    ...streamArn.map((arn) =>
      camera(
        arn.split('/')[1] ?? arn,
        (cameraId) => new KvsHlsFrameSource({ ...ofKvs, cameraId, streamArn: arn }),
      ),
    ),
    ...url.map((text) => {
      const [, id, address = text] = NAMED_URL.exec(text) ?? [];
      const host = URL.canParse(address) ? new URL(address).host : 'url';
      return camera(id ?? host, (cameraId) => new HlsFrameSource({ ...common, cameraId, url: address }));
    }),
  ];
  if (cameras.length > 0) return cameras;
  throw new ConfigError(
    'Give --stream-name, --stream-arn or --url, each as often as you like: what is to be shown?',
  );
}
