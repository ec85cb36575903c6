import { Registry } from 'prom-client';
import { systemClock, type Clock } from '../clock.js';
import { FrameSourceGroup } from '../frame-source-group.js';
import { startHttp } from '../http/serve.js';
import { CameraWatch } from './camera-watch.js';
import { stderrLogger } from './log.js';
import { camerasOf, type CameraFlags, type MonitoredCamera } from './monitored-cameras.js';
import { Output } from './output.js';
import { outsideUrls, pageWords } from './page-place.js';
import { onTermination } from './signals.js';
import { printable } from './terminal-text.js';

export interface MonitorFlags extends CameraFlags {
  host: string;
  port: number;
  token?: string;
  /** Names it is reached by besides its address and the machine's own. */
  allowedHost?: string[];
  json?: boolean;
  verbose?: boolean;
}

/** The variable that has the token: unlike a flag, no list of processes shows it. */
const TOKEN_VARIABLE = 'KVS_FRAMES_TOKEN';
/** A camera that gave up is begun anew after so long: what was wrong may have been mended meanwhile. */
const RESTART_MS = 60_000;

/** `kvs-frames monitor`: reads cameras until it is told to end, and shows them. Answers the exit code. */
export async function monitor(flags: MonitorFlags): Promise<number> {
  const output = new Output(flags.json === true);
  const registry = new Registry();
  const logger = flags.verbose === true ? stderrLogger : undefined;
  const cameras = camerasOf(flags, registry, logger);
  const token = flags.token ?? process.env[TOKEN_VARIABLE];
  const isGuarded = token !== undefined && token !== '';
  const { host, port, allowedHost: names = [] } = flags;
  const group = new FrameSourceGroup([], { endWhenEmpty: false });
  const watch = new CameraWatch(group, { display: output.isTerminal }, output);
  const stopListening = onTermination(() => void group.stop());
  const endRestarts = keepReading(cameras, { group, watch, output, clock: systemClock });
  try {
    await using page = await startHttp({
      sources: () => watch.sources,
      registry,
      host,
      port,
      page: true,
      allowedHosts: names,
      ...(isGuarded && { token }),
      ...(logger && { logger }),
    });
    const place = { url: page.url, host, names, isGuarded };
    output.say('page', { url: `${page.url}/`, outside: outsideUrls(place) }, pageWords(place));
    await watch.run();
  } finally {
    await group.stop();
    endRestarts();
    stopListening();
  }
  watch.sayReport();
  return 0;
}

interface Reading {
  group: FrameSourceGroup;
  watch: CameraWatch;
  output: Output;
  clock: Clock;
}

/** Reads the cameras, and those that give up once more after a while, until the answered function is called. */
export function keepReading(
  cameras: readonly MonitoredCamera[],
  { group, watch, output, clock }: Reading,
): () => void {
  const cancels = new Map<string, () => void>();
  const begin = (camera: MonitoredCamera): void => {
    const source = camera.open();
    watch.watch(source);
    group.add(source);
  };
  group.on('leave', ({ cameraId, reason, error }) => {
    const code = (error as { code?: string } | null)?.code ?? null;
    const message = error?.message ?? null;
    const again = reason === 'failed' ? `; read again in ${RESTART_MS / 1000} s` : '';
    const text = `${printable(cameraId)}: ${reason}${message === null ? '' : `: ${message}`}${again}`;
    output.say('leave', { cameraId, reason, code, message }, text);
    const camera = cameras.find((one) => one.cameraId === cameraId);
    if (reason !== 'failed' || camera === undefined) return;
    cancels.set(
      cameraId,
      clock.after(RESTART_MS, () => begin(camera)),
    );
  });
  for (const camera of cameras) begin(camera);
  return () => {
    for (const cancel of cancels.values()) cancel();
  };
}
