import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../lib/clock';
import { makeClip, type FragmentedClip } from './fragments';

export interface Rung {
  name: string;
  width: number;
  height: number;
  clip: FragmentedClip;
}

/** Encodes the same test picture, with its time burned in, in several sizes; one fragment is one second. */
export function makeRungs(seconds: number, sizes: readonly (readonly [number, number])[]): Rung[] {
  return sizes.map(([width, height]) => ({
    name: `${height}p`,
    width,
    height,
    clip: makeClip({ width, height, seconds, bFrames: 0 }),
  }));
}

/** Bits of a rung's largest fragment, all of one second. */
export function bandwidthOf({ clip }: Rung): number {
  return Math.max(...clip.fragments.map(({ length }) => length)) * 8;
}

export interface LadderOptions {
  clock: Clock;
  /** Clock ms for one of the host's. */
  factor: number;
  /** When the fragment 0 was taken; `null`: no dates. */
  startMs: number | null;
  /** Fragments listed at first; each second there is one more, and with the last the list ends. */
  listed: number;
}

const CHUNK_BYTES = 2048;

/** Serves rungs as a live stream of several variants, as slowly as it is told to. */
export class LadderServer {
  /** Bits per second of each response. */
  rate = Infinity;
  /** Fragments that were sent whole, as `NAME/NUMBER`. */
  readonly sent: string[] = [];
  readonly #rungs: readonly Rung[];
  readonly #options: LadderOptions;
  readonly #server = createServer((request, response) => this.#answer(request.url ?? '', response));
  #begunMs: number | null = null;
  #endedMs: number | null = null;

  constructor(rungs: readonly Rung[], options: LadderOptions) {
    this.#rungs = rungs;
    this.#options = options;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/master.m3u8`;
  }

  /** Fragments that are listed. */
  get length(): number {
    const { clock, listed } = this.#options;
    const nowMs = this.#endedMs ?? clock.monotonic();
    return Math.min(listed + Math.floor((nowMs - (this.#begunMs ?? nowMs)) / 1000), this.#longest);
  }

  get #longest(): number {
    return Math.min(...this.#rungs.map(({ clip }) => clip.fragments.length));
  }

  /** The stream ends with what is listed now. */
  end(): void {
    this.#endedMs ??= this.#options.clock.monotonic();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(path: string, response: ServerResponse): void {
    const [name = '', file = ''] = path.slice(1).split('/');
    const rung = this.#rungs.find((other) => other.name === name);
    const media = rung?.clip.fragments[Number.parseInt(file, 10)];
    if (name === 'master.m3u8') response.end(this.#master());
    else if (rung === undefined) response.writeHead(404).end();
    else if (file === 'list.m3u8') response.end(this.#list());
    else if (file === 'init.mp4') response.end(rung.clip.init);
    else if (media === undefined) response.writeHead(404).end();
    else this.#send(media, response, `${name}/${Number.parseInt(file, 10)}`);
  }

  #master(): string {
    const entries = this.#rungs.map(
      (rung) =>
        `#EXT-X-STREAM-INF:BANDWIDTH=${bandwidthOf(rung)},RESOLUTION=${rung.width}x${rung.height}\n${rung.name}/list.m3u8`,
    );
    return ['#EXTM3U', ...entries, ''].join('\n');
  }

  #list(): string {
    const { clock, startMs } = this.#options;
    this.#begunMs ??= clock.monotonic();
    const count = this.length;
    const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:1', '#EXT-X-MAP:URI="init.mp4"'];
    for (let i = 0; i < count; i++) {
      if (startMs !== null)
        lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(startMs + i * 1000).toISOString()}`);
      lines.push('#EXTINF:1,', `${i}.m4s`);
    }
    if (this.#endedMs !== null || count === this.#longest) lines.push('#EXT-X-ENDLIST');
    return lines.join('\n');
  }

  #send(bytes: Buffer, response: ServerResponse, name: string): void {
    response.writeHead(200, { 'content-length': bytes.length });
    const next = (at: number): void => {
      if (response.destroyed) return;
      if (this.rate === Infinity || at >= bytes.length) {
        this.sent.push(name);
        response.end(bytes.subarray(at));
        return;
      }
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      response.write(chunk);
      setTimeout(() => next(at + chunk.length), (chunk.length * 8 * 1000) / this.rate / this.#options.factor);
    };
    next(0);
  }
}
