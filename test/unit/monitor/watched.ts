// Sources as the monitor sees them, which do what a test says, and readers of what it tells over real HTTP.
import { EventEmitter } from 'node:events';
import { afterEach } from '@jest/globals';
import { channels } from '../../../lib/channels';
import type { FrameSourceEvents } from '../../../lib/events';
import type { FrameSource } from '../../../lib/frame-source';
import type { HealthStatus, SourceHealth } from '../../../lib/health';
import { RouteServer } from '../../../lib/http/route-server';
import { silentLogger, type Logger } from '../../../lib/logger';
import { Monitor, type MonitorOptions } from '../../../lib/monitor/monitor';
import type { CameraSnapshot, Snapshot, Tick } from '../../../lib/monitor/protocol';
import type { SourceMetrics } from '../../../lib/source-metrics';
import { newDropCounts } from '../../../lib/policy/drop';
import { FakeClock, settled } from '../../support/fake-clock';

export class FakeSource extends EventEmitter<FrameSourceEvents> {
  health_: Partial<SourceHealth> = {};
  metrics: Partial<SourceMetrics> = {};
  looks = 0;

  constructor(
    readonly cameraId: string,
    readonly clock: FakeClock,
  ) {
    super();
  }

  /** Nothing of what the monitor asks for is missing, and the rest it does not ask for. */
  get asSource(): FrameSource {
    return this as unknown as FrameSource;
  }

  become(status: HealthStatus, reason = `is ${status}`): void {
    const healthy = status === 'flowing' || status === 'idle';
    this.health_ = { ...this.health_, status, healthy, reason, sinceMs: this.clock.now() };
    this.emit('state', { from: 2, to: 3, phase: 'reconnecting' });
  }

  /** What happens in a second of a camera that sends two fragments of that. */
  second(frames = 25, bytes = 100_000): void {
    this.metrics.frames = (this.metrics.frames ?? 0) + frames;
    this.metrics.fragmentBytes = (this.metrics.fragmentBytes ?? 0) + bytes;
    this.metrics.lastFrameTimestampMs = this.clock.now() - 500;
    this.clock.step(1000);
  }

  health(): SourceHealth {
    this.looks += 1;
    return {
      healthy: true,
      status: 'flowing',
      state: 2,
      phase: 'connected',
      reason: 'frames flow',
      sinceMs: this.clock.now(),
      lastFrameAgoMs: 10,
      lastFrameAgeMs: 700,
      rhythm: { fragmentMs: 1000, stallAfterMs: 10_000 },
      renewals: 0,
      reconnectsLastHour: 0,
      next: null,
      decoder: null,
      ...this.health_,
    };
  }

  getMetrics(): Partial<SourceMetrics> {
    return {
      frames: 0,
      fragmentBytes: 0,
      lastFrameTimestampMs: null,
      session: { id: 1, expiresAtMs: this.clock.now() + 300_000 },
      dropsByCause: newDropCounts(),
      gaps: 0,
      gapMs: 0,
      readErrors: 0,
      ...this.metrics,
    };
  }
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  // Who looks no more must leave nothing behind.
  if (channels.frame.hasSubscribers) throw new Error('Somebody is still subscribed to frames');
});

export interface Served {
  url: string;
  clock: FakeClock;
  monitor: Monitor;
  server: RouteServer;
}

/** A monitor behind the HTTP server that serves it in programs. Its clock stands still, the server's does not. */
export async function serve(
  options: Omit<MonitorOptions, 'logger'> & { clock: FakeClock; logger?: Logger },
): Promise<Served> {
  const { clock } = options;
  const monitor = new Monitor({ logger: silentLogger, ...options });
  const { routes } = monitor;
  const place = { host: '127.0.0.1', port: 0, token: undefined, allowedHosts: [] };
  const server = new RouteServer({ ...place, routes, logger: silentLogger });
  await server.listen();
  closers.push(async () => {
    await server.close();
    await monitor.close();
  });
  return { url: server.url, clock, monitor, server };
}

/** A browser's end of the stream of events. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly response: Response;
  #text = '';

  private constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.getReader();
  }

  static async open(url: string): Promise<EventReader> {
    const reader = new EventReader(await fetch(`${url}/events`));
    closers.push(() => reader.close());
    return reader;
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  /** The next block of lines; `null` at the end. */
  async block(): Promise<string | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** The next event, which has to be of that name. */
  async next<T>(name: string): Promise<T> {
    const block = await this.block();
    const match = /^event: (\w+)\ndata: (.*)$/.exec(block ?? '');
    if (match?.[1] !== name) throw new Error(`Expected the event ${name} but received ${block}`);
    return JSON.parse(match[2]!) as T;
  }

  /** What the stream begins with. */
  async snapshot(): Promise<Snapshot> {
    const retry = await this.block();
    if (!/^retry: \d+$/.test(retry ?? '')) throw new Error(`Expected retry: but received ${retry}`);
    return this.next('snapshot');
  }

  tick(): Promise<Tick> {
    return this.next('tick');
  }
}

/** What a page that comes now is told of a camera. */
export async function cameraOf({ url }: Served, id: string): Promise<CameraSnapshot> {
  const reader = await EventReader.open(url);
  const { cameras } = await reader.snapshot();
  await reader.close();
  const camera = cameras.find((one) => one.id === id);
  if (camera === undefined) throw new Error(`There is no ${id} among ${cameras.map((one) => one.id).join()}`);
  return camera;
}

export { FakeClock, settled };
