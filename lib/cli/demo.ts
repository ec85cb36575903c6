import { Registry } from 'prom-client';
import { ConfigError } from '../errors.js';
import { startHttp } from '../http/serve.js';
import type { HttpServer } from '../http/server.js';
import { silentLogger } from '../logger.js';
import { CameraWatch } from './camera-watch.js';
import { demoPictures, type DemoCamera } from './demo-cameras.js';
import { DemoStage } from './demo-stage.js';
import { stderrLogger } from './log.js';
import { Output } from './output.js';
import { onTermination } from './signals.js';

export interface DemoFlags {
  /** Of all cameras together. */
  maxFrames?: number;
  /** False: no page, and no line a second. */
  display: boolean;
  /** Default: 9464, or a free one if that is taken. */
  port?: number;
  json?: boolean;
  verbose?: boolean;
}

/** The port of `serveHttp`. */
const PAGE_PORT = 9464;

/** `kvs-frames demo`: simulated cameras, readers on them through the AWS SDK, the live page. Answers the exit code. */
export async function demo(flags: DemoFlags): Promise<number> {
  const output = new Output(flags.json === true);
  const ending = new AbortController();
  const stopListening = onTermination(() => {
    // While the cameras' pictures are made, some seconds go by until then.
    output.line('Ending; Ctrl-C once more ends at once');
    ending.abort();
  });
  try {
    return await run(flags, output, ending.signal);
  } finally {
    stopListening();
  }
}

async function run(flags: DemoFlags, output: Output, ending: AbortSignal): Promise<number> {
  const count = demoPictures.length;
  output.say(
    'starting',
    { cameras: count },
    `Starting ${count} cameras. Their pictures are made the first time, which takes some seconds.`,
  );
  const registry = new Registry();
  let started = 0;
  await using stage = await DemoStage.open({
    registry,
    logger: flags.verbose === true ? stderrLogger : silentLogger,
    onCamera: (camera) => sayCamera(camera, `${(started += 1)} of ${count}`, output),
    onBegin: (cameraId, { id, label }) => {
      output.say('action', { cameraId, action: id }, `${cameraId}: ${label}`);
    },
    onEnd: (cameraId, { id, label }) => {
      output.say('action', { cameraId, action: null, ended: id }, `${cameraId}: “${label}” is over`);
    },
    onError: (cameraId, error) => output.note(`${cameraId} can't be brought back: ${String(error)}`),
  });
  const watch = new CameraWatch(stage.group, flags, output);
  const end = (): void => void stage.group.stop();
  if (ending.aborted) end();
  else ending.addEventListener('abort', end, { once: true });
  const page =
    flags.display && !ending.aborted ? await openPage(stage, registry, flags.port, output) : undefined;
  try {
    await watch.run();
  } finally {
    await page?.close();
  }
  await stage.close();
  watch.sayReport();
  return 0;
}

function sayCamera({ cameraId, simulator, media }: DemoCamera, which: string, output: Output): void {
  const { endpoint, region } = simulator;
  output.say(
    'simulator',
    { endpoint, region, streams: [cameraId], media },
    `Camera ${which}: ${cameraId} sends ${media} into a local Kinesis Video Streams on ${endpoint}`,
  );
}

async function openPage(
  { group, faults }: DemoStage,
  registry: Registry,
  port: number | undefined,
  output: Output,
): Promise<HttpServer> {
  const openOn = (wanted: number): Promise<HttpServer> =>
    startHttp({ sources: [group], registry, port: wanted, page: true }, { faults });
  let page: HttpServer;
  try {
    page = await openOn(port ?? PAGE_PORT);
  } catch (error) {
    // The default may be taken by a monitor, or by another demo.
    if (port !== undefined || !(error instanceof ConfigError)) throw error;
    output.note(`Port ${PAGE_PORT} can't be had; the page is on another one, which --port chooses.`);
    page = await openOn(0);
  }
  output.say('page', { url: `${page.url}/` }, `\n  The live page: ${page.url}/\n\nCtrl-C ends the demo.`);
  return page;
}
