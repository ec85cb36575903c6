import {
  clipCamera,
  prepareClip,
  startSimulator,
  type Camera,
  type Clip,
  type ClipOptions,
  type SimulatedStream,
  type Simulator,
} from '../simulator/index.js';

/** The pictures a camera sends, and those it sends after a change of resolution. */
export interface DemoPictures {
  cameraId: string;
  usual: ClipOptions;
  changed: ClipOptions;
}

/** Length of a clip, after which its pictures begin anew: as long as making the first takes no more than some seconds. */
const CLIP_SECONDS = 12;
/** A change of resolution is waited for, and short. */
const CHANGED_CLIP_SECONDS = 4;

function pictures(cameraId: string, usual: ClipOptions, width: number, height: number): DemoPictures {
  const common: ClipOptions = { ...usual, clock: true, seconds: CLIP_SECONDS };
  return { cameraId, usual: common, changed: { ...common, width, height, seconds: CHANGED_CLIP_SECONDS } };
}

/**
 * Both codecs, wide, narrow and upright, with and without B-frames. Sizes and rates are such that all four, their simulators
 * and the page that shows them take a sixth of one core (measured), so that a browser has room beside them on two.
 */
export const demoPictures: readonly DemoPictures[] = [
  pictures('front-door', { width: 1280, height: 720, fps: 10, fragmentSeconds: 2 }, 640, 360),
  pictures('loading-bay', { width: 640, height: 360, fps: 10, codec: 'h265', scene: 'fractal' }, 854, 480),
  pictures('stairwell', { width: 360, height: 640, fps: 15, bFrames: 2, scene: 'life' }, 540, 960),
  pictures(
    'car-park',
    { width: 480, height: 360, fps: 10, codec: 'h265', bFrames: 2, scene: 'colours' },
    640,
    480,
  ),
];

/** Media a simulated stream keeps: some minutes. The clips' own bytes lie in memory once, however often they are kept. */
const MAX_STORED_BYTES = 8 * 2 ** 20;
/** Fragments that are there already when the reader comes. */
const BACKLOG_FRAGMENTS = 3;

/** A camera's way to the service, on which a fragment can get lost. */
export class Uplink {
  #isLosing = false;

  /** The camera, sending over this way. */
  of(camera: Camera): Camera {
    return {
      open: (context) =>
        camera.open({
          ...context,
          publish: (fragment) => {
            if (!this.#isLosing) context.publish(fragment);
            this.#isLosing = false;
          },
        }),
    };
  }

  /** The next fragment does not get through. */
  loseFragment(): void {
    this.#isLosing = true;
  }
}

/** One simulated camera with a Kinesis Video Streams of its own: what is done to it does not touch the others. */
export class DemoCamera {
  readonly cameraId: string;
  readonly simulator: Simulator;
  readonly uplink: Uplink;
  readonly #pictures: DemoPictures;
  readonly #clip: Clip;

  private constructor(pictures: DemoPictures, clip: Clip, simulator: Simulator, uplink: Uplink) {
    this.cameraId = pictures.cameraId;
    this.#pictures = pictures;
    this.#clip = clip;
    this.simulator = simulator;
    this.uplink = uplink;
  }

  /** Makes its pictures, unless they are kept from an earlier time, and begins to send. Throws `CameraError`. */
  static async start(pictures: DemoPictures): Promise<DemoCamera> {
    const clip = await prepareClip(pictures.usual);
    const uplink = new Uplink();
    const camera = uplink.of(clipCamera({ clip, backlogFragments: BACKLOG_FRAGMENTS }));
    const simulator = await startSimulator({
      streams: [{ name: pictures.cameraId, camera, maxStoredBytes: MAX_STORED_BYTES }],
    });
    return new DemoCamera(pictures, clip, simulator, uplink);
  }

  /** What it sends, in words. */
  get media(): string {
    const { width, height, fps, codec = 'h264', bFrames = 0 } = this.#pictures.usual;
    const name = codec === 'h264' ? 'H.264' : 'H.265';
    return `${name} ${width}×${height}, ${fps} fps${bFrames === 0 ? '' : ', B-frames'}`;
  }

  get stream(): SimulatedStream {
    return this.simulator.stream(this.cameraId);
  }

  /** From now on it sends its usual pictures, or those of another size. The fragment it was at is lost. */
  async show(which: 'usual' | 'changed'): Promise<void> {
    const clip = which === 'usual' ? this.#clip : await prepareClip(this.#pictures.changed);
    await this.stream.startCamera(this.uplink.of(clipCamera({ clip, backlogFragments: 0 })));
  }

  close(): Promise<void> {
    return this.simulator.close();
  }
}
