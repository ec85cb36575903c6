import type { Frame, FrameSource } from '../../lib/index';
import { readStamp } from '../../lib/simulator/index';
import { soakCamera, type SoakCameraName } from './cameras';
import { FLAG, type ReaderMessage, type ReadingKind } from './messages';

const FLUSH_EVERY_MS = 500;
/** What cannot be read from a picture. */
export const NO_STAMP = -1;

/** The number in a picture's stamp, or {@link NO_STAMP}. */
export function stampOf({
  data,
  width,
  height,
  stride,
}: Pick<Frame, 'data' | 'width' | 'height' | 'stride'>): number {
  return readStamp(data, width, height, stride)?.frameNumber ?? NO_STAMP;
}

/** One source's life, as the program that reads it sees it. */
export interface Reading {
  readonly source: FrameSource;
  /** A frame was handed over. */
  saw(frame: Frame): void;
  /** Stops the source, and tells its figures, once. */
  end(error?: unknown): Promise<void>;
}

/** Writes down which frames the program got, and tells the judge; keeps nothing itself. */
export class Witness {
  readonly counts: Record<string, number> = {};
  readonly #tell: (message: ReaderMessage) => void;
  readonly #pending = new Map<number, number[]>();
  readonly #timer: NodeJS.Timeout;
  #readings = 0;

  constructor(tell: (message: ReaderMessage) => void) {
    this.#tell = tell;
    this.#timer = setInterval(() => this.#flush(), FLUSH_EVERY_MS);
  }

  /** Something was done that the report counts. */
  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** Something is wrong that the judge can't see. */
  complain(text: string): void {
    this.#tell({ type: 'trouble', text });
  }

  begin(camera: SoakCameraName, source: FrameSource, isBatched = false): Reading {
    const id = (this.#readings += 1);
    const { source: options = {} } = soakCamera(camera);
    const isEncoded = options.encoded === true;
    const how: ReadingKind = { isEvery: options.delivery === undefined, isEncoded, isBatched };
    this.#tell({ type: 'began', id, camera, how });
    this.count('sources begun');
    let hasEnded = false;
    return {
      source,
      saw: (frame) => {
        const flags =
          (frame.discontinuity ? FLAG.discontinuity : 0) |
          (frame.damaged ? FLAG.damaged : 0) |
          (frame.synthetic ? FLAG.synthetic : 0) |
          (frame.timestampSource === 'received' ? FLAG.received : 0) |
          (frame.keyFrame ? FLAG.keyFrame : 0);
        const stamp = isEncoded ? NO_STAMP : stampOf(frame);
        let pending = this.#pending.get(id);
        if (pending === undefined) this.#pending.set(id, (pending = []));
        pending.push(stamp, frame.sourceWidth, frame.timestampMs, frame.gapMs, flags, frame.index);
      },
      end: async (error) => {
        if (hasEnded) return;
        hasEnded = true;
        await source.stop();
        const { frames, mediaMs, gaps, gapMs, droppedMs, recoveredMs, reconnects, renewals, readErrors } =
          source.getMetrics();
        const code = error === undefined ? null : codeOf(error);
        this.#flush();
        this.#tell({
          type: 'ended',
          id,
          code,
          totals: {
            ...{ frames, mediaMs, gaps, gapMs, droppedMs, recoveredMs },
            ...{ reconnects, renewals, readErrors },
          },
        });
        if (code !== null) this.count(`ended by ${code}`);
      },
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#flush();
  }

  #flush(): void {
    if (this.#pending.size === 0) return;
    this.#tell({ type: 'seen', seen: [...this.#pending] });
    this.#pending.clear();
  }
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}
