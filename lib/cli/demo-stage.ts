import type { Registry } from 'prom-client';
import { FrameSourceGroup } from '../frame-source-group.js';
import type { Logger } from '../logger.js';
import { KvsHlsFrameSource } from '../source.js';
import { DemoCamera, demoPictures } from './demo-cameras.js';
import { DemoFaults, type DemoFaultsHooks } from './demo-faults.js';

export interface DemoStageOptions extends DemoFaultsHooks {
  registry: Registry;
  /** What the readers say. */
  logger: Logger;
  /** A camera sends from now on. */
  onCamera(camera: DemoCamera): void;
}

/** The demo without its words: simulated cameras, a reader on each, and what can be done to them. */
export class DemoStage implements AsyncDisposable {
  readonly cameras: readonly DemoCamera[];
  readonly faults: DemoFaults;
  readonly group: FrameSourceGroup;

  private constructor(cameras: readonly DemoCamera[], options: DemoStageOptions) {
    this.cameras = cameras;
    this.faults = new DemoFaults(cameras, options);
    this.group = new FrameSourceGroup(cameras.map((camera) => sourceOn(camera, options)));
  }

  /** Starts the cameras side by side. Throws what one of them can't be started for, and leaves none behind. */
  static async open(options: DemoStageOptions): Promise<DemoStage> {
    const starting = demoPictures.map(async (pictures) => {
      const camera = await DemoCamera.start(pictures);
      options.onCamera(camera);
      return camera;
    });
    const started = await Promise.allSettled(starting);
    const cameras = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = started.find((one) => one.status === 'rejected');
    if (failed === undefined) return new DemoStage(cameras, options);
    await Promise.all(cameras.map((camera) => camera.close()));
    throw failed.reason;
  }

  async close(): Promise<void> {
    await this.group.stop();
    await this.faults.close();
    await Promise.all(this.cameras.map((camera) => camera.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Through the AWS SDK, as a camera on AWS would be read. */
function sourceOn(
  { cameraId, simulator }: DemoCamera,
  { registry, logger }: DemoStageOptions,
): KvsHlsFrameSource {
  const { endpoint, region, environment } = simulator;
  return new KvsHlsFrameSource({
    streamName: cameraId,
    region,
    endpoint,
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    registry,
    logger,
    // Moving pictures, not bursts of a fragment.
    pace: 'realtime',
    // Who presses a button wants to see what follows, and may press it as often as he likes.
    reconnectDelaySeconds: 1,
    maxReconnectDelaySeconds: 4,
    maxConsecutiveErrors: 1_000_000,
  });
}
