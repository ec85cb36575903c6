import type { FrameSource } from '../frame-source.js';
import type { FrameSourceGroup } from '../frame-source-group.js';
import type { Frame } from '../frames/frame.js';
import { tellEvents } from './events.js';
import type { Output } from './output.js';
import { RecentRate } from './recent-rate.js';
import { describeBriefly, Tally, type Report } from './report.js';
import { summed, together, type CamerasReport } from './reports.js';
import { printable } from './terminal-text.js';

/** How often the cameras' states are told: while somebody watches, and for a log. */
const WATCHED_MS = 1_000;
const LOGGED_MS = 10_000;

export interface CameraWatchOptions {
  /** Of all cameras together. Default: until a signal comes. */
  maxFrames?: number;
  /** A line each second, else one every ten. */
  display: boolean;
}

/** A camera, and what was seen of it. */
interface Watched {
  source: FrameSource;
  /** What the sources before this one came to. */
  earlier: Report | undefined;
  readonly tally: Tally;
  readonly rate: RecentRate;
}

const now = (): number => performance.now();

/** Takes the frames of many cameras, and tells how each of them does. */
export class CameraWatch {
  readonly #group: FrameSourceGroup;
  readonly #output: Output;
  readonly #options: CameraWatchOptions;
  readonly #all = new Tally(now());
  readonly #cameras = new Map<string, Watched>();

  constructor(group: FrameSourceGroup, options: CameraWatchOptions, output: Output) {
    this.#group = group;
    this.#options = options;
    this.#output = output;
    for (const source of group.sources) this.watch(source);
  }

  /** Also tells about a source that was added to the group; one that takes the place of another goes on with its figures. */
  watch(source: FrameSource): void {
    const { cameraId } = source;
    const watched = this.#cameras.get(cameraId);
    if (watched === undefined) {
      const seen = { tally: new Tally(now()), rate: new RecentRate() };
      this.#cameras.set(cameraId, { source, earlier: undefined, ...seen });
    } else {
      watched.earlier = reportOf(watched, now());
      watched.source = source;
    }
    tellEvents(source, {
      say: (type, fields, text) => {
        this.#output.say(type, { cameraId, ...fields }, `${printable(cameraId)}: ${text}`);
      },
    });
  }

  /** The newest source of each camera. */
  get sources(): FrameSource[] {
    return [...this.#cameras.values()].map(({ source }) => source);
  }

  /** Takes frames to the end that was asked for, or until the group is stopped. Throws what the last camera failed with. */
  async run(): Promise<void> {
    const { maxFrames, display } = this.#options;
    const telling = setInterval(() => this.#tell(), display ? WATCHED_MS : LOGGED_MS);
    try {
      for await (const frame of this.#group.frames(maxFrames === undefined ? {} : { maxFrames }))
        this.#take(frame);
    } finally {
      clearInterval(telling);
    }
  }

  /** The last word. */
  report(): CamerasReport {
    const atMs = now();
    const cameras = [...this.#cameras.values()].map((watched) => reportOf(watched, atMs));
    // Of the source only what is a sum is asked for, and replaced.
    const all = this.#all.report(this.sources[0]!, atMs);
    return { ...summed(all, cameras), ...together(cameras), cameraId: 'all', cameras };
  }

  /** Tells it. */
  sayReport(): void {
    const report = this.report();
    const lines = report.cameras.map(
      (camera) => `  ${printable(camera.cameraId)}: ${describeBriefly(camera)}`,
    );
    const count = lines.length === 1 ? '1 camera' : `${lines.length} cameras`;
    const text = [`${count}: ${describeBriefly(report)}`, ...lines].join('\n');
    this.#output.say('report', { ...report }, text);
  }

  #take(frame: Frame): void {
    const watched = this.#cameras.get(frame.cameraId);
    if (watched === undefined) return;
    const atMs = now();
    watched.tally.add(frame, atMs);
    watched.rate.add(frame.timestampMs, atMs);
    this.#all.add(frame, atMs);
  }

  #tell(): void {
    const atMs = now();
    const cameras = [...this.#cameras.values()].map(({ source, tally, rate }) => {
      const { status, lastFrameAgeMs } = source.health();
      const fps = status === 'flowing' ? rate.fps(atMs) : null;
      return { cameraId: source.cameraId, status, fps, ageMs: lastFrameAgeMs, frames: tally.frames };
    });
    const words = cameras.map(({ cameraId, status, fps, ageMs }) => {
      const rhythm = fps === null ? status : `${fps.toFixed(1)} fps`;
      return `${printable(cameraId)} ${rhythm}${ageMs === null ? '' : ` ${(ageMs / 1000).toFixed(1)} s`}`;
    });
    this.#output.say('cameras', { frames: this.#all.frames, cameras }, words.join(' · '));
  }
}

/** What came of a camera so far, whichever of its sources it was. */
function reportOf({ source, tally, earlier }: Watched, atMs: number): Report {
  const report = tally.report(source, atMs);
  return earlier === undefined ? report : summed(report, [earlier, report]);
}
